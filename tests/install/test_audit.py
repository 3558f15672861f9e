"""Reports of vulnerabilities, and of packages that could not be checked."""

from scripts.audit import read_npm_audit, read_pip_audit

VULNERABLE = """{"dependencies": [
  {"name": "moss", "version": "1.0", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["1.1"]}]},
  {"name": "stone", "version": "1.0", "vulns": []},
  {"name": "lichen", "skip_reason": "Dependency not found on PyPI"}
], "fixes": []}"""
CLEAN = '{"dependencies": [{"name": "stone", "version": "1.0", "vulns": []}], "fixes": []}'
NPM = """{"vulnerabilities": {"moss": {"range": "<1.1", "severity": "high"}},
  "metadata": {"dependencies": {"total": 500}}}"""


def test_a_vulnerability_is_named_with_the_version_that_mends_it() -> None:
    report = read_pip_audit(VULNERABLE, "")
    assert report.found == ("moss 1.0: PYSEC-2026-1 (fixed in: 1.1)",)
    assert "2 packages checked, 1 vulnerabilities" in report.text()
    assert read_npm_audit(NPM, "").found == ("moss <1.1: high",)
    assert read_pip_audit(CLEAN, "").text() == "1 packages checked, 0 vulnerabilities"


def test_what_was_not_looked_up_is_not_called_checked() -> None:
    assert "not checked: 1 (Dependency not found on PyPI)" in read_pip_audit(VULNERABLE, "").text()


def test_without_a_network_nothing_is_called_checked() -> None:
    offline = read_pip_audit("", "Traceback …\nrequests.exceptions.ProxyError: no proxy\n")
    assert "0 packages checked" in offline.text()
    assert "not checked: all (requests.exceptions.ProxyError: no proxy)" in offline.text()
    refused = read_npm_audit('{"message": "405 Method Not Allowed", "error": {}}', "npm error")
    assert "not checked: all (405 Method Not Allowed)" in refused.text()
    assert "not checked: all (it said nothing)" in read_npm_audit("", "").text()

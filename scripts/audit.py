"""Check all packages in the lock files for known vulnerabilities.

usage: audit.py [OPTIONS OF PIP-AUDIT]

Python packages are looked up by pip-audit, page packages by npm. Packages that could not be looked
up, without a network or because the registry has no such data, are reported and do not count as
checked. Exit status 1 when a vulnerability is known, else 0.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")
NPM_FOLDERS = ("frontend", "tests/node_clients")


@dataclass(frozen=True)
class Report:
    """The result for one lock file."""

    checked: int = 0
    unchecked: int = 0
    reason: str = ""  # why some packages were not checked
    found: tuple[str, ...] = ()

    def text(self) -> str:
        """The text to print."""
        lines = [f"{self.checked} packages checked, {len(self.found)} vulnerabilities"]
        if self.reason:
            lines.append(f"  not checked: {self.unchecked or 'all'} ({self.reason})")
        return "\n".join([*lines, *(f"  {each}" for each in self.found)])


def read_pip_audit(output: str, errors: str) -> Report:
    """The report of pip-audit; without one it could not reach its service."""
    try:
        dependencies = json.loads(output)["dependencies"]
    except (ValueError, KeyError):
        return Report(reason=last_line(errors))
    skipped = [each["skip_reason"] for each in dependencies if "skip_reason" in each]
    return Report(
        checked=len(dependencies) - len(skipped),
        unchecked=len(skipped),
        reason=skipped[0] if skipped else "",
        found=tuple(pip_findings(dependencies)),
    )


def pip_findings(dependencies: Sequence[dict[str, Any]]) -> Iterator[str]:
    """One line per vulnerability."""
    for each in dependencies:
        for known in each.get("vulns", ()):
            fixed = ", ".join(known["fix_versions"]) or "no fixed version"
            yield f"{each['name']} {each['version']}: {known['id']} (fixed in: {fixed})"


def read_npm_audit(output: str, errors: str) -> Report:
    """The report of npm; without one it could not reach the registry's advisories."""
    try:
        report = json.loads(output)
    except ValueError:
        return Report(reason=last_line(errors))
    if "vulnerabilities" not in report:
        return Report(reason=str(report.get("message") or last_line(errors)))
    found = [
        f"{name} {entry['range']}: {entry['severity']}"
        for name, entry in report["vulnerabilities"].items()
    ]
    return Report(checked=report["metadata"]["dependencies"]["total"], found=tuple(found))


def last_line(text: str) -> str:
    """The error output of a program."""
    lines = text.strip().splitlines()
    return lines[-1][:300] if lines else "it said nothing"


def output_of(command: Sequence[str | Path], folder: Path) -> tuple[str, str]:
    """The output of a program; its report is more precise than its exit status."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout, done.stderr


def reports(arguments: Sequence[str]) -> Iterator[tuple[str, Report]]:
    """Yields one result per lock file as it completes."""
    for lock in sorted(ROOT.glob("requirements*.lock")):
        command: list[str | Path] = [PIP_AUDIT, *OPTIONS, *arguments, "--requirement", lock]
        yield lock.name, read_pip_audit(*output_of(command, ROOT))
    npm = ("npm", "audit", "--package-lock-only", "--json")
    for folder in NPM_FOLDERS:
        yield f"{folder}/package-lock.json", read_npm_audit(*output_of(npm, ROOT / folder))


def main(arguments: Sequence[str]) -> int:
    found, incomplete = 0, 0
    for name, report in reports(arguments):
        print(f"{name}: {report.text()}", flush=True)
        found += len(report.found)
        incomplete += bool(report.reason)
    print(f"audit: {found} known vulnerabilities; {incomplete} lock files not checked completely")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The table "To change X, go to Y" of CONTRIBUTING.md is correct and up to date."""

import re
from pathlib import Path

import pytest

from app.config import Settings
from app.observability.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
TABLE = re.compile(r"^\| (.+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
PATH = re.compile(
    r"`((?:app|bench|clients|docs|frontend|scripts|specs|tests)/[\w./<>-]*|[\w.-]+\.(?:md|toml)|\.env\.example)`"
)
REQUIRED = (
    *("an SSE event", "a stage", "a node", "a model provider", "an embedder", "a reranker"),
    *("a file format", "a route", "a setting", "a migration", "a text of the page", "a language"),
    *("a panel", "a foreign protocol", "a metric", "a check of the doctor"),
)
WITHOUT_DOCUMENT = ("a text of the page", "a language of the page")


def rows() -> list[tuple[str, str, str, str]]:
    lines = TABLE.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"))
    return [row for row in lines if not row[0].startswith(("to add", "---"))]


def exists(path: str) -> bool:
    """`<name>` stands for any name; at least one such file must exist."""
    return any(ROOT.glob(re.sub(r"<\w+>", "*", path.rstrip("/"))))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_place_exists(row: tuple[str, str, str, str]) -> None:
    named = PATH.findall(" ".join(row))
    assert [path for path in named if not exists(path)] == []


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_every_row_names_a_place_a_test_and_a_document(row: tuple[str, str, str, str]) -> None:
    subject, place, test, document = row
    assert PATH.search(place)
    assert PATH.search(test) or "`make " in test
    assert PATH.search(document) or subject in WITHOUT_DOCUMENT


def test_every_kind_of_change_has_a_row() -> None:
    subjects = [row[0] for row in rows()]
    assert [kind for kind in REQUIRED if not any(s.startswith(kind) for s in subjects)] == []


def test_every_setting_is_documented() -> None:
    quickstart = (ROOT / "QUICKSTART.md").read_text(encoding="utf-8")
    names = [name.upper() for name, field in Settings.model_fields.items() if field.alias is None]
    assert [name for name in names if f"`{name}" not in quickstart] == []


def test_every_metric_is_documented() -> None:
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    names = [family.name for family in Metrics().registry.collect()]
    own = [name for name in names if name.startswith("citestream_")]
    assert own
    assert [name for name in own if name not in operations] == []


def test_the_glossary_has_at_most_40_terms_that_the_code_uses() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    entries = re.findall(r"^\| \*\*(.+)\*\* \| .+ \| (.+) \|$", text, re.MULTILINE)
    terms = [term for term, _ in entries]
    assert 30 < len(terms) <= 40
    assert terms == sorted(terms, key=str.casefold)
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    names = [name for _, cell in entries for name in re.findall(r"`([^`]+)`", cell)]
    unused = [name for name in names if "/" not in name and not re.search(rf"\b{name}\b", code)]
    assert unused == []
    assert [name for name in names if "/" in name and not (ROOT / name).exists()] == []

"""Every requirement in scope names a test, and every named test exists."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = ROOT / "specs" / "requirements.md"
PROTOCOL = ROOT / "specs" / "streaming-protocol.md"
DOCUMENTS = (
    REQUIREMENTS,
    *sorted((ROOT / "specs" / "decisions").glob("*.md")),
    *(
        ROOT / "docs" / f"{name}.md"
        for name in ("architecture", "clients", "operations", "security")
    ),
    ROOT / "tests" / "README.md",
)
ROW = re.compile(r"^\| ([A-Z]+[-\w.]*\d\w*) \| (.+?) \| (.*) \|$", re.MULTILINE)
REFERENCE = re.compile(
    r"`((?:tests|frontend|specs|app|docs)/[\w./-]+|pyproject\.toml)(?:::([^`]+))?`"
)
IN_SCOPE = (
    *("FR-003", "FR-005", "FR-008", "FR-009", "FR-017", "FR-018", "FR-019", "FR-020", "FR-021"),
    *("SC-001", "SC-002", "SC-003", "SC-006", "SC-007"),
    *(f"P{number}" for number in range(1, 15)),
    *(f"I2.{number}" for number in range(1, 16)),
    *(f"I3.{number}" for number in range(1, 13)),
    *(f"I8.{number}" for number in range(1, 11)),
    *(f"I9.{number}" for number in range(1, 16)),
    *(f"I10.{number}" for number in range(1, 13)),
)


def rows() -> dict[str, str]:
    """The proof of each requirement, by id."""
    found = ROW.findall(REQUIREMENTS.read_text())
    assert len({name for name, _, _ in found}) == len(found), "an id stands twice"
    return {name: proof for name, _, proof in found}


@lru_cache
def functions_of(path: Path) -> frozenset[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return frozenset(
        node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def exists(path: str, name: str) -> bool:
    """A Python test is found by its function name, others by their text."""
    file = ROOT / path
    if not name or not file.is_file():
        return file.exists()
    if file.suffix == ".py":
        return name in functions_of(file)
    return name in file.read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_is_named_exists(document: Path) -> None:
    named = REFERENCE.findall(document.read_text())
    missing = [f"{path}::{name}" for path, name in named if not exists(path, name)]
    assert missing == []


def test_every_requirement_in_scope_names_a_test() -> None:
    proofs = rows()
    assert set(IN_SCOPE) <= set(proofs)
    assert [name for name in IN_SCOPE if "::" not in proofs[name]] == []


def test_every_rule_of_the_wire_names_a_test() -> None:
    rules = re.findall(r"\*\*(M\d+)\*\*", PROTOCOL.read_text())
    assert rules == [f"M{number}" for number in range(1, len(rules) + 1)]
    proofs = rows()
    assert [rule for rule in rules if "::" not in proofs.get(rule, "")] == []


def test_decisions_have_their_four_parts_and_numbers_without_a_gap() -> None:
    folder = ROOT / "specs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))
    names = [f"{number:04d}" for number in range(1, len(decisions) + 1)]
    assert [path.name[:4] for path in decisions] == names
    for path in (*decisions, folder / "TEMPLATE.md"):
        parts = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "What enforces it"]

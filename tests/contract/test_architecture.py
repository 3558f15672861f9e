"""Every function named by a walk of docs/architecture.md exists; its tables are complete."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
HOP = re.compile(r"`((?:[a-z_]+\.)+[A-Za-z_]\w*(?:\.\w+)?)`")
WALKS = ("Question in", "Token out", "File in", "Stop", "Resume")
LENGTHS = (ROOT / "specs" / "decisions" / "0048-how-long-the-walks-are.md").read_text(
    encoding="utf-8"
)


def section(title: str) -> str:
    return DOCUMENT.split(f"### {title}\n")[1].split("\n### ")[0].split("\n## ")[0]


def is_defined(hop: str) -> bool:
    """Module, then a function or a class and its method."""
    parts = hop.split(".")
    for length in range(len(parts) - 1, 0, -1):
        path = ROOT / "app" / Path(*parts[:length]).with_suffix(".py")
        if path.is_file():
            return defines(ast.parse(path.read_text(encoding="utf-8")), parts[length:])
    return False


def defines(node: ast.AST, names: list[str]) -> bool:
    if not names:
        return True
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    inner = [one for one in ast.iter_child_nodes(node) if isinstance(one, kinds)]
    return any(one.name == names[0] and defines(one, names[1:]) for one in inner)


@pytest.mark.parametrize("walk", WALKS)
def test_every_hop_of_a_walk_exists(walk: str) -> None:
    hops = HOP.findall(section(walk))
    assert len(hops) > 5
    assert [hop for hop in hops if not is_defined(hop)] == []


@pytest.mark.parametrize("walk", WALKS)
def test_a_walk_is_as_long_as_its_decision_says(walk: str) -> None:
    numbered = [line for line in section(walk).splitlines() if re.match(r"\d+\. ", line)]
    hops = sum(len(HOP.findall(line)) for line in numbered)
    [said] = re.findall(rf"^\| {walk} \| \d+ \| (\d+) \|", LENGTHS, re.MULTILINE)
    assert hops == int(said)


def test_every_room_and_every_file_of_runs_is_named() -> None:
    folders = [path.parent.name for path in (ROOT / "app").glob("*/__init__.py")]
    assert [name for name in folders if f"`app/{name}/`" not in DOCUMENT] == []
    files = [path.name for path in (ROOT / "app" / "runs").glob("[a-z]*.py")]
    assert [name for name in files if f"`{name}`" not in DOCUMENT] == []


def test_a_hop_that_is_gone_is_found() -> None:
    assert is_defined("runs.service.RunService.ask")
    assert not is_defined("runs.service.RunService.tell")
    assert not is_defined("runs.signals.Missing.notify")

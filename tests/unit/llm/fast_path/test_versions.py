"""The fast path is used only with the versions it supports."""

import ast
import logging
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from app.llm.fast_path import versions
from app.llm.fast_path.versions import AIOHTTP, LIBRARIES, OPENAI, is_usable, mismatches

FOLDER = Path(versions.__file__).parent
MODULES = sorted(
    path.stem for path in FOLDER.glob("*.py") if path.stem not in {"__init__", "versions"}
)


@pytest.fixture(autouse=True)
def _checked_anew() -> None:
    versions._is_supported.cache_clear()


def test_the_locked_versions_are_those_it_was_written_for() -> None:
    assert mismatches() == []
    assert is_usable(True)


def test_every_module_names_what_it_was_written_for() -> None:
    named = {name: import_module(f"app.llm.fast_path.{name}").WRITTEN_FOR for name in MODULES}
    assert all(named.values())
    assert {library for each in named.values() for library in each} == set(LIBRARIES)


@pytest.mark.parametrize(
    ("version", "fits"),
    [("3.14.0", True), ("3.14.9", True), ("3.13.9", False), ("3.15.0", False), ("4.0.0a1", False)],
)
def test_a_version_outside_the_range_is_found(version: str, fits: bool) -> None:
    assert (mismatches([AIOHTTP], installed=lambda name: version) == []) is fits


def test_a_package_that_is_missing_is_found() -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    assert mismatches([OPENAI], installed=missing) == ["openai (not installed) (but >=3.51,<3.53)"]


def test_another_version_is_warned_about_once_and_switches_it_off(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(versions, "mismatches", lambda: ["openai 9.0.0 (but >=3.51,<3.53)"])
    with caplog.at_level(logging.WARNING):
        assert [is_usable(True) for _ in range(3)] == [False] * 3
    [record] = caplog.records
    assert "openai 9.0.0" in record.getMessage()


def test_off_is_not_warned_about(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(versions, "mismatches", lambda: ["openai 9.0.0 (but >=3.51,<3.53)"])
    assert not is_usable(False)
    assert not caplog.records


MAKE_EVERYTHING = """
import sys
from app.config import Settings
from app.llm.registry import make_answer_model
from app.server.answer_engines import event_path
common = {"llm_fast_path": False, "llm_model": "m", "openai_api_key": "k"}
for provider in ("openai", "extractive"):
    make_answer_model(Settings(llm_provider=provider, **common).answer_model)
event_path(fast=False)
print(*(name for name in sys.modules if name.startswith("app.llm.fast_path.")))
"""


def test_the_stock_path_imports_nothing_of_it() -> None:
    """An import that breaks with another library version is not even attempted."""
    ran = subprocess.run(
        [sys.executable, "-c", MAKE_EVERYTHING], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["app.llm.fast_path.versions"]


FENCED = ("aiohttp", "langchain_core", "langchain_openai", "openai", "pydantic")
ROOT = FOLDER.parents[2]


def _private_imports(path: Path) -> list[str]:
    """What a module imports of the fenced libraries that begins with an underscore."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in FENCED:
            names = [*(node.module or "").split("."), *(alias.name for alias in node.names)]
            found += [name for name in names if name.startswith("_")]
    return found


def test_nothing_outside_it_imports_internals() -> None:
    outside = [path for path in (ROOT / "app").rglob("*.py") if FOLDER not in path.parents]
    assert {str(path): _private_imports(path) for path in outside if _private_imports(path)} == {}

"""The parts of a file that are not in its text are reported, by kind and number."""

import json
import re
from pathlib import Path

import pytest

from app.domain.models import FidelityNote
from app.ingest.fidelity_report import describe

ROOT = Path(__file__).parents[3]
KIND = re.compile(r'(?:add_note|FidelityNote)\(\s*"(\w+)"')


@pytest.mark.parametrize(
    ("notes", "words"),
    [
        ([], ""),
        ([FidelityNote("pages_without_text", 3, 22)], "3 of 22 pages have no text"),
        ([FidelityNote("pages_without_text", 1, 22)], "1 of 22 pages has no text"),
        ([FidelityNote("unreadable_pages", 1, 1)], "1 page cannot be read"),
        (
            [FidelityNote("pictures", 2), FidelityNote("hidden_sheets", 1, 3)],
            "2 pictures; 1 hidden sheet",
        ),
        ([FidelityNote("attachments", 1200)], "1,200 attachments were not read"),
        ([FidelityNote("doubtful_encoding", 1)], "the encoding is a guess"),
        (
            [FidelityNote("doubtful_encoding", 1, detail="Windows-1250")],
            "read as Windows-1250; if letters look wrong, save it as UTF-8 and ingest it again",
        ),
        ([FidelityNote("torn_corners", 2)], "2 torn corners"),
    ],
)
def test_notes_are_sentences(notes: list[FidelityNote], words: str) -> None:
    assert describe(notes) == words


def test_every_kind_has_words_here_and_on_the_page() -> None:
    code = "".join(path.read_text() for path in (ROOT / "app/ingest").rglob("*.py"))
    kinds = set(KIND.findall(code))
    assert "pages_without_text" in kinds
    assert "doubtful_encoding" in kinds
    unnamed = {kind for kind in kinds if describe([FidelityNote(kind, 7)]) == _plain(kind)}
    assert unnamed - {"pictures", "hidden_sheets"} == set()  # their words are the kind's own
    texts = json.loads((ROOT / "frontend/src/i18n/en/sources.json").read_text())["fidelity"]
    for form in ("all", "of"):
        assert {f"{kind}_other" for kind in kinds} <= texts[form].keys()


def _plain(kind: str) -> str:
    return f"7 {kind.replace('_', ' ')}"


def test_formulas_without_values_are_explained() -> None:
    text = describe([FidelityNote("formulas_without_values", 5)])
    assert text.startswith("5 formulas have no values: the program that wrote the file did not")
    assert "save it" in text

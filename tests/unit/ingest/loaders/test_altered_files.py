"""Files of the newer formats, truncated and mutated: read, or refused in one sentence."""

import random
from typing import Final

import pytest

from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError
from tests.harness.compound_files import outlook
from tests.harness.documents import archive
from tests.harness.mail import message
from tests.harness.old_office import kept
from tests.harness.open_documents import open_document
from tests.unit.ingest.loaders.test_asciidoc import DOCUMENT as ASCIIDOC
from tests.unit.ingest.loaders.test_org_document import DOCUMENT as ORG
from tests.unit.ingest.loaders.test_restructured_text import DOCUMENT as RST
from tests.unit.ingest.loaders.test_tex_document import DOCUMENT as TEX

MAIL: Final = message("Tea", "Two.", html="<p>Two</p>", attached={"a.txt": b"x" * 90}).as_bytes()
FILES: Final = {
    "a.rst": RST.encode(),
    "a.adoc": ASCIIDOC.encode(),
    "a.org": ORG.encode(),
    "a.tex": TEX.encode(),
    "a.odt": open_document("<office:text><text:p>Words of tea</text:p></office:text>" * 9),
    "a.xml": b'<?xml version="1.0" encoding="utf-8"?><a><b c="d">e &amp;</b><f>g</f></a>',
    "a.ipynb": b'{"cells": [{"cell_type": "markdown", "source": ["# A", "b"]}], "nbformat": 4}',
    "a.yaml": b"a:\n  - b: c\n    d: e\n" * 9,
    "a.py": b"class A:\n    def b(self):\n        return {}\n\n" * 5,
    "a.rtf": rb"{\rtf1\ansi{\fonttbl{\f0 A;}}\pard a\'e4\u228?\par\intbl b\cell\row}",
    "a.eml": MAIL,
    "a.mbox": b"From ana Mon Nov  2 2026\n" + MAIL,
    "a.msg": outlook("Tea", "Two.", html=b"<p>Two</p>", attached={"a.txt": b"x" * 90}),
    **{name: kept(name) for name in ("tea.doc", "tea.xls", "tea.ppt")},
    "a.zip": archive({"a/b.txt": "x" * 90, "c.md": "# D"}),
}


def read(name: str, data: bytes) -> None:
    """Raises only errors without a clear message."""
    try:
        loader = loader_for(name, data)
        if loader.members is not None:
            list(loader.members(data))
        loader.load(data)
    except IngestError as error:
        if "\n" in str(error):
            raise AssertionError(name) from error


@pytest.mark.parametrize("name", FILES)
def test_files_cut_at_every_tenth_are_read_or_refused(name: str) -> None:
    whole = FILES[name]
    for tenth in range(11):
        read(name, whole[: len(whole) * tenth // 10])


@pytest.mark.parametrize("name", FILES)
def test_altered_files_are_read_or_refused(name: str) -> None:
    chance = random.Random(f"19 {name}")
    for _ in range(200):
        data = bytearray(FILES[name])
        for _ in range(chance.randint(1, 20)):
            at = chance.randrange(max(1, len(data)))
            data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        read(name, bytes(data))

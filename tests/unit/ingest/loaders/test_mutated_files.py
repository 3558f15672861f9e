"""Truncated or altered files are read in part, or refused in one sentence."""

import random

import pytest

from app.ingest.loaders.registry import loader_for
from app.ingest.parsed_document import IngestError
from app.ingest.passages import cut_passages
from tests.harness.documents import epub, word
from tests.harness.mutations import altered, altered_part
from tests.unit.ingest.loaders.test_documents import PAGE
from tests.unit.ingest.loaders.test_registry import MARKDOWN
from tests.unit.ingest.loaders.test_slides import TITLE, deck, graphic, sp
from tests.unit.ingest.loaders.test_word_document import CHART, PARTS, box, item, p, tbl, tr

FILES = {
    "a.docx": word(
        item("a") + p("x", box(p("y"))) + tbl(tr("a", "b"), tr("c", "d")),
        PARTS | {"c.xml": ("chart", CHART)},
    ),
    "a.pptx": deck(
        TITLE + sp("a", "b") + graphic('<c:chart r:id="rId1"/>'), parts={"c.xml": ("chart", CHART)}
    ),
    "a.epub": epub(["<h1>One</h1><p>First.</p>", "<aside>Note</aside>"], title="T"),
    "a.html": PAGE.encode(),
    "a.md": MARKDOWN.encode(),
}


def variants(name: str) -> list[bytes]:
    data, chance = FILES[name], random.Random(19)
    cut_off = [data[: len(data) * tenth // 10] for tenth in range(10)]
    if not data.startswith(b"PK"):
        return cut_off + [altered(data, chance) for _ in range(100)]
    return (
        cut_off
        + [altered(data, chance) for _ in range(20)]
        + [altered_part(data, chance) for _ in range(80)]
    )


@pytest.mark.parametrize("name", FILES)
def test_altered_files_are_read_or_refused_in_one_sentence(name: str) -> None:
    read = 0
    refusals: list[str] = []
    for data in variants(name):
        try:
            source = loader_for(name, data).load(data)
        except IngestError as error:
            refusals.append(str(error))
            continue
        read += 1
        for passage in cut_passages(source, title="T", count=len):
            assert source.text[passage.char_start : passage.char_end] == passage.text
    assert read > 20
    assert refusals
    assert not any("\n" in refusal or len(refusal) > 200 for refusal in refusals)

"""Reading collections, caching their embeddings, judging answers, and comparing records."""

import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from app.domain.library_ports import EncodedPassage
from app.domain.models import Passage
from app.embeddings.minilm import EncodedQuery
from bench.retrieval_answers import judge
from bench.retrieval_cache import CachedEncoder
from bench.retrieval_collections import find_collections, read_collection
from bench.retrieval_report import comparison_rows, write_section

Floats = NDArray[np.float32]


def pieces(text: str) -> int:
    return len(text.split())


class Counting:
    """A model that records the texts it embeds."""

    dimensions, max_pieces = 2, 254

    def __init__(self, name: str = "model") -> None:
        self.name = name
        self.seen: list[str] = []

    count = staticmethod(pieces)

    def knows_word(self, word: str) -> bool:
        return word == "tea"

    async def embed_query(self, text: str) -> Floats:
        return np.ones(2, np.float32)

    async def encode_query(self, text: str) -> EncodedQuery:
        return EncodedQuery(np.ones(2, np.float32), np.ones((1, 2), np.float32), (-1,))

    async def embed_passages(self, texts: Sequence[str]) -> Floats:
        return np.stack([one.vector for one in await self.encode_passages(texts)])

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        self.seen += texts
        return [EncodedPassage(np.full(2, len(t), np.float32), t.encode()) for t in texts]


async def test_a_text_is_embedded_once_per_model(tmp_path: Path) -> None:
    model, other = Counting(), Counting("another")
    encoder = CachedEncoder(model, tmp_path)
    assert (encoder.knows_word("tea"), encoder.knows_word("teh")) == (True, False)
    first = await encoder.encode_passages(["tea", "coffee", "tea"])
    again = await CachedEncoder(model, tmp_path).encode_passages(["coffee", "milk"])
    await CachedEncoder(other, tmp_path).encode_passages(["tea"])
    assert sorted(model.seen) == ["coffee", "milk", "tea"]
    assert other.seen == ["tea"]
    assert [one.vector.tolist() for one in first] == [[3, 3], [6, 6], [3, 3]]
    assert [one.tokens for one in again] == [b"coffee", b"milk"]


def test_the_process_that_reads_files_can_count_with_it(tmp_path: Path) -> None:
    count = CachedEncoder(Counting(), tmp_path).count
    assert pickle.loads(pickle.dumps(count))("hot tea") == 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "cups"
    made.mkdir()
    corpus = {"id": "cup#0", "title": "Cups", "text": "Tea is hot.", "meta": {"recording": "cup"}}
    asked = {
        "id": "q1", "text": "Hot?", "meta": {"recording": "cup", "answers": ["hot"]},
    }  # fmt: skip
    missed = {"id": "q2", "text": "Cold?", "meta": {"answerable": False, "near": "cup#0"}}
    (made / "corpus.jsonl").write_text(json.dumps(corpus) + "\n")
    (made / "queries.jsonl").write_text("".join(f"{json.dumps(q)}\n" for q in (asked, missed)))
    (made / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq1\tcup#0\t2\n")
    return made


def test_a_collection_is_read(folder: Path) -> None:
    assert find_collections(folder.parent) == find_collections(folder) == [folder]
    collection = read_collection(folder)
    assert collection.texts[0].recording == "cup"
    assert [(q.question_id, q.relevant, q.answers) for q in collection.judged] == [
        ("q1", {"cup#0": 2}, ("hot",))
    ]
    assert [q.question_id for q in collection.near_misses] == ["q2"]


def passage(text: str) -> Passage:
    return Passage("p", "s", "Tea", "document", 0, text)


def test_an_answer_is_judged_by_what_it_says_and_quotes() -> None:
    tea = passage("Tea is served at 80 degrees. It is grown in Assam.")
    good = judge("Tea is served at 80 degrees. [1]", [tea], ["80  Degrees"])
    assert (good.in_answer, good.in_quotes, good.precision, good.verbatim) == (True, True, 1, 1)
    assert good.coverage == 1
    wrong = judge("Tea is served at 90 degrees. [1]", [tea], ["90 degrees"])
    assert (wrong.in_answer, wrong.in_quotes, wrong.verified) == (True, False, 0)
    bare = judge("Tea is grown in Assam. [1] It is nice.", [tea], ["Assam"])
    assert bare.coverage == pytest.approx(5 / 8)
    assert judge("Not in your sources.", [], ["80"]).refused


def record(value: float) -> dict[str, Any]:
    measure = {"mean": value, "low": value, "high": value, "count": 2}
    each = {"each": {"q1": value, "q2": value}}
    names = ("nDCG@10", "recall@5", "recall@20", "MRR@10")
    times = {"p50": 1.0, "p95": 2.0}
    return {
        "made": {"at": "2026-11-20T10:00:00", "command": "make eval", "versions": "Python"},
        "collections": {
            "cups": {
                "passages": 1,
                "systems": {"reranked": dict.fromkeys(names, measure | each)},
                "latency_ms": {"search": times, "rerank": times, "both": times},
                "answers": {},
                "falsely refused": measure,
                "falsely refused, held out": measure,
                "refusals": {},
            }
        },
    }


def test_records_are_compared_by_question() -> None:
    rows = comparison_rows(record(0.9), record(0.8))
    assert [row[5] for row in rows[1:]] == ["yes"] * 4
    assert rows[1][3].startswith("+0.1000")


def test_a_section_replaces_its_former_self_alone(tmp_path: Path) -> None:
    file = tmp_path / "measurements.md"
    file.write_text("# Measurements\n\nSpeed first.\n")
    write_section(file, "cups", record(0.8))
    write_section(file, "mugs", record(0.7))
    write_section(file, "cups", record(0.9))
    text = file.read_text()
    assert text.startswith("# Measurements\n\nSpeed first.\n\n## Retrieval: cups\n")
    assert "0.900" in text
    assert "0.800" not in text
    assert "0.700" in text

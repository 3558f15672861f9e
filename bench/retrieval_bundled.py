"""The bundled questions over the sample library."""

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.config import reader_environment
from app.domain.library_ports import PassageEncoder
from app.domain.models import Passage, Source
from app.domain.principals import LOCAL
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.pipeline import Ingestor
from app.ingest.sample_library import SAMPLES, ingest_samples
from bench.retrieval_collections import Collection, Question, Stored
from bench.retrieval_systems import Library

NAME: Final = "bundled"
QUESTIONS: Final = SAMPLES / "questions.json"
NATURAL: Final = Path(__file__).parent / "natural_questions.json"
"""Typical first questions: terse, broad, not in the words of the source."""


@dataclass(frozen=True, slots=True)
class _Shelf:
    """A source of the sample library with its passages."""

    source: Source
    passages: tuple[Passage, ...]


async def store_bundled(
    library: Library, encoder: PassageEncoder, files: Path, *, folder: Path = SAMPLES
) -> Collection:
    """Ingest the samples as on first start, and read the questions about them.

    With a `folder` of some samples, questions about the others are omitted.
    """
    with closing(FileReader(encoder.count, environment=reader_environment())) as reader:
        ingestor = Ingestor(
            library.store, encoder, FileStore(files), reader, now=lambda: datetime.now(UTC)
        )
        await ingest_samples(ingestor, folder=folder)
    shelves = [
        _Shelf(source, await library.store.passages(LOCAL, source.source_id))
        for source in (await library.store.sources(LOCAL)).items
    ]
    rows: list[dict[str, Any]] = json.loads(QUESTIONS.read_text())
    names = {shelf.source.name: shelf for shelf in shelves}
    ids = {p.passage_id: p.passage_id for shelf in shelves for p in shelf.passages}
    sources = {Path(name).stem: shelf.source.source_id for name, shelf in names.items()}
    library.stored = Stored(ids, sources)
    earlier = {row["id"]: row["question"] for row in rows}
    known = [row for row in rows if not row["answerable"] or row["source"] in names]
    return Collection(NAME, (), tuple(_question(row, names, earlier) for row in known))


def natural_questions(library: Library) -> Collection:
    """Each can be answered from the samples; some are restricted to one recording."""
    rows: list[dict[str, Any]] = json.loads(NATURAL.read_text())
    questions = (
        Question(f"n{number}", row["question"], {}, source=row["only"])
        for number, row in enumerate(rows)
        if row["only"] is None or row["only"] in library.stored.sources
    )
    return Collection(f"{NAME} natural", (), tuple(questions))


def _question(row: dict[str, Any], shelves: dict[str, _Shelf], earlier: dict[str, str]) -> Question:
    expected = tuple(row.get("expected") or ())
    relevant: dict[str, int] = {}
    if row["answerable"]:
        relevant = {
            passage.passage_id: 1
            for passage in shelves[row["source"]].passages
            if any(_folded(one) in _folded(passage.text) for one in expected)
        }
    return Question(
        row["id"],
        row["question"],
        relevant,
        source=row.get("recording"),
        answerable=row["answerable"],
        answers=expected,
        history=(earlier[row["after"]],) if row.get("after") else (),
    )


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())

"""Collections of questions with judged passages, and their ingestion."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.db.library_store import LibraryStore
from app.domain.library_ports import NewPassage, NewSource, PassageEncoder, SourceVersion
from app.domain.principals import LOCAL
from app.ingest.passages import embedded_text

_FILES: Final = ("corpus.jsonl", "queries.jsonl", "qrels.tsv")
_STORED_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """A question; `relevant` maps passage ids of the collection to grades, empty when unjudged."""

    question_id: str
    text: str
    relevant: Mapping[str, int]
    source: str | None = None  # the only source to search
    answerable: bool = True
    answers: tuple[str, ...] = ()  # strings of which the answer must contain one
    history: tuple[str, ...] = ()  # questions asked before in the conversation
    topic: str | None = None  # the title of the document that answers


@dataclass(frozen=True, slots=True)
class Text:
    """A passage of a collection."""

    passage_id: str
    title: str
    text: str
    recording: str | None


@dataclass(frozen=True, slots=True)
class Collection:
    """Passages and questions of one folder."""

    name: str
    texts: tuple[Text, ...]
    questions: tuple[Question, ...]
    titles: tuple[str, ...] = ()  # of the texts, each once

    @property
    def judged(self) -> tuple[Question, ...]:
        """The questions that have a relevant passage."""
        return tuple(q for q in self.questions if q.relevant)

    @property
    def near_misses(self) -> tuple[Question, ...]:
        """The questions that seem answerable but are not."""
        return tuple(q for q in self.questions if not q.answerable)


@dataclass(frozen=True, slots=True)
class Stored:
    """Maps ids of a collection to ids of the library."""

    passages: Mapping[str, str]  # the library's passage id: the collection's
    sources: Mapping[str, str]  # a source's name: its id
    origins: Mapping[str, str] = field(default_factory=dict)  # a passage's id: its source's name


@dataclass(slots=True)
class _Draft:
    """The passages of one source, in order."""

    title: str
    recording: bool
    texts: list[Text] = field(default_factory=list)


def find_collections(folder: Path) -> list[Path]:
    """The folder itself if it is a collection, else its sub-folders that are."""
    folders = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    return [path for path in folders if all((path / name).is_file() for name in _FILES)]


def read_collection(folder: Path) -> Collection:
    """Raises `ValueError` or `KeyError` for malformed files."""
    relevant: dict[str, dict[str, int]] = defaultdict(dict)
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        question, passage, score = line.split("\t")
        relevant[question][passage] = int(score)
    texts = tuple(_text(row) for row in _rows(folder / "corpus.jsonl"))
    documents = {text.passage_id: text.title for text in texts if text.recording is None}
    return Collection(
        folder.name,
        texts,
        tuple(_question(row, relevant, documents) for row in _rows(folder / "queries.jsonl")),
        tuple(dict.fromkeys(text.title for text in texts if text.recording is None)),
    )


def _rows(file: Path) -> list[dict[str, Any]]:
    with file.open() as lines:
        return [json.loads(line) for line in lines]


def _text(row: dict[str, Any]) -> Text:
    return Text(row["id"], row["title"], row["text"], row["meta"].get("recording"))


def _question(
    row: dict[str, Any],
    relevant: Mapping[str, Mapping[str, int]],
    documents: Mapping[str, str],  # a passage's id: its title
) -> Question:
    meta, grades = row["meta"], relevant.get(row["id"], {})
    return Question(
        row["id"],
        row["text"],
        grades,
        meta.get("recording"),
        meta.get("answerable", True),
        tuple(meta.get("answers", ())),
        topic=documents.get(max(grades, key=lambda one: grades[one])) if grades else None,
    )


async def store(
    collection: Collection,
    library: LibraryStore,
    encoder: PassageEncoder,
    *,
    report: Callable[[int, int], None],
) -> Stored:
    """Store the collection in an empty library, through the store that ingestion uses.

    Passages of one recording, or of one document (`document#number`), become one source.
    """
    contents = [embedded_text(t.title, None, t.text, encoder.count) for t in collection.texts]
    encoded = dict(
        zip(
            (t.passage_id for t in collection.texts),
            await encoder.encode_passages(contents),
            strict=True,
        )
    )
    passages: dict[str, str] = {}
    sources: dict[str, str] = {}
    origins: dict[str, str] = {}
    drafts = _drafts(collection.texts)
    for done, (origin, draft) in enumerate(drafts.items()):
        report(done, len(drafts))
        source, new = _source(origin, draft)
        pairs = list(zip(new, (encoded[t.passage_id] for t in draft.texts), strict=True))
        ((source_id, _),) = await library.replace(
            LOCAL, [SourceVersion(source, pairs)], embedder=encoder.name, now=_STORED_AT
        )
        sources[origin] = source_id
        origins |= dict.fromkeys((text.passage_id for text in draft.texts), origin)
        stored = await library.passages(LOCAL, source_id)
        ids = zip(stored, draft.texts, strict=True)
        passages |= {one.passage_id: text.passage_id for one, text in ids}
    report(len(drafts), len(drafts))
    return Stored(passages, sources, origins)


def _drafts(texts: Sequence[Text]) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    for text in texts:
        origin = text.recording or text.passage_id.rpartition("#")[0] or text.passage_id
        draft = drafts.setdefault(origin, _Draft(text.title, text.recording is not None))
        draft.texts.append(text)
    return drafts


def _source(origin: str, draft: _Draft) -> tuple[NewSource, list[NewPassage]]:
    whole = "\n\n".join(text.text for text in draft.texts)
    passages: list[NewPassage] = []
    start = 0
    for text in draft.texts:
        passages.append(NewPassage(text.text, start, start + len(text.text)))
        start += len(text.text) + 2
    source = NewSource(
        origin=origin,
        name=origin,
        title=draft.title,
        kind="recording" if draft.recording else "document",
        media_type="text/plain",
        content_hash=hashlib.sha256(whole.encode()).hexdigest(),
    )
    return source, passages

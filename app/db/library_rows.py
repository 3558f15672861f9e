"""Converts rows of the library to dataclasses of the domain."""

from collections.abc import Sequence
from dataclasses import asdict

from asyncpg import Record

from app.domain.models import Candidate, Cue, FidelityNote, Passage, Source, Span
from app.domain.principals import Principal
from app.domain.stored import known_kind, stored_notes, stored_spans

CUE_FIELDS = 5  # newer versions may store more


def to_source(row: Record) -> Source:
    """A row of `sources`."""
    return Source(
        source_id=row["source_id"],
        owner_id=row["owner_id"],
        shared=row["shared"],
        shared_with=tuple(row["shared_with"]),
        title=row["title"],
        kind=known_kind(row["kind"]),
        name=row["name"],
        media_type=row["media_type"],
        content_hash=row["content_hash"],
        passage_count=row["passage_count"],
        created_at=row["created_at"],
        pages=row["pages"],
        duration_s=row["duration_s"],
        tags=tuple(row["tags"]),
        audio=row["audio_key"] is not None,
        speakers=tuple(row["speakers"]),
        notes=stored_notes(row["notes"]),
    )


def spans_to_json(spans: tuple[Span, ...]) -> list[list[object]]:
    """Compact form: the fields of `Span` in order."""
    return [[span.kind, span.start, span.end] for span in spans]


def to_passage(row: Record) -> Passage:
    """A row of `passages` with `source_id`, `title` and `kind` of its source."""
    return Passage(
        passage_id=row["passage_id"],
        source_id=row["source_id"],
        title=row["title"],
        kind=known_kind(row["kind"]),
        position=row["position"],
        text=row["text"],
        heading=row["heading"],
        char_start=row["char_start"],
        char_end=row["char_end"],
        page=row["page"],
        start_s=row["start_s"],
        end_s=row["end_s"],
        speaker=row["speaker"],
        structure=stored_spans(row["structure"]),
        cues=tuple(Cue(*cue[:CUE_FIELDS]) for cue in row["cues"]),
    )


def cues_to_json(cues: tuple[Cue, ...]) -> list[list[object]]:
    """Compact form: the fields of `Cue` in order."""
    return [[cue.start, cue.end, cue.start_s, cue.end_s, cue.speaker] for cue in cues]


def notes_to_json(notes: Sequence[FidelityNote]) -> list[dict[str, object]]:
    """One object for each note."""
    return [asdict(note) for note in notes]


def to_candidate(row: Record) -> Candidate:
    """A row of `search_passages` that has a passage."""
    return Candidate(
        passage=to_passage(row),
        score=row["score"],
        cosine=row["cosine"],
        bm25=row["bm25"],
        coverage=float(row["coverage"]),
    )


def storable(text: str) -> str:
    """The text without NUL and lone surrogates, which PostgreSQL rejects."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()


def reader_arguments(principal: Principal, *query: object) -> tuple[object, ...]:
    """Arguments of a query restricted to what the principal may read."""
    return (principal.owner_id, *query, list(principal.groups))

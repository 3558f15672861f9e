"""Turns the utterances of any transcript format into a recording."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.ingest.loaders.extracted_text import MAX_TEXT_LENGTH, TOO_LONG, storable_text
from app.ingest.parsed_document import IngestError, ParsedDocument, Utterance


@dataclass(frozen=True, slots=True)
class Spoken:
    """Words spoken from `start_s` to `end_s`."""

    words: str
    speaker: str | None
    start_s: float
    end_s: float


def recording(spoken: Sequence[Spoken], title: str | None) -> ParsedDocument:
    """Write "Speaker: words" lines; consecutive words of one speaker share a line.

    Sorted by start time, also when speakers overlap. An end before its start counts as no
    duration. Raises `IngestError` when there are no words.
    """
    said = [_tidied(one) for one in sorted(spoken, key=lambda one: one.start_s)]
    said = [one for one in said if one.words]
    if not said:
        raise IngestError("the transcript has no cues")
    if sum(len(one.words) for one in said) > MAX_TEXT_LENGTH:
        raise IngestError(TOO_LONG)
    text, utterances = _written(said)
    return ParsedDocument(
        kind="recording",
        text=text,
        title=" ".join(storable_text(title or "").split()) or None,
        utterances=utterances,
        duration_s=max(u.end_s for u in utterances),
    )


def line_start(speaker: str | None) -> str:
    """The prefix of a line."""
    return f"{speaker}: " if speaker else ""


def _tidied(one: Spoken) -> Spoken:
    words = " ".join(storable_text(one.words).split())
    speaker = " ".join(storable_text(one.speaker or "").split()) or None
    return replace(one, words=words, speaker=speaker, end_s=max(one.start_s, one.end_s))


def _written(said: Sequence[Spoken]) -> tuple[str, tuple[Utterance, ...]]:
    parts: list[str] = []
    length = 0
    utterances = []
    last: str | None = None
    for number, one in enumerate(said):
        if number and one.speaker == last:
            gap = " "
        else:
            gap = ("\n" if number else "") + line_start(one.speaker)
        start = length + len(gap)
        length = start + len(one.words)
        parts += [gap, one.words]
        utterances.append(Utterance(start, length, one.start_s, one.end_s, one.speaker))
        last = one.speaker
    return "".join(parts), tuple(utterances)

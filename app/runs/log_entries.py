"""Entries of a run's log, and the answer they fold into."""

from collections.abc import Iterable
from typing import NamedTuple

from app.domain.answer_fold import AnswerFold, Step
from app.domain.stored import stored_step


class LogEntry(NamedTuple):
    """One numbered event: `data` is its compact JSON, `text` the text of a token."""

    seq: int
    type: str
    data: bytes
    text: str | None = None


def step_of(entry: LogEntry) -> Step:
    """The entry's effect on the answer."""
    return entry.text if entry.text is not None else stored_step(entry.type, entry.data)


def fold_entries(entries: Iterable[LogEntry]) -> AnswerFold:
    """Fold the entries into the answer so far."""
    fold = AnswerFold()
    for entry in entries:
        if entry.text is not None:
            fold.add_text(entry.text)
        else:
            fold.add(step_of(entry))
    return fold

"""Refusals: the text shown when no passage answers the question."""

from collections.abc import Sequence

from app.domain.encoding import counted
from app.domain.models import Candidate, Filters, Passage, Reading, SearchResult
from app.text.markers import shown_name

MAX_NEAREST = 3
KINDS = {"document": "documents", "recording": "recordings"}


def refusal(
    found: SearchResult,
    filters: Filters,
    *,
    outside: int = 0,
    nearest: Sequence[Candidate] = (),
) -> str:
    """What was searched without success, and where to look; never a guess at the answer.

    `outside`: number of relevant passages that the filter excludes. `nearest`: what was found,
    best first, though it does not seem to answer the question.
    """
    text = _with_places(_nothing_found(found, filters, outside), nearest)
    return f"{text} {still_reading(found.reading)}" if found.reading else text


def unanswered(question: str, nearest: Sequence[Candidate]) -> str:
    """One of several questions, when the others are answered; `nearest` as in `refusal`."""
    return _with_places(f"I found nothing that answers “{question}”.", nearest)


def _with_places(text: str, nearest: Sequence[Candidate]) -> str:
    places = list(dict.fromkeys(_place(one.passage) for one in nearest))[:MAX_NEAREST]
    return f"{text} The nearest passages are in {'; '.join(places)}." if places else text


def still_reading(reading: Reading) -> str:
    """The progress of ingestion, with advice."""
    return (
        f"Your library is still being read: {reading.done:,} of {counted(reading.total, 'file')} "
        "so far. Ask again when it is complete."
    )


def _place(passage: Passage) -> str:
    title = f"“{shown_name(passage.title)}”"
    return f"{title} ({shown_name(passage.heading)})" if passage.heading else title


def _nothing_found(found: SearchResult, filters: Filters, outside: int) -> str:
    if found.searched_passages == 0 and filters.empty:
        if found.reading:
            return "I can't answer that yet: no source has been read so far."
        return (
            "I can't answer that: there are no sources in your library yet. "
            "Add documents or recordings and ask again."
        )
    restriction = describe(filters)
    so_far = " that has been read so far" if found.reading else ""
    if found.searched_passages == 0:
        return (
            f"I can't answer that: nothing in your library{so_far} matches the filter "
            f"({restriction}). {_hint(outside)}"
        )
    searched = f"{counted(found.searched_passages, 'passage')} from {_sources(found)}"
    text = f"I searched {searched}"
    if filters.empty:
        return f"{text} and found nothing that answers the question."
    return (
        f"{text}, restricted to {restriction}, and found nothing that answers the question. "
        f"{_hint(outside)}"
    )


def _hint(outside: int) -> str:
    if outside == 0:
        return "Outside that filter I found nothing either."
    return f"Outside that filter {counted(outside, 'passage')} may: widen the search and ask again."


def describe(filters: Filters) -> str:
    """The filter in words; empty when there is none."""
    parts = []
    if filters.source_ids:
        parts.append(counted(len(filters.source_ids), "chosen source"))
    if filters.kinds:
        parts.append(" and ".join(KINDS[kind] for kind in filters.kinds))
    if filters.tags:
        parts.append("tagged " + " or ".join(filters.tags))
    if filters.after or filters.before:
        parts.append("added " + _days(filters))
    words = ", ".join(parts)
    return words if filters.source_ids or filters.kinds or not words else f"sources {words}"


def _days(filters: Filters) -> str:
    bounds = (("since", filters.after), ("before", filters.before))
    return " and ".join(f"{word} {day}" for word, day in bounds if day)


def _sources(found: SearchResult) -> str:
    return counted(found.searched_sources, "source")

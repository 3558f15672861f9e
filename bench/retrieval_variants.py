"""The same questions with and without the filter, and questions on foreign topics.

A filter changes the basis of a refusal: one source has few passages, so its best passage scores
lower than the best of a whole library, whatever the question.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from app.text.tokens import normalized_words
from bench.retrieval_collections import Collection, Question, Stored, Text

FOREIGN: Final = {
    "medquad": ("squad2", "qmsum"),
    "qmsum": ("squad2", "medquad", "scifact"),
    "scifact": ("squad2", "qmsum"),
    "squad2": ("medquad", "scifact"),
    "bundled": (),
}
"""For each library the collections whose questions it cannot answer. Medicine is a topic of both
medquad and scifact; articles of squad2 are about what meetings of qmsum are about. Of the others,
questions are left out whose topic the library names: see `Phrases`."""
MAX_FOREIGN: Final = 100
MAX_VARIED: Final = 250
MIN_PASSAGES: Final = 5
"""Minimum passages of a source that questions are restricted to."""
_BROAD: Final = (
    "What did the group discuss about {}?",
    "Summarize the discussion about {}.",
    "What did the team think about {}?",
)


class Phrases:
    """The text of a library's passages, to check whether a title occurs verbatim.

    A topic that a library names is not foreign to it: medicine in an encyclopedia's article on the
    immune system, oxygen in abstracts. Topics of recordings and abstracts have no short title, so
    none of theirs is excluded.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self._said = "\n".join(f"{_phrase(text.title)}\n{_phrase(text.text)}" for text in texts)

    def name(self, title: str | None) -> bool:
        """Whether a passage contains the title's words consecutively."""
        return title is not None and _phrase(title) in self._said


def _phrase(text: str) -> str:
    return f" {' '.join(normalized_words(text))} "


def variants(collection: Collection, stored: Stored) -> Iterator[Collection]:
    """The other variant of the answerable questions: unfiltered, or restricted to their source."""
    answerable = [one for one in collection.judged if one.answerable and not one.history]
    if any(one.source for one in answerable):
        free = [replace(one, source=None) for one in answerable if one.source]
        yield Collection(f"{collection.name} unfiltered", (), tuple(_some(free, MAX_VARIED)))
        return
    large = large_sources(stored)
    homed = [replace(one, source=_home(one, stored)) for one in answerable]
    kept = [one for one in homed if one.source in large]
    if kept:
        yield Collection(f"{collection.name} filtered", (), tuple(_some(kept, MAX_VARIED)))


def large_sources(stored: Stored) -> list[str]:
    """The sources that are large enough for a filter, in order."""
    counts = Counter(stored.origins.values())
    return sorted(name for name, count in counts.items() if count >= MIN_PASSAGES)


def broad_questions(other: Collection) -> list[Question]:
    """Questions phrased as about a recording, on topics that are not in it."""
    return [
        Question(f"broad {number}", _BROAD[number % len(_BROAD)].format(title), {}, topic=title)
        for number, title in enumerate(other.titles)
    ]


def foreign_questions(
    asked: Collection, foreign: Sequence[Question], stored: Stored, phrases: Phrases
) -> list[Question]:
    """Some of `foreign`, each restricted to one source in turn, if those of `asked` are."""
    unnamed = [one for one in foreign if not phrases.name(one.topic)]
    free = [replace(one, source=None) for one in _some(unnamed, MAX_FOREIGN)]
    if not any(one.source for one in asked.questions):
        return free
    sources = large_sources(stored)
    return [replace(one, source=sources[i % len(sources)]) for i, one in enumerate(free)]


def _home(question: Question, stored: Stored) -> str | None:
    """The source of the passage that answers best."""
    return stored.origins.get(max(question.relevant, key=lambda one: question.relevant[one]))


def _some(questions: Sequence[Question], limit: int) -> Sequence[Question]:
    """An evenly spaced sample of about `limit`."""
    return questions[:: max(1, len(questions) // limit)]

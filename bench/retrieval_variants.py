"""The same questions asked with the filter and without it, and questions of foreign topics.

A filter changes what a refusal is decided from: one source has few passages, so the best of them
looks worse than the best of a library, whatever is asked.
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
"""Of a source that questions are restricted to."""
_BROAD: Final = (
    "What did the group discuss about {}?",
    "Summarize the discussion about {}.",
    "What did the team think about {}?",
)


class Phrases:
    """What the passages of a library say, to be asked whether a title occurs, word for word.

    A topic that a library names is not foreign to it: medicine in an encyclopedia's article on the
    immune system, oxygen in abstracts. Topics of recordings and of abstracts have no short title;
    none of theirs is left out.
    """

    def __init__(self, texts: Sequence[Text]) -> None:
        self._said = "\n".join(f"{_phrase(text.title)}\n{_phrase(text.text)}" for text in texts)

    def name(self, title: str | None) -> bool:
        """Whether a passage says all words of the title in a row."""
        return title is not None and _phrase(title) in self._said


def _phrase(text: str) -> str:
    return f" {' '.join(normalized_words(text))} "


def variants(collection: Collection, stored: Stored) -> Iterator[Collection]:
    """The other way of asking the answerable questions: everywhere, or of their source alone."""
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
    """Names of the sources that are worth a filter, in order."""
    counts = Counter(stored.origins.values())
    return sorted(name for name, count in counts.items() if count >= MIN_PASSAGES)


def broad_questions(other: Collection) -> list[Question]:
    """In the forms in which people ask of a recording, about what is not in it."""
    return [
        Question(f"broad {number}", _BROAD[number % len(_BROAD)].format(title), {}, topic=title)
        for number, title in enumerate(other.titles)
    ]


def foreign_questions(
    asked: Collection, foreign: Sequence[Question], stored: Stored, phrases: Phrases
) -> list[Question]:
    """Some of `foreign`, restricted to one source each, in turn, if those of `asked` are."""
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
    """About `limit` of them, spread evenly."""
    return questions[:: max(1, len(questions) // limit)]

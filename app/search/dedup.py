"""Passages that say the same, word for word: listed once.

The same paragraph stands in several sources when a document was added in two versions or by two
people, and in boilerplate. A copy takes the place of something else that could have been read.
"""

from collections.abc import Sequence
from typing import Final

from app.domain.models import Candidate, Passage
from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import normalized_words

STANDS_ALONE: Final = 30
"""Words from which a text says of itself what it is about. "Once a day." needs its title."""


def deduplicate(query: str, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The candidates in their order, without those that repeat an earlier one.

    Under another title or heading a text may be about something else. It is left out only when it
    is long enough to stand alone, and the query names nothing that the earlier one is not about:
    who asks for two medicines gets both sheets, though a paragraph is the same. Recordings repeat
    each other only when the same was said at the same second.
    """
    texts = [(" ".join(one.passage.text.split()), one.passage.start_s) for one in candidates]
    if len(set(texts)) == len(texts):
        return tuple(candidates)
    asked = set(normalized_words(query)) - FUNCTION_WORDS
    about: dict[tuple[str, float | None], list[tuple[str | None, ...]]] = {}
    named: dict[tuple[str, float | None], set[str]] = {}
    kept = []
    for candidate, text in zip(candidates, texts, strict=True):
        passage = candidate.passage
        label = (passage.title, passage.heading)
        topics = asked & _topics(passage)
        if text in about and (
            label in about[text]
            or (len(passage.text.split()) >= STANDS_ALONE and topics <= named[text])
        ):
            continue
        about.setdefault(text, []).append(label)
        named.setdefault(text, set()).update(topics)
        kept.append(candidate)
    return tuple(kept)


def _topics(passage: Passage) -> set[str]:
    """What title and heading say the passage is about."""
    return set(normalized_words(f"{passage.title} {passage.heading or ''}"))

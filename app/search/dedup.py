"""Removes candidates with identical text.

The same paragraph occurs in several sources: in versions of a document, in copies of several users,
and as boilerplate. A duplicate takes the place of another passage.
"""

from collections.abc import Sequence
from typing import Final

from app.domain.models import Candidate, Passage
from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import normalized_words

MIN_STANDALONE_WORDS: Final = 30
"""Texts with at least this many words are understandable without title ("Once a day." is not)."""


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
    query_words = set(normalized_words(query)) - FUNCTION_WORDS
    labels_by_text: dict[tuple[str, float | None], list[tuple[str | None, ...]]] = {}
    topics_by_text: dict[tuple[str, float | None], set[str]] = {}
    kept = []
    for candidate, text in zip(candidates, texts, strict=True):
        passage = candidate.passage
        label = (passage.title, passage.heading)
        topics = query_words & _topics(passage)
        if text in labels_by_text and (
            label in labels_by_text[text]
            or (
                len(passage.text.split()) >= MIN_STANDALONE_WORDS and topics <= topics_by_text[text]
            )
        ):
            continue
        labels_by_text.setdefault(text, []).append(label)
        topics_by_text.setdefault(text, set()).update(topics)
        kept.append(candidate)
    return tuple(kept)


def _topics(passage: Passage) -> set[str]:
    """The words of title and heading."""
    return set(normalized_words(f"{passage.title} {passage.heading or ''}"))

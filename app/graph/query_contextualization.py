"""Contextualizes follow-up questions such as "And in children?" or "What about its dose?".

Without a model: the key terms of the previous question are added to the query. That costs nothing,
and a wrong guess hardly changes the ranking.
"""

import re
from collections.abc import Sequence

from app.domain.models import Turn
from app.text.tokens import key_words

_REFERENCE = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|him|her|his|there|one|ones|same)\b",
    re.IGNORECASE,
)
_FOLLOW_UP_OPENING = re.compile(
    r"^\s*(and|but|or|also|so|then|what about|how about|why)\b", re.IGNORECASE
)
MIN_KEY_WORDS = 2  # a question with fewer rarely stands alone
MAX_KEY_TERMS = 8


def is_follow_up(question: str) -> bool:
    """Whether the question looks incomplete without the earlier turns."""
    if _FOLLOW_UP_OPENING.search(question) or _REFERENCE.search(question):
        return True
    return len(key_words(question)) < MIN_KEY_WORDS


def search_query(question: str, history: Sequence[Turn]) -> str:
    """The question; a follow-up with the key terms of the previous question."""
    if not history or not is_follow_up(question):
        return question
    known = set(key_words(question))
    terms = [word for word in _key_terms(history) if word not in known]
    return f"{question} {' '.join(terms[:MAX_KEY_TERMS])}".strip() if terms else question


def _key_terms(history: Sequence[Turn]) -> list[str]:
    """Key terms of the last question and, while that is a follow-up, of the one before it."""
    terms: list[str] = []
    for turn in reversed(history):
        terms += key_words(turn.question)
        if not is_follow_up(turn.question):
            break
    return list(dict.fromkeys(terms))

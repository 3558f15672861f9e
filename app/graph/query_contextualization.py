"""A follow-up question leans on what was asked before: "And in children?", "What about its dose?".

Without a model the query gets the key terms of the previous question; that costs nothing and is
undone by the ranking when the guess was wrong.
"""

import re
from collections.abc import Sequence

from app.domain.models import Turn

_WORD = re.compile(r"[^\W_][\w'-]*")
_POINTING = re.compile(
    r"\b(it|its|they|them|their|this|that|these|those|he|she|him|her|his|there|one|ones|same)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^\s*(and|but|or|also|so|then|what about|how about|why)\b", re.IGNORECASE)
_STOP_WORDS = """
    a about after also an and any are as at be been before but by can could did do does for from
    give had has have he her his how i if in into is it its just list many may me might more
    most much must my of on or our out please say shall she should so some take tell than that
    the their them then there these they this those to up us was we were what when where which
    who why will with would you your
"""
_STOP = frozenset(_STOP_WORDS.split())
SHORT = 2  # content words; a question with fewer rarely stands alone
KEY_TERMS = 8


def content_words(text: str) -> list[str]:
    """Words that carry meaning, in order, once each."""
    words = (match.group().lower() for match in _WORD.finditer(text))
    return list(dict.fromkeys(word for word in words if word not in _STOP))


def leans_on_history(question: str) -> bool:
    """Whether the question looks incomplete without the turns before it."""
    if _OPENING.search(question) or _POINTING.search(question):
        return True
    return len(content_words(question)) < SHORT


def search_query(question: str, history: Sequence[Turn]) -> str:
    """The question, with the key terms of the previous question when it leans on it."""
    if not history or not leans_on_history(question):
        return question
    known = set(content_words(question))
    terms = [word for word in _key_terms(history) if word not in known]
    return f"{question} {' '.join(terms[:KEY_TERMS])}".strip() if terms else question


def _key_terms(history: Sequence[Turn]) -> list[str]:
    """Of the last question; when that leaned on its own predecessor, of both."""
    terms: list[str] = []
    for turn in reversed(history):
        terms += content_words(turn.question)
        if not leans_on_history(turn.question):
            break
    return list(dict.fromkeys(terms))

"""Recognises words that are typing errors of others. Pure."""

import re
from collections.abc import Sequence
from typing import Final

from app.domain.models import Correction
from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import WORD

MIN_LENGTH: Final = 5
MIN_LENGTH_OF_TWO_ERRORS: Final = 8
MAX_LENGTH: Final = 40
_WORD_OR_NOT: Final = re.compile(r"\w+|\W+")
_SOUNDS: Final = (
    (re.compile(r"ph"), "f"),
    (re.compile(r"ck|q"), "k"),
    (re.compile(r"c(?=[eiy])|z"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"(?<=.)[aeiouyhäöüàâéèêëîïôûùí]"), ""),
    (re.compile(r"(.)\1+"), r"\1"),
)


def suspects(query: str) -> list[str]:
    """The words of a query, as written, that are long enough to be recognised when misspelt."""
    words = dict.fromkeys(WORD.findall(query))
    return [
        word
        for word in words
        if MIN_LENGTH <= len(word) <= MAX_LENGTH
        and word.isalpha()
        and not (word.isupper() or word.lower() in FUNCTION_WORDS)
    ]


def corrected(text: str, corrections: Sequence[Correction]) -> str:
    """The text with the corrections, where a whole word was typed so."""
    for one in corrections:
        pieces = _WORD_OR_NOT.findall(text)
        text = "".join(one.searched if piece == one.typed else piece for piece in pieces)
    return text


def begins_word(word: str, text: str) -> bool:
    """Whether a word of the text begins so; both in lower case."""
    at = text.find(word)
    while at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_"):
        at = text.find(word, at + 1)
    return at >= 0


def is_typing_error(typed: str, meant: str, *, careful: bool) -> bool:
    """Whether `typed` is `meant` with one error, or two that leave its sound. Both in lower case.

    `careful`: the word may be a name or of another language, so each error must be one that is not
    heard, or two letters in the wrong order.
    """
    distance = edit_distance(typed, meant, most=2)
    if distance == 1:
        return not careful or _sound(typed) == _sound(meant) or sorted(typed) == sorted(meant)
    long_enough = min(len(typed), len(meant)) >= MIN_LENGTH_OF_TWO_ERRORS
    return distance == 2 and long_enough and _sound(typed) == _sound(meant)


def _sound(word: str) -> str:
    for pattern, letters in _SOUNDS:
        word = pattern.sub(letters, word)
    return word


def edit_distance(one: str, other: str, *, most: int) -> int:
    """Letters changed, added, left out or swapped with their neighbour; beyond `most`, `most` + 1.

    The restricted Damerau-Levenshtein distance.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > most:
            return most + 1
    return min(row[-1], most + 1)


def patterns(word: str) -> list[str]:
    """LIKE patterns of which a word with at most two errors fits one: its thirds, as written.

    Words of letters only.
    """
    third = max(1, len(word) // 3)
    parts = (word[:third], word[third : 2 * third], word[2 * third :])
    return [f"{parts[0]}%", f"%{parts[1]}%", f"%{parts[2]}"]


def closest(word: str, text: str) -> str:
    """The word of a text that is written most like `word`, in lower case."""
    lower = word.lower()
    words = (one.lower() for one in WORD.findall(text))
    found = {one for one in words if one[0] == lower[0] or one[:2] == lower[1::-1]}
    return min(
        found, key=lambda one: (edit_distance(lower, one, most=4), len(one), one), default=""
    )

"""Superscripts and subscripts: exponents, note marks, indices."""

import re
from typing import Final

LOOK_BACK: Final = 40  # preceding characters that decide the meaning
_SUPERSCRIPTS: Final = str.maketrans("0123456789+-−=()n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿ")
_SUBSCRIPTS: Final = str.maketrans("0123456789+-−=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
_EXPONENT: Final = re.compile(r"[-+−]?\d{1,3}|\d{0,2}[-+−]|n")
_MARKS: Final = re.compile(r"\d{1,3}(?:\s?[,;–-]\s?\d{1,3})*|[*†‡§]+")
_THREE_LETTERS: Final = re.compile(r"[^\W\d_]{3}")
_LAST_WORD: Final = re.compile(r"[^\W_]{0,64}\Z")
_UNITS: Final = "km cm dm mm µm μm nm hm in ft yd mi sec hr min kg mol"
_FUNCTIONS: Final = "log ln lg exp sin cos tan cot sinh cosh tanh det dx dt dy"
_WITH_EXPONENT: Final = frozenset((*_UNITS.split(), *_FUNCTIONS.split()))
_BRACKET: Final = re.compile(r"\(([^()]{1,30})\)\Z")


def raised(before: str, text: str) -> str:
    """Write a superscript: `m²`, `10^5`, but `sales [3]`. `before` is the line so far.

    Text that is neither an exponent nor a note mark (1st, Mme) is written as is.
    """
    words = text.strip()
    if before[-1:].isdigit() and words.lstrip("-+−")[:1].isdigit():
        return f"^{words}"  # search would read 10⁵ as 105
    if _EXPONENT.fullmatch(words) and _takes_exponent(before, words):
        return words.translate(_SUPERSCRIPTS)
    if _MARKS.fullmatch(words) and before.strip() and words[0].isdigit():
        gap = "" if before[-1:].isspace() else " "
        return f"{gap}[{words}]"
    return text


def _takes_exponent(before: str, exponent: str) -> bool:
    bracket = _BRACKET.search(before[-LOOK_BACK:])
    if bracket is not None:
        return _THREE_LETTERS.search(bracket[1]) is None
    found = _LAST_WORD.search(before[-LOOK_BACK:])
    word = found[0] if found else ""
    if not word:
        return False
    if exponent == "n":
        return len(word) == 1
    if exponent[-1] in "+-−":  # ionic charge
        return word[0].isupper() and len(word) < LOOK_BACK / 2
    if exponent[0] in "-+−":
        return len(word) <= 3
    return (len(word) == 1 and word.isalpha()) or word in _WITH_EXPONENT


def lowered(before: str, text: str) -> str:
    """Write a subscript: `H2O` and `x1` as plain digits, `10₂` after a digit."""
    words = text.strip()
    if before[-1:].isdigit() and words[:1].isdigit():
        return words.translate(_SUBSCRIPTS)
    return text

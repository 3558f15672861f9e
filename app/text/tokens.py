"""Words as they are compared: numbers in one form, a light stem, the words that carry no content.

English rules; in other languages words are compared as written, Chinese, Japanese and Korean
character by character.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD: Final = re.compile(
    rf"[{_CJK}]|(?<!\w)\d+(?:[.,:]\d+)*|(?:(?![{_CJK}])\w)+(?:['’](?:(?![{_CJK}])\w)+)*|%"
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MAX_KEPT: Final = 64
"""Characters of a word whose form is remembered: fifty thousand of any length may be gigabytes."""
_VOWEL: Final = re.compile(r"[aeiouy]")


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NUMBER_WORDS: Final = {
    word: str(number)
    for number, word in enumerate(
        _listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90"}
_SAME: Final = {"percent": "%", "cent": "%", "cannot": "not", "colour": "color"}

NEGATORS: Final = frozenset(
    _listed("not no never none nor neither without nobody nothing nowhere hardly unless")
)
FUNCTION_WORDS: Final = frozenset(
    _listed(
        """
        a about after all also an and any are as at be because been before being between both but
        by can could did do does doing down during each either for from further had has have having
        he her here hers him his how i if in into is it its itself just may me might more most must
        my of off on once only or other our out over own per same shall she should so some such
        than that the their them then there these they this those through to too under until up
        upon us very was we were what when where which while who whom whose why will with within
        would you your yes please tell say says said according example get gets give given
        """
    )
)


class Word(NamedTuple):
    """A word at `start`..`end` of its text; `norm` is the form in which words are compared."""

    start: int
    end: int
    norm: str
    capital: bool

    @property
    def number(self) -> bool:
        """A figure, however it was written."""
        return self.norm[0].isdigit()

    @property
    def negator(self) -> bool:
        """Turns what is said into its opposite."""
        return self.norm in NEGATORS

    @property
    def content(self) -> bool:
        """Carries meaning of its own; figures and negators do."""
        return self.norm not in FUNCTION_WORDS


def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order."""
    return tuple(
        Word(m.start(), m.end(), _norm(m.group()), m.group()[0].isupper())
        for m in _WORD.finditer(text)
    )


def _norm(word: str) -> str:
    return norm(word) if len(word) <= _MAX_KEPT else norm.__wrapped__(word)


def content_terms(text: str) -> frozenset[str]:
    """The distinct normalised words of a text that carry meaning."""
    return frozenset(word.norm for word in words(text) if word.content)


@lru_cache(maxsize=50_000)
def norm(word: str) -> str:
    """`Doses` → `dos`, `6,000` → `6000`, `two` → `2`, `don't` → `not`."""
    lower = word.lower().replace("’", "'")
    if lower[0].isdigit():
        return _number(lower)
    if lower.endswith("n't"):
        return "not"
    lower = lower.removesuffix("'s").removesuffix("'")
    if lower in FUNCTION_WORDS or lower in NEGATORS:
        return lower
    return _NUMBER_WORDS.get(lower) or _SAME.get(lower) or _stem(lower)


def _number(text: str) -> str:
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if "." in text and text.replace(".", "", 1).isdigit():
        text = text.rstrip("0").rstrip(".")
    return text


def _stem(word: str) -> str:
    """Strips plural, tense and adverb endings: enough to match forms, never to read."""
    if len(word) <= 3 or not word.isascii():
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes", "zes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed", "ly"):
        rest = word.removesuffix(ending)
        if rest != word and len(rest) >= 3 and _VOWEL.search(rest):
            word = rest[:-1] if rest[-1] == rest[-2] and rest[-1] not in "lsz" else rest
            break
    if len(word) > 3 and word.endswith("e"):
        word = word[:-1]
    return word[:-1] + "y" if word.endswith("i") else word

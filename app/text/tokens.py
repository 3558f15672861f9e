"""Tokenizers, one for each purpose. All word patterns of the project are in this module.

- `words`: for comparing claims with evidence. Keeps positions, numbers with separators, and CJK
  characters one by one.
- `normalized_words`, `word_spans`: for ranking. Every run of word characters, in any script.
- `key_words`: for extending queries. Words as written, without stop words.

Normalization (number formats, light stemming) follows English rules; words of other languages are
compared as written.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from app.text.stop_words import FUNCTION_WORDS, NEGATORS, QUESTION_STOP_WORDS

_CJK: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
WORD: Final = re.compile(r"\w+")
_CLAIM_WORD: Final = re.compile(
    rf"[{_CJK}]|(?<!\w)\d+(?:[.,:]\d+)*|(?:(?![{_CJK}])\w)+(?:['’](?:(?![{_CJK}])\w)+)*|%"
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_MAX_CACHED: Final = 64
"""Longest word whose normal form is cached: 50,000 words of any length could take gigabytes."""
_KEY_WORD: Final = re.compile(r"[^\W_][\w'-]*")
_WORD_BYTES: Final = bytes(code if WORD.match(chr(code)) else ord(" ") for code in range(256))
"""Translation table for ASCII: everything that is not a word character becomes a space."""
_VOWEL: Final = re.compile(r"[aeiouy]")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NUMBER_WORDS: Final = {
    word: str(is_number)
    for is_number, word in enumerate(
        _split(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
            "fifteen sixteen seventeen eighteen nineteen twenty"
        )
    )
} | {"thirty": "30", "forty": "40", "fifty": "50", "sixty": "60", "ninety": "90"}
_SYNONYMS: Final = {"percent": "%", "cent": "%", "cannot": "not", "colour": "color"}


class Word(NamedTuple):
    """A word at `start`..`end` of its text; `norm` is its normal form."""

    start: int
    end: int
    norm: str
    is_capitalized: bool

    @property
    def is_number(self) -> bool:
        """Whether the word is a number, in digits or in words."""
        return self.norm[0].isdigit()

    @property
    def is_negator(self) -> bool:
        """Whether the word negates a statement."""
        return self.norm in NEGATORS

    @property
    def is_content(self) -> bool:
        """Whether the word is not a function word. Numbers and negators are content."""
        return self.norm not in FUNCTION_WORDS


def words(text: str) -> tuple[Word, ...]:
    """The words of a text in order."""
    return tuple(
        Word(m.start(), m.end(), _norm(m.group()), m.group()[0].isupper())
        for m in _CLAIM_WORD.finditer(text)
    )


def _norm(word: str) -> str:
    return norm(word) if len(word) <= _MAX_CACHED else norm.__wrapped__(word)


def content_terms(text: str) -> frozenset[str]:
    """The distinct normalized content words of a text."""
    return frozenset(word.norm for word in words(text) if word.is_content)


def word_spans(text: str) -> list[tuple[int, int]]:
    """The (start, end) of each word, in the order of `normalized_words`."""
    return [match.span() for match in WORD.finditer(text)]


def normalized_words(text: str) -> list[str]:
    """The normalized words in order."""
    if text.isascii():  # eight times faster; fifty passages are tokenized per question
        return list(map(norm, text.encode().translate(_WORD_BYTES).decode().split()))
    return list(map(norm, WORD.findall(text)))


def key_words(text: str) -> list[str]:
    """The distinct words of a question that carry its meaning: lower case, in order."""
    found = (match.group().lower() for match in _KEY_WORD.finditer(text))
    return list(dict.fromkeys(word for word in found if word not in QUESTION_STOP_WORDS))


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
    return _NUMBER_WORDS.get(lower) or _SYNONYMS.get(lower) or _stem(lower)


def _number(text: str) -> str:
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    if "." in text and text.replace(".", "", 1).isdigit():
        text = text.rstrip("0").rstrip(".")
    return text


def _stem(word: str) -> str:
    """Strips plural, tense and adverb endings. Enough to match forms; not a readable stem."""
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

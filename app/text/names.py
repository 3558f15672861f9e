"""Names in an English question, told by how they are written, and whether a text says them. Pure.

No tagger: capitals inside a sentence, letters with digits, and words that no dictionary has.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from app.text.heading_questions import CALENDAR
from app.text.stop_words import FUNCTION_WORDS
from app.text.tokens import WORD, content_terms

MIN_LENGTH: Final = 5
"""The shortest word without capitals and digits that is looked up in a dictionary."""
MAX_TERMS: Final = 4
"""A word that no dictionary has is the topic if the question says at most three others."""
_TITLE_CASE_SHARE: Final = 0.6
_MIN_INSIDE: Final = 4
_MAX_ENDING: Final = 4
_ROMAN: Final = re.compile(r"[IVXLCM]{1,60}")
_SEPARATORS: Final = re.compile(r"[\W_]+")
_FORMATS: Final = frozenset(
    "pdf doc docx xls xlsx csv ppt pptx txt md html vtt mp3 faq readme".split()  # noqa: SIM905
)
"""How people call a source: "the PDF"."""


def written_names(query: str) -> list[str]:
    """The words that are written as names: "Twitch", "GDPR", "E05", "load_dotenv"."""
    found = WORD.findall(query)
    later = found[1:]
    is_title_case = sum(word[0].isupper() for word in later) > _TITLE_CASE_SHARE * len(later)
    capitals_count = not (is_title_case or query.isupper())
    names = [
        word
        for at, word in enumerate(found)
        if _is_code(word)
        or (len(word) > 1 and word.isupper() and not query.isupper())
        or (at > 0 and word[0].isupper() and capitals_count)
    ]
    return [word for word in dict.fromkeys(names) if _may_be_name(word)]


def _is_code(word: str) -> bool:
    """Letters with digits or underscores; a number with a unit begins with a digit."""
    return word[0].isalpha() and ("_" in word or any(map(str.isdigit, word)))


def _may_be_name(word: str) -> bool:
    lower = word.lower()
    if lower in FUNCTION_WORDS or lower in _FORMATS or _ROMAN.fullmatch(word):
        return False
    return len(word) > 1 and any(map(str.isalpha, word)) and not CALENDAR.fullmatch(lower)


def uncommon_words(query: str, ignored: Iterable[str]) -> list[str]:
    """The plain words long enough to be told by a dictionary, where each is much of the topic.

    `ignored`: the normal forms of words that say nothing of the topic.
    """
    terms = content_terms(query) - frozenset(ignored)
    if len(terms) > MAX_TERMS:
        return []
    words = dict.fromkeys(WORD.findall(query))
    return [
        word
        for word in words
        if len(word) >= MIN_LENGTH and word.isalpha() and content_terms(word) & terms
    ]


def derivation_stem(word: str) -> str:
    """What "formatter" shares with "formatting", and "reimburse" with "reimbursement"."""
    return word[: max(MIN_LENGTH, len(word) - _MAX_ENDING)]


def says_name(word: str, text: str) -> bool:
    """Whether the text says it, also in other capitals, accents, parts, or as spelled out."""
    folded, name = _folded(text), _folded(word)
    if name in folded:
        return True
    joined = _SEPARATORS.sub("", name)
    if len(joined) >= _MIN_INSIDE and joined in _SEPARATORS.sub("", folded):
        return True
    if not word.isupper():
        return False
    words = [_SEPARATORS.sub("", one) for one in WORD.findall(folded)]
    letters = "".join(one if len(one) == 1 else " " for one in words)
    initials = "".join(one[:1] for one in words if one not in FUNCTION_WORDS)
    return name in words or name in letters or name in initials


def _folded(text: str) -> str:
    """In lower case and without accents."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(one for one in apart if not unicodedata.combining(one)).lower()

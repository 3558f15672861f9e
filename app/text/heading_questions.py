"""Turns the headings of English documents into questions. Pure; None where no question is sure.

By closed-class words and a list of verbs only (`noun_phrases`): what is not recognized is asked
for as "What does “Title” say about …?", and what reads like a sentence or code is not asked for.
"""

import re
from collections.abc import Callable
from typing import Final

from app.text.noun_phrases import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    VERBS,
    has_clause,
)

MAX_LENGTH: Final = 70  # characters of a heading
_MAX_WORDS: Final = 9


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


UNINFORMATIVE: Final = _set(
    "introduction overview summary contents content references conclusion conclusions appendix "
    "notes note background abstract index page chapter section part table tables figure sheet "
    "slide menu form book guide results document untitled intro about misc miscellaneous other "
    "others faq examples example see further more copyright license licence acknowledgements "
    "credits authors author thanks preface foreword purpose scope general generalities "
    "specification concepts settings title text file readme changelog history notice disclaimer "
    "agenda welcome home main definitions abbreviations glossary bibliography hello howto slides "
    "sources sheets einleitung überblick zusammenfassung inhalt quellen anhang fazit seite kapitel "
    "blatt folie tabelle abschnitt allgemeines hinweise hinweis sonstiges zweck geltungsbereich "
    "impressum"
)
"""Headings, or first words of headings, that say nothing about what stands under them."""
_SPEAKING: Final = _set(
    "policy report guide handbook manual notes rules plan schedule readme documentation "
    "specification minutes handover agreement contract review regulation regulations code letter "
    "survey suite policies overview faq procedure protocol standard leaflet"
)
"""Last words of titles that name a document, which says something."""
_PROPERTIES: Final = _set(
    "effects effect dosage dose doses interactions symptoms causes advantages disadvantages "
    "benefits risks requirements features limitations costs price uses ingredients warnings "
    "precautions contraindications goals objectives milestones limits deadlines duties "
    "responsibilities rights hours opening fees schedule"
)
"""What a thing has: "What are the side effects of …?"."""
CALENDAR: Final = re.compile(
    r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\b(?:january|february|march|april|june|july"
    r"|august|september|october|november|december)\b|\b(?:19|20)\d\d\b"
    r"|\b(?:mon|diens|donners|frei|sams|sonn)tag\b|\bmittwoch\b",
    re.IGNORECASE,
)
_CODE: Final = re.compile(
    r"[_\\=<>{}|~^`$@#/*+\[\]]|\(\)|--|::|\b\w{1,40}\.\w|\b[a-z]{1,40}[A-Z]|\d{3}| [-–—] "
)
_LAST_AND: Final = re.compile(r",? (?:and|or|&) |, ")
_VERSION: Final = re.compile(r" v?\d{1,4}(?:\.\d{1,4}){1,4}(?: documentation)?\Z")
_ADVERBS: Final = _set("abroad online offline outdoors indoors upstairs before after")
_CLITIC: Final = re.compile(r"['’]")
_ARTICLES: Final = _set("the a an your")
_LONG_WH: Final = re.compile(
    r"(?P<wh>how (?:long|much|many|often|far|soon|old|big|large|fast)|what|how|when|where|why|who"
    r"|which)\b",
    re.IGNORECASE,
)


def is_plain(text: str) -> bool:
    """Whether a heading or name is words: no code, placeholder, number or date."""
    words = text.split()
    return (
        1 < len(text) <= MAX_LENGTH
        and 0 < len(words) <= _MAX_WORDS
        and not _CODE.search(text)
        and not CALENDAR.search(text)
        and any(sum(map(str.isalpha, word)) > 2 for word in words)
        and not any(word.isdigit() for word in words)
        and text.count("(") == text.count(")") == 0
    )


def is_informative(heading: str, title: str) -> bool:
    """Whether it is worth asking what stands under a heading."""
    words = heading.lower().split()
    return (
        len(heading) > 3
        and is_plain(heading)
        and words[0].strip(":,.") not in UNINFORMATIVE
        and heading.lower() not in title.lower()
    )


def heading_question(
    heading: str, title: str | None, *, mid_sentence: Callable[[str], str]
) -> str | None:
    """The question that the text under a heading answers.

    `title`: None where it does not tell what the document is. `mid_sentence` gives the spelling
    of a name in the middle of a sentence.
    """
    if heading.endswith("?"):
        return _asked(heading)
    words = heading.split()
    first = words[0].lower()
    if first in QUESTION_WORDS:
        return _inverted(heading)
    if first == "if" and len(words) > 2:
        return None if _leans(words[1:]) else f"What happens if {' '.join(words[1:])}?"
    if " ".join(words[:3]).lower() == "in case of" and len(words) > 3:
        return f"What should I do in case of {' '.join(words[3:])}?"
    if _leans(words):
        return None
    if (base := _base_of_gerund(first)) and words[1:2] not in ([], ["and"], ["or"], ["&"]):
        return f"How do I {base} {_first_of_several(words[1:])}?"
    if first in VERBS and len(words) > 2 and words[1].lower() in _ARTICLES:
        return f"How do I {first} {_first_of_several(words[1:])}?"
    if first in PREPOSITIONS | PRONOUNS | AUXILIARIES or has_clause(heading):
        return None
    if first in _ADVERBS:
        return None
    return _of_noun_phrase(words, title, mid_sentence)


def _of_noun_phrase(
    words: list[str], title: str | None, mid_sentence: Callable[[str], str]
) -> str | None:
    name = mid_sentence(" ".join(words))
    of = next((at for at, word in enumerate(words) if word.lower() in ("of", "for")), None)
    head = words[(of or len(words)) - 1].lower()
    owner = title if title and _is_word(title) else ""
    if head in _PROPERTIES and (of or owner) and words[0].lower() not in DETERMINERS:
        verb = "are" if head.endswith("s") else "is"
        joined = any(word.lower() in ("and", "or", "&") for word in words[: of or len(words)])
        whole = name if of else f"{name} of {mid_sentence(owner)}"
        return f"What {'are' if joined else verb} the {whole}?"
    if title is None:
        return None
    return f"What does {named(title)} say about {name}?"


def named(title: str) -> str:
    """A title within a sentence: “Orders 2025”, or the Remote Work Policy."""
    title = _VERSION.sub("", title)
    words = title.split()
    if len(words) > 1 and words[-1].isdigit():
        words = words[:-1]
    is_proper = 1 < len(words) <= 6 and all(word[:1].isupper() and word.isalpha() for word in words)
    if is_proper and words[-1].lower() in _SPEAKING and not title.isupper():
        return f"the {title}"
    return f"“{title}”"


def mid_sentence(name: str) -> str:
    """The spelling in the middle of a sentence: `Side effects` → `side effects`."""
    if name.isupper() and " " in name:
        return name.lower()
    first, _, rest = name.partition(" ")
    is_name = not first[1:].islower() or rest[:1].isupper()
    return name if is_name and len(first) > 1 else name[:1].lower() + name[1:]


def _asked(heading: str) -> str | None:
    """A heading that is a question already, when it can be understood on its own."""
    words = heading.rstrip("? ").split()
    if len(words) < 2 or _leans(words):
        return None
    if len(words) > 1 and words[1].lower() == "to":
        return _inverted(heading.rstrip("? "))
    asks = words[0].lower() in QUESTION_WORDS | AUXILIARIES or "which" in map(str.lower, words)
    asks = asks and words[1].lower() not in PREPOSITIONS
    return f"{heading.rstrip('? ')}?" if asks and _is_short(heading) else None


def _is_short(text: str) -> bool:
    return len(text) <= MAX_LENGTH and not _CODE.search(text)


def _leans(words: list[str]) -> bool:
    """Whether something points at what stands around the heading."""
    pointing = _set("this that these those it its they them he she here there such following above")
    return any(_CLITIC.split(word.lower())[0].strip(",.;:") in pointing for word in words)


def _inverted(heading: str) -> str | None:
    """ "Where backups are kept" → "Where are backups kept?"."""
    found = _LONG_WH.match(heading)
    words = heading.split()
    if found is None or _leans(words) or not _is_short(heading):
        return None
    asked = found["wh"][0].upper() + found["wh"][1:].lower()
    rest = heading[found.end() :].split()
    if not rest:
        return None
    lowered = [word.lower() for word in rest]
    if lowered[0] == "to":
        return _how_to(asked, rest[1:])
    if lowered[0] in AUXILIARIES:  # "What is backed up"
        return f"{asked} {' '.join(rest)}?"
    place = next((at for at, word in enumerate(lowered) if word in AUXILIARIES), None)
    if place is not None:
        subject = " ".join(rest[:place])
        return f"{asked} {rest[place]} {' '.join([subject, *rest[place + 1 :]])}?"
    verb = next((at for at, word in enumerate(lowered) if at and _is_finite(word)), None)
    if verb is None or asked in ("Who", "Which"):
        return None
    base = _base(lowered[verb])
    do = "do" if base == lowered[verb] else "does"
    subject = " ".join(rest[:verb])
    return f"{asked} {do} {' '.join([subject, base, *rest[verb + 1 :]])}?"


def _how_to(asked: str, rest: list[str]) -> str | None:
    if len(rest) < 2 or not rest[0].isalpha():
        return None
    modal = "do" if asked == "How" else "should"
    return f"{asked} {modal} I {rest[0].lower()} {_first_of_several(rest[1:])}?"


def _first_of_several(rest: list[str]) -> str:
    """The object of a verb, without what another verb might belong to."""
    return _LAST_AND.split(" ".join(rest))[0]


def _is_finite(word: str) -> bool:
    return word in VERBS or _base(word) in VERBS


def _base(verb: str) -> str:
    if verb in VERBS:
        return verb
    for ending, instead in (("ies", "y"), ("es", ""), ("es", "e"), ("s", "")):
        if verb.endswith(ending) and verb.removesuffix(ending) + instead in VERBS:
            return verb.removesuffix(ending) + instead
    return verb


def _base_of_gerund(word: str) -> str | None:
    """`installing` → `install`, `storing` → `store`, `running` → `run`."""
    if not word.endswith("ing") or len(word) < 6:
        return None
    stem = word.removesuffix("ing")
    doubled = stem[:-1] if stem[-1] == stem[-2] else stem
    found = (form for form in (stem, f"{stem}e", doubled) if form in VERBS)
    return next(found, None)


def _is_word(title: str) -> bool:
    return title.isalpha() and title.lower() not in UNINFORMATIVE | _SPEAKING and len(title) > 3

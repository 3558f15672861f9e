"""Finds the words of a question that refer to what was said before it. Pure.

"There" of "Is there", "that" of "the patient that", "one" of "one tablet", "it" of "Is it possible
to" and pronouns whose noun is in the same question refer to nothing before.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.text.noun_phrases import (
    AUXILIARIES,
    PEOPLE,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    VERBS,
    WORD,
    Phrase,
    is_predicate,
    noun_phrases,
)

Kind = Literal["thing", "things", "person", "place", "matter", "noun", "pair", "member"]
"""A `matter` is all that was asked; a `noun` follows "this" or "that"; a `pair` is two things of
several turns, a `member` one of them."""

_KINDS: Final[dict[str, Kind]] = {
    "it": "thing", "its": "thing", "it's": "thing",
    "they": "things", "them": "things", "their": "things", "theirs": "things",
    "he": "person", "she": "person", "him": "person", "her": "person", "his": "person",
    "hers": "person", "there": "place",
    "this": "matter", "that": "matter", "these": "matter", "those": "matter", "that's": "matter",
}  # fmt: skip
_POSSESSIVE: Final = frozenset("its their theirs his her hers".split())  # noqa: SIM905
_BE: Final = frozenset("is are was were be been being isn't aren't wasn't weren't".split())  # noqa: SIM905
_INVERTING: Final = frozenset("do does did can could should will would may might must".split())  # noqa: SIM905
_CLAUSES: Final = re.compile(r",|;|\b(?:and|but|or|if|when|because|while|after|before|so)\b", re.I)
_PLEONASTIC: Final = re.compile(
    r"\b(?:(?:is|was|isn't|be|makes?|does) it|it(?:'s| is| was| will be| would be)?)\s+"
    r"(?:\w+\s+){0,2}?"
    r"(?:possible|necessary|safe|allowed|permitted|true|okay|ok|legal|dangerous|important|better"
    r"|best|required|mandatory|common|normal|likely|easy|hard|worth|takes?|matters?|mean|make"
    r"|made|rains?|sense|cost)\b[^,;?]{0,60}?\b(?:to|that|if|for|whether|when)\b",
    re.IGNORECASE,
)
_TAKES: Final = re.compile(r"\b(?:does|do|will|did|would|can) it (?:take|cost|mean)\b", re.I)
_INFINITIVE: Final = re.compile(r"\W+(?:\w+\W+){0,3}?(?:to|that|if|for)\b")
_TIME: Final = re.compile(r"\bwhat (?:time|day|date) is it\b", re.IGNORECASE)
_DEICTIC: Final = frozenset(
    """document documents file files library page pages paper report reports book text texts source
    sources collection folder conversation chat question answer week month year quarter morning
    afternoon evening night time moment case cases way ways kind kinds type sort thing things
    country presentation transcript recording website site app application tool""".split()  # noqa: SIM905
)
_PAIR: Final = re.compile(
    r"\btogether\b|\bboth\b|\beach other\b|\bcombin|\bone another\b|\bbetween them\b|\bthe two\b"
    r"|\beither\b|\binteract\b|\bat the same time\b|\bdiffer(?:ent|ence|s)?\b|\bcompar",
    re.IGNORECASE,
)
_MEMBER: Final = re.compile(
    r"\bthe (?P<which>first|second|third|last|former|latter|other)(?: one)?\b(?!\s+\w)"
    r"|\bthe (?P<of>first|second|third|last|former|latter|other) one\b",
    re.IGNORECASE,
)
_WHICH: Final = re.compile(
    r"^\W*which (?:ones?\b|(?:one )?of (?:them|these|those|the two|both)\b"
    r"|(?:is|has|are|was) (?:the )?(?:more|less|most|least|better|best|worse|worst"
    r"|\w{3,}(?:er|est))\b)",
    re.IGNORECASE,
)
_WHICH_ARE: Final = re.compile(r"^\W*which (?:is|are|was|were|has|have)\b", re.IGNORECASE)
_TWO: Final = re.compile(
    r"\b(?:both(?: of them)?|the two(?: of them)?|each other)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Reference:
    """Characters `start`..`end` of a question refer back. `detail`: the noun, or which member."""

    start: int
    end: int
    kind: Kind
    detail: str = ""
    is_possessive: bool = False


def references(question: str) -> list[Reference]:
    """What refers back, in order."""
    which = _WHICH.search(question)
    if which is None and not _has_subject(question):
        which = _WHICH_ARE.search(question)
    if which is not None:
        return [Reference(which.start(), which.end(), "pair", "which")]
    found = list(_pronouns(question))
    pair = _PAIR.search(question)
    if pair and any(one.kind == "things" for one in found):
        return [
            Reference(one.start, one.end, "pair", "", one.is_possessive)
            if one.kind == "things"
            else one
            for one in found
        ]
    if not found and (member := _MEMBER.search(question)):
        which_member = member["which"] or member["of"]
        return [Reference(member.start(), member.end(), "member", which_member.lower())]
    if not found and (two := _TWO.search(question)) and not _has_subject(question):
        return [Reference(two.start(), two.end(), "pair")]
    return found


def _has_subject(question: str) -> bool:
    return any(not all(map(is_predicate, phrase.words)) for phrase in noun_phrases(question))


def _pronouns(question: str) -> Iterator[Reference]:
    spans = [match.span() for match in WORD.finditer(question)]
    words = [question[start:end].lower().replace("’", "'") for start, end in spans]
    phrases = noun_phrases(question)
    expletive = _expletive(question)
    for place, word in enumerate(words):
        kind = _KINDS.get(word)
        if kind is None:
            continue
        start, end = spans[place]
        end -= 2 * word.endswith("'s")
        is_possessive = (word in _POSSESSIVE and word != "her") or (
            word == "her" and _follows(words, place) not in PREPOSITIONS | {""}
        )
        if kind == "thing" and any(low <= start < high for low, high in expletive):
            continue
        if kind == "place" and not _is_place(words, place):
            continue
        if kind == "matter":
            if (reference := _demonstrative(question, spans, words, place)) is not None:
                yield reference
            continue
        if kind != "place" and _is_bound(question, start, kind, phrases, is_possessive):
            continue
        yield Reference(start, end, kind, "", is_possessive)


def _expletive(question: str) -> list[tuple[int, int]]:
    """Where "it" stands for nothing. "How long does it take to work?" names nothing else."""
    if not _has_subject(question):
        return []
    found = [*_PLEONASTIC.finditer(question), *_TIME.finditer(question)]
    found += (m for m in _TAKES.finditer(question) if _INFINITIVE.match(question, m.end()))
    return [match.span() for match in found]


def _follows(words: Sequence[str], place: int) -> str:
    return words[place + 1] if place + 1 < len(words) else ""


def _is_place(words: Sequence[str], place: int) -> bool:
    before = words[place - 1] if place else ""
    following = _follows(words, place)
    if before in _BE or following in _BE or before in AUXILIARIES or following in AUXILIARIES:
        at_end = not following or following in ("too", "also", "then")
        return before in PREPOSITIONS or (words[0] == "who" and at_end)
    return place > 0 and (not following or following in PREPOSITIONS)


def _demonstrative(
    question: str, spans: Sequence[tuple[int, int]], words: Sequence[str], place: int
) -> Reference | None:
    """ "This", "that", "these" or "those", alone or before a noun."""
    before, following = (words[place - 1] if place else ""), _follows(words, place)
    start, end = spans[place]
    gap = question[end : spans[place + 1][0]] if following else ""
    ends = not following or gap.strip() != ""
    closed = AUXILIARIES | PREPOSITIONS | QUESTION_WORDS | PRONOUNS
    is_relative = words[place] == "that" and (
        before not in closed | {"", "and", "but", "about", "does", "is", "than", "why", "how"}
    )
    if is_relative and not ends:
        return None
    is_verb = before in _INVERTING and following.removesuffix("s") in VERBS
    is_said_of = before in _BE and is_predicate(following)
    if ends or following in closed or is_verb or is_said_of or following in _CONNECTING:
        return Reference(start, spans[place][1] - 2 * words[place].endswith("'s"), "matter")
    noun = next((p for p in noun_phrases(question) if p.start == spans[place + 1][0]), None)
    if noun is None or noun.head in _DEICTIC or set(map(str.lower, noun.words)) & _DEICTIC:
        return None
    return Reference(start, noun.end, "noun", " ".join(noun.words))


_CONNECTING: Final = frozenset("and or but not so too also only more all the a an".split())  # noqa: SIM905


def _is_bound(
    question: str, start: int, kind: Kind, phrases: Sequence[Phrase], is_possessive: bool
) -> bool:
    """Whether the pronoun stands for a noun earlier in the same question."""
    for phrase in phrases:
        if phrase.end > start:
            break
        between = question[phrase.end : start]
        if not is_possessive and not _CLAUSES.search(between):
            continue
        if phrase.preposition and phrase.preposition not in ("of", "for"):
            continue
        people = {word.lower() for word in phrase.words} & PEOPLE
        if kind == "things" and (phrase.is_plural or people):
            return True
        if kind == "person" and (people or phrase.is_name or phrase.determiner in ("a", "an")):
            return True
        named = phrase.is_name or bool(phrase.determiner)
        if kind == "thing" and not phrase.is_plural and (named or not is_possessive):
            return True
    return False

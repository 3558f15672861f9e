"""What a question asks for, as far as its words show it: how much, and of what form."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.text.stop_words import FOREIGN_FUNCTION_WORDS, QUESTION_STOP_WORDS, seems_english
from app.text.tokens import Word, content_terms, normalized_words, words

_STEPS: Final = re.compile(
    r"^\W*(?:how (?:do|does|can|could|should|would|to|must|shall)\b|what are the steps|steps\b"
    r"|procedure\b|instructions?\b|wie (?:kann|muss|soll|geht|mache?)\b)",
    re.IGNORECASE,
)
_ONE: Final = re.compile(
    r"^\W*(?:and |so |but )?(?:how (?:many|much|long|old|often|far|high|big|large|soon|fast|deep"
    r"|wide|tall|heavy|late|early|quickly|likely|common)\b"
    r"|(?:on |at |in |by |since |until |from |for |to |with )?(?:when|whom|whose|who)\b"
    r"|(?:where|why)\b|(?:is|are|was|were|do|does|did|can|could|may|might|must|should|shall|has|have|had|will|would"
    r"|am)\b"
    r"|(?:in |at |on |by |to |from |for |with )?(?:what|which) (?:year|time|date|day|month|number"
    r"|age|size|version|port|code|name|percentage|temperature|weight|length|height|price|cost|amount"
    r"|dose|limit|rate|colou?r|country|city|person|company)\b"
    r"|what(?:'s| is| was)\b|(?:max|min)(?:imum)?\b"
    r"|wie (?:viele?|hoch|lange|oft|weit|gro(?:ß|ss)|teuer|alt)\b|wann\b|wo\b|wer\b|wem\b|wen\b"
    r"|(?:ist|sind|war|waren|hat|haben|darf|dürfen|kann|muss|gibt|soll)\b)",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(
    r"\b(?:how (?:many|much|long|old|often|far|high|big|large|soon|fast)|when"
    r"|what (?:year|time|date)|dos(?:e|es|age)|number of|max(?:imum)?|min(?:imum)?|limit"
    r"|wie ?viele?|wie (?:hoch|lange|oft|weit|teuer)|wann)\b",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(
    r"^\W*(?:and |so |but )?(?:how (?:many|much|long|old|far|high|big|large|fast|heavy|tall|deep"
    r"|wide)|wie ?viele?|wie (?:hoch|lange|weit|teuer|alt))\b",
    re.IGNORECASE,
)
_TIME: Final = re.compile(
    r"^\W*(?:and |so |but )?(?:since |until |by |from )?(?:when|(?:at |on )?what (?:time|date|day)"
    r"|wann)\b",
    re.IGNORECASE,
)
_NEGATIVE: Final = frozenset(
    normalized_words(
        "forbidden prohibited banned refused refuse excluded exclude rejected reject avoid avoided"
        " denied missing lack lacks fail failed unsupported stop stopped disable disabled prevent"
    )
)
_PRICE: Final = re.compile(
    r"\b(?:costs?|price[ds]?|fees?|(?:do|must|have to|to) pay|expensive|charged?|kostet|kosten"
    r"|preis|teuer|geb\u00fchr)\b",
    re.IGNORECASE,
)
_PERSON: Final = re.compile(
    r"\b(?:who|whom|whose|which (?:person|company)|wer|wem|wen)\b", re.IGNORECASE
)
_DEFINITION: Final = re.compile(r"^\W*what(?:'s| is| are| was| were)\b", re.IGNORECASE)
_REASON: Final = re.compile(
    r"\b(?:why|reasons?|causes?d?|how come|warum|wieso|weshalb)\b", re.IGNORECASE
)
_WHOLE: Final = re.compile(
    r"^\W*(?:what (?:[^\W\d]{3,20}s )?(?:are|were|must|should|does|do|can|apply)\b"
    r"|(?:for |in |on |to |at )?which\b|list\b|name\b|give\b|show\b)",
    re.IGNORECASE,
)
_PREPOSITION: Final = re.compile(
    r"\s(?:of|for|in|at|with|to|from|by|on|about|during|between|under|after|before|von|für|bei|im|am|des)\s",
    re.IGNORECASE,
)
_ASKING: Final = frozenset(
    normalized_words(
        "tell explain describe show find mention mentioned anywhere need know please kind kinds "
        "called name named use used"
    )
)


@dataclass(frozen=True, slots=True)
class Asked:
    """The content terms of a question and the form that an answer has."""

    terms: frozenset[str]
    every: frozenset[str]  # also the words that ask: "need", "use"
    norms: frozenset[str]  # of all its words
    head: frozenset[str]  # the terms before the first preposition: "side effects (of warfarin)"
    one: bool  # one fact, not several
    steps: bool
    number: bool
    count: bool  # how much: nothing without a number answers
    time: bool
    price: bool
    person: bool
    definition: bool
    negative: bool  # what is not, or must not be
    reason: bool
    several: bool  # a list is expected
    pairs: frozenset[tuple[str, str]]  # a number and its neighbour: "after 5", "5 years"

    @classmethod
    def of(cls, question: str) -> "Asked":
        steps = _STEPS.search(question) is not None
        return cls(
            terms=(terms := _terms(question)),
            every=content_terms(question) | terms,
            norms=frozenset(word.norm for word in words(question)),
            head=(content_terms(_PREPOSITION.split(question, maxsplit=1)[0]) & terms) or terms,
            one=not steps and _ONE.search(question) is not None,
            steps=steps,
            number=_NUMBER.search(question) is not None,
            count=_COUNT.match(question) is not None,
            time=_TIME.match(question) is not None,
            price=_PRICE.search(question) is not None,
            person=_PERSON.search(question) is not None,
            negative=any(w.is_negator or w.norm in _NEGATIVE for w in words(question)),
            definition=_DEFINITION.search(question) is not None,
            reason=_REASON.search(question) is not None,
            several=_WHOLE.search(question) is not None,
            pairs=number_pairs(words(question)),
        )


def number_pairs(found: Sequence[Word]) -> frozenset[tuple[str, str]]:
    """Neighbouring words of which one is a number, in their normal forms."""
    return frozenset(
        (one.norm, other.norm) for one, other in pairwise(found) if one.is_number != other.is_number
    )


def _terms(question: str) -> frozenset[str]:
    """Without the words that ask; all of them if nothing else is left."""
    terms = content_terms(question)
    dropped: frozenset[str] = _ASKING | QUESTION_STOP_WORDS
    if not seems_english(question.lower().split()):
        dropped |= FOREIGN_FUNCTION_WORDS
    return (terms - dropped) or terms

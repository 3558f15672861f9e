"""Scores how well each part of each unit answers a question. Pure and deterministic."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Final

from app.domain.models import Passage
from app.llm.quoting.asked import Asked, number_pairs
from app.llm.quoting.quotable_units import Unit
from app.text.stop_words import NEGATORS
from app.text.tokens import Word, content_terms, normalized_words, words

HEADING, TITLE, LEAD, BEFORE, ASKED = 0.8, 0.7, 0.9, 0.4, 0.6
"""Weight of a query term in the heading, the title, the lead-in, the preceding sentence, and in a
speaker's preceding question; in the part itself it is 1."""
_BOUNDS: Final = (
    (
        ("maximum", "max", "most"),
        re.compile(
            r"\b(?:maximum|at most|not exceed|no more than|not \w+(?: \w+)? more than|up to"
            r"|limit)\b",
            re.IGNORECASE,
        ),
    ),
    (
        ("minimum", "min", "least"),
        re.compile(r"\b(?:minimum|at least|no less than|not less than|no fewer)\b", re.IGNORECASE),
    ),
)
"""Words of a question for a bound, and how bounds are said."""
_MIN_STEM: Final = 6
_MAX_ENDING: Final = 5
_MIN_COMPOUND: Final = 8
_MIN_FUZZY_LENGTH: Final = 5
_FUZZY: Final = 0.8
_NUMBERING: Final = re.compile(r"^\W*(?:chapter |section )?\d+(?:\.\d+)*\W+", re.IGNORECASE)
_CONTENTS: Final = re.compile(
    r"(?:table of )?contents|index|inhalt(?:sverzeichnis)?|sommaire", re.IGNORECASE
)
_CONTENTS_SHARE: Final = 0.3
"""A table of contents names everything and says nothing."""
_LABELLED: Final = re.compile(r"\w:[ \t]\S")
_DEFINES: Final = re.compile(r"^(?:\w[\w’'-]*\s+){1,4}?(?:is|are|was|were|means?|refers?)\b")
_CAUSE: Final = re.compile(
    r"\b(?:because|due to|caused?|so that|since|therefore|owing to|as a result|reasons?|:|weil"
    r"|wegen|damit)",
    re.IGNORECASE,
)
_MONEY: Final = re.compile(
    r"[€$£¥]|\b(?:euros?|pounds?|dollars?|cents?|francs?|eur|usd|gbp|chf|free of charge|for free"
    r"|kostenlos)\b",
    re.IGNORECASE,
)
_AMOUNT: Final = frozenset(
    normalized_words(
        "half quarter third dozen hundred thousand million once twice no none zero both"
    )
)
"""Words for an amount that are not numbers."""
_RELATIONS: Final = frozenset(
    normalized_words("before after during without while until under over between against")
)
"""A heading with one of them names something else without it."""
_ASKING_HEADING: Final = re.compile(
    r"\W*(?:what|which|who|how|where|when|was|wie)\b", re.IGNORECASE
)
LIST_NAMED: Final = 0.35
LIST_LED: Final = 0.15
_NO_AMOUNT: Final = 0.2
_MIN_LIST: Final = 3
_OPPOSITE: Final = 0.4
"""What "We do not take:" introduces is not what is taken."""
_PRICE_WEIGHT: Final = 0.25
_CODE_COST: Final = 0.3
_NO_NAME: Final = 0.2
_ELSEWHERE: Final = 0.15
_REASONS_LISTED: Final = 0.25
_CONDITION: Final = re.compile(r"(?:if|unless|in case)\b", re.IGNORECASE)
_CONDITIONS: Final = frozenset(normalized_words("if unless case when"))
_REFERENCE: Final = re.compile(
    r"(?:for (?:\w+ ){1,4})?(?:please )?(?:see|refer to|consult)\b", re.IGNORECASE
)
"""A sentence that only says where to read."""
_NEGATOR_SHARE: Final = 0.5
"""A passage may say the same without a negation, or another thing with one."""
_TIME: Final = re.compile(
    r"\d|\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|may|june|july"
    r"|august|september|october|november|december|spring|summer|autumn|fall|winter|daily|weekly"
    r"|monthly|yearly|annual(?:ly)?|every|each|morning|noon|afternoon|evening|night|midnight"
    r"|weekends?|today|tomorrow|yesterday|always|never|immediately|at once|once|until|before|after"
    r"|during|as soon as|while|when(?:ever)?|if|unless|first|last|(?:quarter|year|month|week|day"
    r"|hour|minute|second)s?|(?:mon|diens|donners|frei|sams|sonn)tags?|mittwochs?|januar|februar"
    r"|märz|mai|juni|juli|oktober|dezember|täglich|jährlich|vor|nach|bis|jeden)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Scored:
    """One part of a unit, or the whole of it (`part` None)."""

    unit: int
    part: int | None
    score: float
    own: frozenset[str]  # query terms in the words themselves
    around: frozenset[str]  # query terms in its lead-in, header, heading and title
    before: frozenset[str]  # query terms in the sentence before it


class Scorer:
    """The query terms, weighted by how few units have them, and the scores of all parts."""

    def __init__(self, asked: Asked, passages: Sequence[Passage], units: Sequence[Unit]) -> None:
        self._asked = asked
        self._passages = passages
        self._units = units
        bounds = [bound for bound in _BOUNDS if not asked.terms.isdisjoint(bound[0])]
        self._terms = [[_terms(part.text, bounds) for part in unit.parts] for unit in units]
        self._leads = [content_terms(_lead_of(unit)) for unit in units]
        self._headings = [content_terms(p.heading or "") for p in passages]
        self._titles = [content_terms(p.title) for p in passages]
        self._add_other_forms()
        self._add_compounds()
        self._unit_terms = [frozenset().union(*terms) for terms in self._terms]
        self.terms = self._known(asked.terms)
        self.weights = self._idf()

    @cached_property
    def total(self) -> float:
        return sum(self.weights.values()) or 1.0

    def weight(self, terms: frozenset[str]) -> float:
        """The share of the question's weight, 0..1."""
        return sum(self.weights.get(term, 0.0) for term in terms) / self.total

    def scored(self) -> list[Scored]:
        """Every part; of lists and tables also the whole."""
        return [one for index in range(len(self._units)) for one in self._of_unit(index)]

    def last_heading(self, passage: int) -> frozenset[str]:
        """The terms of the innermost heading, without its number."""
        heading = (self._passages[passage].heading or "").rpartition(" > ")[2]
        return content_terms(_NUMBERING.sub("", heading))

    def names_the_list(self, unit: Unit) -> bool:
        """Whether the heading of a list says what is asked for ("Best practices")."""
        if unit.kind != "list" or unit.header:
            return False
        terms = self.last_heading(unit.passage)
        if not terms or terms.isdisjoint(
            self._asked.head | (self._asked.every - self._asked.terms)
        ):
            return False
        heading = (self._passages[unit.passage].heading or "").rpartition(" > ")[2]
        said = {word.norm for word in words(heading)}
        return terms <= self._asked.every and said & _RELATIONS <= self._asked.norms

    def _asks_the_same(self, unit: Unit) -> bool:
        """Whether that heading is a question, as in "What you need"."""
        heading = (self._passages[unit.passage].heading or "").rpartition(" > ")[2]
        return _ASKING_HEADING.match(heading) is not None

    def heading_asks(self, passage: int) -> bool:
        """Whether the innermost heading is a question: "What is it good for?"."""
        heading = (self._passages[passage].heading or "").rpartition(" > ")[2]
        return heading.endswith("?")

    def section(self, passage: int) -> tuple[str, str | None]:
        """The source and the heading."""
        found = self._passages[passage]
        return found.source_id, found.heading

    def subject(self) -> frozenset[str]:
        """Query terms that only some of the titles have: they say which source is meant."""
        return frozenset(
            term
            for term in self.weights
            if 0 < sum(term in title for title in self._titles) < len(self._titles)
        )

    def subjects_of(self, passage: int) -> frozenset[str]:
        """Query terms in title and heading."""
        return self._titles[passage] | self._headings[passage]

    def _add_other_forms(self) -> None:
        """Where a longer or shorter form of a query term is said, the term is, too."""
        long = [term for term in self._asked.terms if len(term) >= _MIN_STEM and term.isalpha()]
        if not long:
            return

        def extended(terms: frozenset[str]) -> frozenset[str]:
            return terms.union(
                term for term in long for word in terms if _is_form(term, word) and word != term
            )

        self._terms = [[extended(terms) for terms in of_unit] for of_unit in self._terms]
        self._leads = [extended(terms) for terms in self._leads]
        self._headings = [extended(terms) for terms in self._headings]

    def _add_compounds(self) -> None:
        """Where "Soup Sieve" is said, "soupsieve" is, too."""
        long = [term for term in self._asked.terms if len(term) >= _MIN_COMPOUND and term.isalpha()]
        for unit, of_unit in zip(self._units, self._terms, strict=True) if long else ():
            for number, part in enumerate(unit.parts):
                joined = part.text.lower().replace(" ", "").replace("-", "")
                of_unit[number] |= frozenset(term for term in long if term in joined)

    def _known(self, asked: frozenset[str]) -> frozenset[str]:
        """The terms of the question; a misspelt one as the passages write it."""
        vocabulary = frozenset().union(*self._unit_terms, *self._titles, *self._headings)
        return frozenset(
            term if term in vocabulary else _closest(term, vocabulary) for term in asked
        )

    def _idf(self) -> dict[str, float]:
        """Weights of the query terms that occur in the passages; rare terms weigh more."""
        weights: dict[str, float] = {}
        count = len(self._units)
        for term in sorted(self.terms):
            found = sum(
                term in self._unit_terms[i]
                or term in self._leads[i]
                or term in self._headings[unit.passage]
                or term in self._titles[unit.passage]
                for i, unit in enumerate(self._units)
            )
            if found:
                weights[term] = math.log(1 + (count + 1) / found)
                if term in NEGATORS:
                    weights[term] *= _NEGATOR_SHARE
        return weights

    def _of_unit(self, index: int) -> Iterator[Scored]:
        unit = self._units[index]
        before, asked = self._context(index)
        item: frozenset[str] = frozenset()
        is_question = False
        for number, part in enumerate(unit.parts):
            if part.mark:
                item, is_question = self._terms[index][number], part.text.endswith("?")
            elif unit.kind == "list":
                before, asked = item, item if is_question else frozenset()
            yield self._score(index, number, self._terms[index][number], before, asked, part.text)
        if unit.kind in ("list", "table") or len(unit.parts) > 1:
            yield self._score(index, None, self._unit_terms[index], before, asked, "")

    def _score(
        self,
        index: int,
        number: int | None,
        own: frozenset[str],
        before: frozenset[str],
        asked: frozenset[str],
        text: str,
    ) -> Scored:
        unit = self._units[index]
        lead, heading = self._leads[index], self._headings[unit.passage]
        title = self._titles[unit.passage]
        own_weight = 1.0 if number is not None else 0.6
        matched = sum(
            weight
            * max(
                own_weight * (term in own),
                (LEAD if number is not None else 1.0) * (term in lead),
                HEADING * (term in heading),
                TITLE * (term in title),
                ASKED * (term in asked),
                BEFORE * (term in before),
            )
            for term, weight in self.weights.items()
        )
        score = matched / self.total + self._fit(unit, number, text)
        score *= 1 - 0.04 * min(unit.passage, 10)
        if _CONTENTS.fullmatch((self._passages[unit.passage].heading or "").rpartition(" > ")[2]):
            score *= _CONTENTS_SHARE
        query = frozenset(self.weights)
        around = lead | heading | title
        return Scored(index, number, score, own & query, around & query, before & query)

    def _context(self, index: int) -> tuple[frozenset[str], frozenset[str]]:
        """Terms of the preceding sentence, and of a question up to two sentences before."""
        empty: frozenset[str] = frozenset()
        here, label = self._units[index].passage, self._units[index].label
        near = (i for i in (index - 1, index - 2) if i >= 0 and self._units[i].passage == here)
        earlier = [i for i in near if self._units[i].kind == "sentence"]
        if self._passages[here].kind != "recording":  # the term before is another one
            earlier = [i for i in earlier if self._units[i].label == label]
        if not earlier or self._units[index].kind != "sentence":
            return empty, empty
        asking = next((i for i in earlier if self._units[i].text.endswith("?")), None)
        return self._unit_terms[earlier[0]], empty if asking is None else self._unit_terms[asking]

    def _fit_of_amount(self, text: str, found: Sequence[Word]) -> float:
        """Whether it says a number, a time or a price where one is asked for."""
        asked = self._asked
        if asked.price:
            return _PRICE_WEIGHT if _MONEY.search(text) else -_NO_AMOUNT
        if asked.time and not _TIME.search(text):
            return -_NO_AMOUNT
        if asked.number and any(w.is_number and w.norm not in self.weights for w in found):
            return 0.15
        has_amount = any(w.is_number or w.norm in _AMOUNT for w in found)
        return -_NO_AMOUNT if asked.count and not has_amount else 0.0

    def _fit_of_definition(self, unit: Unit, text: str) -> float:
        fit = 0.0
        if unit.is_first and not content_terms(unit.label or "").isdisjoint(self._asked.terms):
            fit += 0.25
        if _DEFINES.match(text):
            subject = {w.norm for w in words(text)[:3]}
            fit += 0.15 * bool(subject & set(self.weights))
        return fit

    def _fit_of_whole(self, unit: Unit) -> float:
        asked = self._asked
        is_procedure = asked.steps and unit.is_procedure
        fit = 0.25 * is_procedure + 0.1 * asked.several
        if unit.lead is not None and not asked.negative:
            fit -= _OPPOSITE * any(word.is_negator for word in words(unit.lead.text))
        if asked.reason and unit.lead is not None:
            fit += _REASONS_LISTED * (_CAUSE.search(unit.lead.text) is not None)
        if not (is_procedure or asked.several):
            return fit
        if self.names_the_list(unit):
            return fit + LIST_NAMED * (1 + self._asks_the_same(unit))
        is_led = unit.kind == "list" and unit.lead is not None and len(unit.parts) >= _MIN_LIST
        return fit + LIST_LED * is_led

    def _leads_elsewhere(self, text: str) -> bool:
        """Whether it only says where to read, or what holds on a condition that nobody set."""
        asked = self._asked
        if asked.steps and _REFERENCE.match(text):
            return True
        is_plain = asked.number and not asked.time and asked.norms.isdisjoint(_CONDITIONS)
        return is_plain and _CONDITION.match(text) is not None

    def _fit(self, unit: Unit, number: int | None, text: str) -> float:
        """Whether it has the form that the question expects."""
        if number is None:
            return self._fit_of_whole(unit)
        fit = 0.0
        if text.endswith("?"):
            fit -= 0.5
        if unit.kind == "sentence" and len(text.split()) < 4 and not _LABELLED.search(text):
            fit -= 0.3
        found = words(text)
        asked = self._asked
        fit += self._fit_of_amount(text, found)
        if unit.kind == "code" and (asked.person or asked.reason or asked.time):
            fit -= _CODE_COST
        if asked.pairs:
            fit += 0.2 * len(asked.pairs & number_pairs(found)) / len(asked.pairs)
        if asked.person:
            fit += 0.1 if any(w.is_capitalized for w in found[1:]) else -_NO_NAME
        if self._leads_elsewhere(text):
            fit -= _ELSEWHERE
        if asked.reason and _CAUSE.search(text):
            fit += 0.15
        if asked.definition:
            fit += self._fit_of_definition(unit, text)
        return fit


def gives_a_cause(text: str) -> bool:
    """Whether a sentence says why."""
    return _CAUSE.search(text) is not None


def _terms(text: str, bounds: Sequence[tuple[tuple[str, ...], re.Pattern[str]]]) -> frozenset[str]:
    """The content terms; where a bound is said, also the words that ask for it."""
    terms = content_terms(text)
    for asking, said in bounds:
        if said.search(text):
            terms |= frozenset(asking)
    return terms


def _is_form(term: str, word: str) -> bool:
    """Whether one begins with the other, as in "decompress" and "decompression"."""
    if min(len(term), len(word)) < _MIN_STEM or abs(len(term) - len(word)) > _MAX_ENDING:
        return False
    return term.startswith(word) or word.startswith(term)


def _lead_of(unit: Unit) -> str:
    """What the reader sees with every part."""
    lead = unit.lead.text if unit.lead else ""
    return " ".join((lead, unit.label or "", *unit.header))


def _closest(term: str, vocabulary: frozenset[str]) -> str:
    """The word most like a term that no passage has; the term itself if none is."""
    if len(term) < _MIN_FUZZY_LENGTH or term[0].isdigit():
        return term
    near = sorted(word for word in vocabulary if word[0] == term[0])
    return next(iter(get_close_matches(term, near, n=1, cutoff=_FUZZY)), term)

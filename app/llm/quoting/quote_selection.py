"""Chooses what answers: the best unit, and others only when they say more of what was asked."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.domain.models import Passage
from app.llm.quoting.asked import Asked
from app.llm.quoting.quotable_units import Unit
from app.llm.quoting.quote_rendering import Chosen
from app.llm.quoting.unit_scoring import Scored, Scorer, gives_a_cause
from app.text.tokens import content_terms

_MAX_COST: Final = 6
"""Sentences in an answer; a list or table counts as two."""
_MAX_ONE: Final = 2
"""Sentences when one fact was asked for."""
_SEVERAL_SHARE: Final = 0.7
"""Minimum score when several things were asked for, as a share of the best one's."""
_COVERAGE_SHARE: Final = 0.8
_ONE_SHARE: Final = 0.85
_TIE_SHARE: Final = 0.95
_NEW_WEIGHT: Final = 0.2
"""Share of the question that a further sentence must add when one fact was asked for."""
_OTHER_THING: Final = 0.65
_PART_SHARE: Final = 0.8
_NEW_PART: Final = 0.1
_WHOLE_LIST: Final = 0.3
_SAME_SHARE: Final = 0.8
_NAMED_SHARE: Final = 0.5
"""A source that the question seems to name has to answer, too: so well, beside the best of all."""
_MAX_TITLE_WORDS: Final = 12
_REASON_DISTANCE: Final = 2
"""Sentences after the fact in which its reason is looked for."""
_MAX_ADDING_WORDS: Final = 6
_THEN: Final = re.compile(
    r"(?:then|next|after that|afterwards|finally|lastly|once|now|danach|dann|zuletzt)\b",
    re.IGNORECASE,
)
_REFERS_BACK: Final = re.compile(
    r"(?:[\w,]+ ){1,3}(?:this|it|they|these) (?:is|are|was|were|has|have|can|will|may)\b"
    r"|(?:it|its|they|their|them|this|that|these|those|he|she|his|her|such|both|also|however"
    r"|therefore|instead|then|but|and|so|because|either)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A unit, or some parts of it, with the best score among them."""

    unit: int
    parts: tuple[int, ...] | None
    score: float
    own: frozenset[str]
    around: frozenset[str]
    before: frozenset[str] = frozenset()

    @property
    def covered(self) -> frozenset[str]:
        """The query terms that are said here or nearby."""
        return self.own | self.around | self.before


def select(question: str, passages: Sequence[Passage], units: Sequence[Unit]) -> list[Chosen]:
    """What to quote, in the order to write it: what answers best first, then as it is read."""
    asked = Asked.of(question)
    scorer = Scorer(asked, passages, units)
    found = _about_the_thing(asked, scorer, list(_candidates(asked, scorer, units)))
    candidates = _of_the_subject(scorer, units, found)
    candidates = _of_the_section(asked, scorer, units, candidates)
    chosen = _choose(asked, scorer, units, candidates)
    if not asked.one:
        chosen += _going_on(asked, scorer, units, chosen)
    if asked.reason and asked.one:
        chosen += _reasons(units, chosen)
    return _in_order(units, chosen)


def _candidates(asked: Asked, scorer: Scorer, units: Sequence[Unit]) -> Iterator[_Candidate]:
    by_unit: dict[int, list[Scored]] = {}
    for one in scorer.scored():
        by_unit.setdefault(one.unit, []).append(one)
    for index, found in by_unit.items():
        whole = next((one for one in found if one.part is None), None)
        parts = [one for one in found if one.part is not None]
        if whole is None or units[index].kind == "code":
            best = max(parts, key=lambda one: one.score)
            yield _Candidate(index, None, best.score, best.own, best.around, best.before)
        else:
            yield _of_list(asked, scorer, units[index], whole, parts)


def _of_list(
    asked: Asked, scorer: Scorer, unit: Unit, whole: Scored, parts: Sequence[Scored]
) -> _Candidate:
    """The whole list or table, unless the question is about some of its parts."""
    every = _Candidate(whole.unit, None, whole.score, whole.own, whole.around)
    if asked.steps and unit.is_procedure:
        return every
    if asked.several and scorer.names_the_list(unit):
        return every
    specific = [scorer.weight(one.own - one.around) for one in parts]
    best = max(specific)
    is_list = unit.kind == "list" and not unit.header
    is_about = bool(asked.head) and asked.head <= whole.around
    if best == 0 and asked.one and is_list and unit.lead is None:
        return _of_one_item(every, unit, parts)
    if best == 0 or (is_list and (is_about or (asked.several and best < _WHOLE_LIST))):
        return every
    some = _specific_parts(scorer, parts, specific)
    numbers = _with_paragraphs(unit, [one.part for one in some if one.part is not None])
    some = [one for one in parts if one.part in numbers]
    top = max(some, key=lambda one: one.score)
    own = frozenset[str]().union(*(one.own for one in some))
    return _Candidate(
        whole.unit, None if len(numbers) == len(parts) else numbers, top.score, own, top.around
    )


def _of_one_item(every: _Candidate, unit: Unit, parts: Sequence[Scored]) -> _Candidate:
    """The items that answer best, where each is a statement of its own."""
    top = max(parts, key=lambda one: one.score)
    numbers = _with_paragraphs(
        unit,
        [
            one.part
            for one in parts
            if one.part is not None and one.own and one.score >= _TIE_SHARE * top.score
        ],
    )
    if not 0 < len(numbers) < len(parts):
        return every
    return _Candidate(every.unit, numbers, top.score, top.own, top.around)


def _with_paragraphs(unit: Unit, numbers: Sequence[int]) -> tuple[int, ...]:
    """Also what belongs to these items: paragraphs, code and items below them.

    An item is a title, or a question, of the paragraphs after it; and an answer needs its question.
    """
    taken = set(numbers)
    if unit.kind != "list":
        return tuple(sorted(taken))
    for number in numbers:
        head = unit.parts[number]
        if not head.mark:
            before = next((i for i in range(number, -1, -1) if unit.parts[i].mark), number)
            if unit.parts[before].text.endswith("?"):
                taken.add(before)
            continue
        is_title = len(head.text.split()) <= _MAX_TITLE_WORDS
        introduces = head.text.endswith((":", "\uff1a"))
        for following in range(number + 1, len(unit.parts)):
            part = unit.parts[following]
            if not (is_title and not part.mark) and not (introduces and part.depth > head.depth):
                break
            taken.add(following)
    return tuple(sorted(taken))


def _specific_parts(
    scorer: Scorer, parts: Sequence[Scored], specific: Sequence[float]
) -> list[Scored]:
    """Those that are asked about most, and those that are about the rest of the question."""
    best = max(specific)
    taken: set[int] = set()
    covered: frozenset[str] = frozenset()
    for index in sorted(range(len(parts)), key=lambda i: (-specific[i], i)):
        own = parts[index].own - parts[index].around
        if specific[index] >= _PART_SHARE * best or scorer.weight(own - covered) >= _NEW_PART:
            taken.add(index)
            covered |= own
    return [parts[index] for index in sorted(taken)]


def _about_the_thing(
    asked: Asked, scorer: Scorer, candidates: list[_Candidate]
) -> list[_Candidate]:
    """With a lower score for what says nothing of "snappy" in "the speed of snappy"."""
    thing = (asked.terms & scorer.terms) - asked.head
    if not any(thing & one.covered for one in candidates):
        return candidates
    return [
        one if thing & one.covered else replace(one, score=_OTHER_THING * one.score)
        for one in candidates
    ]


def _of_the_subject(
    scorer: Scorer, units: Sequence[Unit], candidates: list[_Candidate]
) -> list[_Candidate]:
    """Without other sources when the question names one, as far as the passages say which."""
    subject = scorer.subject()
    if not subject:
        return candidates

    def named(one: _Candidate) -> float:
        about = scorer.subjects_of(units[one.unit].passage)
        return scorer.weight(subject & (about | one.own | one.around))

    most = max(map(named, candidates), default=0.0)
    about = [one for one in candidates if named(one) >= most - 1e-9]
    best = max((one.score for one in candidates), default=0.0)
    return about if any(one.score >= _NAMED_SHARE * best for one in about) else candidates


def _of_the_section(
    asked: Asked, scorer: Scorer, units: Sequence[Unit], candidates: list[_Candidate]
) -> list[_Candidate]:
    """Only sections whose heading is what is asked ("What are the risks?"), if there are any.

    For one fact, only where that heading is a question.
    """
    subject = scorer.subject()
    aspects = {scorer.terms - subject, (asked.head & scorer.terms) - subject} - {frozenset()}
    within = [
        one
        for one in candidates
        if scorer.last_heading(units[one.unit].passage) - subject in aspects
        and (not asked.one or scorer.heading_asks(units[one.unit].passage))
    ]
    return within or candidates


def _choose(
    asked: Asked, scorer: Scorer, units: Sequence[Unit], candidates: Sequence[_Candidate]
) -> list[_Candidate]:
    ranked = sorted(candidates, key=lambda one: (-one.score, one.unit))
    chosen: list[_Candidate] = []
    section = scorer.section(units[ranked[0].unit].passage) if ranked else None
    for one in ranked:
        if chosen and not _adds(asked, scorer, units, chosen, one):
            continue
        group = [*_context(units, one), one]
        if chosen and asked.steps and section != scorer.section(units[one.unit].passage):
            continue
        chosen += [c for c in group if all(c.unit != other.unit for other in chosen)]
        if asked.steps and units[one.unit].is_procedure:
            break
    return chosen


def _adds(
    asked: Asked,
    scorer: Scorer,
    units: Sequence[Unit],
    chosen: Sequence[_Candidate],
    one: _Candidate,
) -> bool:
    """Whether a further unit answers, too, and says something else."""
    best = chosen[0].score if len(chosen) == 1 else max(other.score for other in chosen)
    share = _ONE_SHARE if asked.one else _SEVERAL_SHARE
    if one.score < share * best or any(_same(units, one, other) for other in chosen):
        return False
    cost = sum(_cost(units[other.unit]) for other in (*chosen, one))
    if cost > (_MAX_ONE if asked.one else _MAX_COST):
        return False
    if not _is_own(asked, scorer, one) or units[one.unit].text.endswith("?"):
        return False
    if not asked.one:
        is_specific = scorer.weight(chosen[-1].own - chosen[-1].around) >= _NEW_WEIGHT
        if not is_specific and asked.head & scorer.terms <= one.around:
            return True
        most = max(scorer.weight(other.covered) for other in chosen)
        return scorer.weight(one.covered) >= _COVERAGE_SHARE * most
    covered = frozenset[str]().union(*(other.own | other.around for other in chosen))
    return one.score >= _TIE_SHARE * best or scorer.weight(one.own - covered) >= _NEW_WEIGHT


def _is_own(asked: Asked, scorer: Scorer, one: _Candidate) -> bool:
    """Whether it says, or stands under, what is asked, not only its subject."""
    aspect = frozenset(scorer.weights) - scorer.subject()
    aspect = (asked.head & aspect) or aspect
    return not aspect or bool(aspect & one.own) or aspect <= one.around


def _cost(unit: Unit) -> int:
    return 1 if unit.kind == "sentence" else 2


def _context(units: Sequence[Unit], one: _Candidate) -> list[_Candidate]:
    """What a sentence that begins with a pronoun such as "They" or "This" refers to."""
    unit, previous = units[one.unit], one.unit - 1
    if unit.kind != "sentence" or previous < 0 or not _REFERS_BACK.match(unit.text):
        return []
    before = units[previous]
    is_whole = before.kind in ("sentence", "code") or len(before.parts) == 1
    if not is_whole or before.passage != unit.passage:
        return []
    if unit.label is not None and before.block != unit.block:
        return []
    return [_Candidate(previous, None, one.score, one.own, one.around)]


def _going_on(
    asked: Asked, scorer: Scorer, units: Sequence[Unit], chosen: Sequence[_Candidate]
) -> list[_Candidate]:
    """What goes on after it: a list that a few words add to a sentence ("You can also:"); in
    instructions also code, and what begins with "Then"."""
    quoted = {one.unit for one in chosen}
    added: list[_Candidate] = []
    for one in chosen:
        section = scorer.section(units[one.unit].passage)
        for number in range(one.unit + 1, len(units)):
            unit = units[number]
            lead = unit.lead.text if unit.lead else ""
            is_added = (
                units[number - 1].kind == "sentence"
                and (unit.kind == "list" or (unit.kind == "code" and asked.steps))
                and 0 < len(lead.split()) <= _MAX_ADDING_WORDS
            )
            is_next = asked.steps and _THEN.match(lead or unit.text) is not None
            is_here = scorer.section(unit.passage) == section
            if number in quoted or not (is_here and (is_added or is_next)):
                break
            quoted.add(number)
            added.append(replace(one, unit=number, parts=None))
    return added


def _reasons(units: Sequence[Unit], chosen: Sequence[_Candidate]) -> list[_Candidate]:
    """The sentences after the fact up to its reason; the next one where none says that it is."""
    quoted = {one.unit for one in chosen}
    if not chosen or any(gives_a_cause(units[number].text) for number in quoted):
        return []
    fact = chosen[0]
    following: list[int] = []
    for number in range(fact.unit + 1, min(fact.unit + 1 + _REASON_DISTANCE, len(units))):
        if not _goes_on(units[fact.unit], units[number]):
            break
        following.append(number)
        if gives_a_cause(units[number].text):
            break
    else:
        following = following[:1]
    if following and not gives_a_cause(units[following[-1]].text):
        following = following[:1]
    return [replace(fact, unit=number, parts=None) for number in following if number not in quoted]


def _goes_on(one: Unit, other: Unit) -> bool:
    """Whether both are sentences of one paragraph or turn."""
    is_prose = one.kind == other.kind == "sentence"
    return is_prose and (one.passage, one.block) == (other.passage, other.block)


def _same(units: Sequence[Unit], one: _Candidate, other: _Candidate) -> bool:
    mine, theirs = content_terms(units[one.unit].text), content_terms(units[other.unit].text)
    return len(mine & theirs) >= _SAME_SHARE * min(len(mine), len(theirs))


def _in_order(units: Sequence[Unit], chosen: Sequence[_Candidate]) -> list[Chosen]:
    """Passage by passage, the one that answers best first; within it as it is read."""
    best: dict[int, float] = {}
    for one in chosen:
        passage = units[one.unit].passage
        best[passage] = max(best.get(passage, one.score), one.score)
    ordered = sorted(chosen, key=lambda one: (-best[units[one.unit].passage], one.unit))
    return [Chosen(units[one.unit], one.parts) for one in ordered]

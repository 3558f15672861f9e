"""Decides whether the evidence answers the question, with a model call only when in doubt."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from app.domain.models import Candidate, Filters
from app.domain.ports import PassageSearch
from app.graph.composition import spoken_of
from app.graph.grading import (
    MAX_KEPT,
    Bonus,
    Grade,
    by_model,
    by_score,
    by_score_of_each,
    is_evidence,
    kept_again,
    size_bonus,
)
from app.graph.prompts import grade_messages
from app.graph.question_kind import asked_for
from app.graph.refusal import MAX_NEAREST
from app.graph.state import MAX_REWRITES, AnswerState, Judge, Node, Part
from app.text.passage_sentences import passage_sentences
from app.text.tokens import content_terms

OUTSIDE_LIMIT = 20


def make_grade(judge: Judge | None, search: PassageSearch, clock: Callable[[], float]) -> Node:
    """Without a judge, or when its reply cannot be read, scores decide; nothing is rewritten."""

    async def grade(state: AnswerState) -> AnswerState:
        began = clock()
        ranked = state["ranked"]
        bonus = size_bonus(state["question"].filters, state["found"].searched_passages)
        verdict = await _verdict(state, judge, bonus)
        decision, final, is_judged = _settled(state, verdict, bonus)
        update: AnswerState = {
            "judge": "model" if is_judged else "score",
            "kept": final.kept if decision == "answer" else (),
            "graded": final.graded,
            "decision": decision,
        }
        if verdict.calls:
            update["model_calls"] = state.get("model_calls", 0) + verdict.calls
        if decision == "rewrite" and not state.get("first"):
            update["first"] = _answerable(state, bonus)
        if judge is None and decision == "answer":
            update["parts"] = _parts(state, bonus)
        if decision == "refuse" and not state.get("queries"):
            update |= _spoken_of(state, quoting=judge is None)
        if update["decision"] == "refuse":
            update["nearest"] = ranked[:MAX_NEAREST]
            update["outside_filter"] = await _count_outside(search, state)
        # The other candidates are not needed again: release them before the answer streams.
        update |= {"found": replace(state["found"], candidates=()), "ranked": (), "dropped": ()}
        if state.get("queries"):
            update["ranked_by_query"] = ()
        if update["decision"] == "answer":
            update["first"] = ()
        update["ms"] = (clock() - began) * 1000
        return update

    return grade


class _Verdict(NamedTuple):
    grade: Grade
    is_judged: bool = False  # by the model
    calls: int = 0


def _settled(
    state: AnswerState, verdict: _Verdict, bonus: Bonus
) -> tuple[Literal["answer", "rewrite", "refuse"], Grade, bool]:
    """What is done, on which verdict, and whether that is the model's.

    Where a later search finds nothing, what was found before it answers.
    """
    decision = _decision(verdict.grade, state.get("attempt", 1))
    carried, first = state.get("carried", ()), state.get("first", ())
    if decision != "answer" and carried:
        return "answer", kept_again(carried), False
    ranked = state["ranked"]
    if decision == "refuse" and first and not any(is_evidence(c, bonus) for c in ranked):
        grade = by_score(first, force=True, bonus=bonus)
        return "answer" if grade.kept else "refuse", grade, False
    return decision, verdict.grade, verdict.is_judged


async def _verdict(state: AnswerState, judge: Judge | None, bonus: Bonus) -> _Verdict:
    ranked = state["ranked"]
    verdict = _by_score(state, force=judge is None, bonus=bonus)
    if verdict.decision != "unsure" or judge is None:
        return _Verdict(verdict)
    reply = await judge(grade_messages(state["standalone"], ranked))
    if reply is None:
        # It may still be loading: whether the passages answer is left to the answer.
        return _Verdict(replace(verdict, decision="answer"), calls=1)
    if (judged := by_model(ranked, reply, limit=_limit(state))) is not None:
        return _Verdict(judged, is_judged=True, calls=1)
    return _Verdict(_by_score(state, force=True, bonus=bonus), calls=1)


def _by_score(state: AnswerState, *, force: bool, bonus: Bonus) -> Grade:
    if by_query := state.get("ranked_by_query"):
        unknown = state["unknown_by_query"]
        return by_score_of_each(
            state["ranked"], by_query, unknown=unknown, force=force, bonus=bonus
        )
    return by_score(state["ranked"], force=force, bonus=bonus, unknown=state["found"].unknown)


def _limit(state: AnswerState) -> int:
    """How many passages a model may keep: of several searches all that it was shown."""
    return len(state["ranked"]) if state.get("queries") else MAX_KEPT


def _parts(state: AnswerState, bonus: Bonus) -> tuple[Part, ...]:
    """What each query found, by scores."""
    if not (queries := state.get("queries")):
        return ()
    each = zip(queries, state["ranked_by_query"], state["unknown_by_query"], strict=True)
    return tuple(_part(query, ranked, unknown, bonus) for query, ranked, unknown in each)


def _part(query: str, ranked: Sequence[Candidate], unknown: Sequence[str], bonus: Bonus) -> Part:
    kept = by_score(ranked, force=True, bonus=bonus, unknown=unknown).kept
    nearest = () if kept else tuple(ranked[:MAX_NEAREST])
    return Part(query, frozenset(one.passage.passage_id for one in kept), nearest)


def _spoken_of(state: AnswerState, *, quoting: bool) -> AnswerState:
    """A broad question ("What are the risks?") is answered by what names its subject."""
    asked = asked_for(state["question"].text)
    terms = content_terms(asked.subject)
    if asked.kind != "section" or not terms:
        return {}
    naming = tuple(
        one
        for one in (*state["ranked"], *state["dropped"])
        if any(
            terms <= content_terms(sentence.span.of(one.passage.text))
            for sentence in passage_sentences(one.passage)
        )
    )[:MAX_KEPT]
    if not naming:
        return {}
    update: AnswerState = {"decision": "answer", "kept": naming}
    if quoting:
        made = spoken_of(asked.subject, [one.passage for one in naming])
        update["composed"] = made.text
    return update


def _answerable(state: AnswerState, bonus: Bonus) -> tuple[Candidate, ...]:
    """The candidates accepted by score alone; empty when the score refuses."""
    unknown = state["found"].unknown
    grade = by_score(state["ranked"], force=True, bonus=bonus, unknown=unknown)
    return grade.kept if grade.decision == "answer" else ()


async def _count_outside(search: PassageSearch, state: AnswerState) -> int | None:
    """How many passages the filter hides that look good enough; None without a filter.

    Those that were found within it do not count: the judge may have refused them.
    """
    question = state["question"]
    if question.filters.empty:
        return None
    found = await search.search(
        question.principal, state["query"], filters=Filters(), limit=OUTSIDE_LIMIT
    )
    within = {candidate.passage.passage_id for candidate in state["found"].candidates}
    return sum(
        is_evidence(candidate)
        for candidate in found.candidates
        if candidate.passage.passage_id not in within
    )


def _decision(verdict: Grade, attempt: int) -> Literal["answer", "rewrite", "refuse"]:
    if verdict.decision != "unsure":
        return verdict.decision
    return "rewrite" if attempt <= MAX_REWRITES else "refuse"

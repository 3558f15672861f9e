"""Decides whether the evidence answers the question, with a model call only when in doubt."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from app.domain.models import Candidate, Filters
from app.domain.ports import PassageSearch
from app.graph.composition import spoken_of
from app.graph.grading import MAX_KEPT, Grade, by_model, by_score, filter_bonus, is_evidence
from app.graph.prompts import grade_messages
from app.graph.question_kind import asked_for
from app.graph.refusal import MAX_NEAREST
from app.graph.state import MAX_REWRITES, AnswerState, Judge, Node
from app.text.passage_sentences import passage_sentences
from app.text.tokens import content_terms

OUTSIDE_LIMIT = 20


def make_grade(judge: Judge | None, search: PassageSearch, clock: Callable[[], float]) -> Node:
    """Without a judge, or when its reply cannot be read, scores decide; nothing is rewritten."""

    async def grade(state: AnswerState) -> AnswerState:
        began = clock()
        ranked = state["ranked"]
        bonus = filter_bonus(state["question"].filters, state["found"].searched_passages)
        verdict = by_score(ranked, force=judge is None, bonus=bonus)
        judged: Grade | None = None
        if verdict.decision == "unsure" and judge is not None:
            reply = await judge(grade_messages(state["standalone"], ranked))
            judged = by_model(ranked, reply) if reply is not None else None
            if reply is None:
                # It may still be loading: whether the passages answer is left to the answer.
                verdict = replace(verdict, decision="answer")
            elif judged is None:
                verdict = by_score(ranked, force=True, bonus=bonus)
        final = judged or verdict
        decision = _decision(final, state.get("attempt", 1))
        first = state.get("first", ())
        if decision == "refuse" and first and not any(is_evidence(c, bonus) for c in ranked):
            # The rewritten query found nothing: use the results of the original question.
            final, judged = by_score(first, force=True, bonus=bonus), None
            decision = "answer" if final.kept else "refuse"
        update: AnswerState = {
            "judge": "model" if judged else "score",
            "kept": final.kept if decision == "answer" else (),
            "graded": final.graded,
            "decision": decision,
        }
        if decision == "rewrite" and not first:
            update["first"] = _answerable(ranked, bonus)
        if decision == "refuse":
            update |= _spoken_of(state, quoting=judge is None)
        if update["decision"] == "refuse":
            update["nearest"] = ranked[:MAX_NEAREST]
            update["outside_filter"] = await _count_outside(search, state)
        # The other candidates are not needed again: release them before the answer streams.
        update |= {"found": replace(state["found"], candidates=()), "ranked": (), "dropped": ()}
        if update["decision"] == "answer":
            update["first"] = ()
        update["ms"] = (clock() - began) * 1000
        return update

    return grade


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


def _answerable(ranked: Sequence[Candidate], bonus: float) -> tuple[Candidate, ...]:
    """The candidates accepted by score alone; empty when the score refuses."""
    grade = by_score(ranked, force=True, bonus=bonus)
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

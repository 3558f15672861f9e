"""Computes with the rows of a spreadsheet when the question asks for it."""

import asyncio
from collections.abc import Callable
from typing import Final

from app.domain.models import Candidate
from app.domain.ports import Library
from app.graph.state import AnswerState, Node, Plan
from app.graph.table_answers import table_answer
from app.graph.table_questions import may_compute

MAX_SOURCES: Final = 3


def make_tabulate(library: Library, clock: Callable[[], float]) -> Node:
    """Sets `composed`, `kept` and `plan` when one table answers; otherwise nothing changes."""

    async def tabulate(state: AnswerState) -> AnswerState:
        began = clock()
        question = state["question"]
        asked = state.get("standalone", question.text)
        for source_id in table_sources(state):
            passages = await library.passages(question.principal, source_id)
            made = await asyncio.to_thread(table_answer, asked, passages)
            if made is not None:
                return {
                    "plan": Plan("table", ((source_id, passages[0].title),)),
                    "composed": made.text,
                    "kept": tuple(
                        Candidate(passage=one, score=1.0, cosine=1.0, bm25=0.0, coverage=1.0)
                        for one in made.passages
                    ),
                    "ms": (clock() - began) * 1000,
                }
        return {}

    return tabulate


def table_sources(state: AnswerState) -> list[str]:
    """The sources whose rows are among what was found, if something is to be computed."""
    question = state["question"]
    if not may_compute(state.get("standalone", question.text)) or question.continues:
        return []
    found = (*state.get("kept", ()), *state.get("nearest", ()))
    rows = [
        one.passage.source_id
        for one in found
        if any(span.kind == "row" for span in one.passage.structure)
    ]
    return list(dict.fromkeys(rows))[:MAX_SOURCES]

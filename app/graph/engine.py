"""The answer engine: one compiled graph, driven with `astream_events` v2.

Version 2 on purpose: closing or cancelling its iterator closes the model's socket at once; version
3 lets the upstream run on, version 1 costs ten times as much per token.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import datetime
from typing import cast

from langchain_core.callbacks import BaseCallbackManager
from langchain_core.messages import BaseMessage
from langchain_core.runnables.schema import StreamEvent

from app.domain.events import Stage, Token
from app.domain.models import Candidate
from app.domain.ports import Upstream, current_upstream
from app.domain.stored import numbered_passages, searched_query
from app.graph.build import AnswerGraph
from app.graph.query_contextualization import is_follow_up
from app.graph.question_parts import as_question
from app.graph.state import MAX_REWRITES, AnswerState
from app.graph.sub_questions import sub_questions
from app.graph.translate import Translator, stock_token
from app.runs.ports import EngineResult, Evidence, Question

MAX_SHORTENINGS = 12  # each by 15 % at least
RECURSION_LIMIT = 10 + 4 * MAX_REWRITES + MAX_SHORTENINGS


class GraphEngine:
    """Implements `AnswerEngine`."""

    def __init__(
        self,
        graph: AnswerGraph,
        *,
        model_name: str,
        now: Callable[[], datetime],
        text_of: Callable[[BaseMessage], str],
        expect: Callable[[str], None] = lambda text: None,
        normalize_markers: bool = True,
        max_prompt_tokens: Callable[[], int | None] = lambda: None,
        make_callbacks: Callable[[], BaseCallbackManager | None] = lambda: None,
        make_token: Callable[[str, str], Token] = stock_token,
    ) -> None:
        """`expect` is called with text that will probably be searched soon.

        `max_prompt_tokens`: what the model takes, as far as that is known now.

        `normalize_markers`: rewrite markers to `[n]`; False when answers are quotes.
        `make_callbacks` gives the callback manager of one run, None for LangChain's own;
        `make_token` an event of text and timestamp.
        """
        self._graph = graph
        self._model_name = model_name
        self._now = now
        self._text_of = text_of
        self._expect = expect
        self._normalize_markers = normalize_markers
        self._max_prompt_tokens = max_prompt_tokens
        self._make_callbacks = make_callbacks
        self._make_token = make_token

    @property
    def model_name(self) -> str:
        return self._model_name

    def expect(self, text: str) -> None:
        """The first of several questions; one that leans on others is searched with their words."""
        if parts := sub_questions(text):
            text = as_question(parts[0])
        if not is_follow_up(text):
            self._expect(text)

    async def answer(
        self, question: Question, evidence: Evidence
    ) -> AsyncGenerator[Stage | Token | EngineResult, None]:
        translator = Translator(
            question,
            evidence,
            upstream=current_upstream.get() or Upstream(),
            now=self._now,
            text_of=self._text_of,
            normalize_markers=self._normalize_markers,
            make_token=self._make_token,
        )
        events = cast(
            "AsyncGenerator[StreamEvent, None]",
            self._graph.astream_events(
                _entry_state(question, self._max_prompt_tokens()),
                config={"recursion_limit": RECURSION_LIMIT, "callbacks": self._make_callbacks()},
                version="v2",
                # Nothing: the first update of the graph would be held as long as it runs, and with
                # it the passages that were not used.
                stream_mode=[],
            ),
        )
        async with aclosing(events):
            async for event in events:
                for item in translator.events(event):
                    yield item
        if translator.ended is not None:
            yield translator.ended


def _entry_state(question: Question, max_prompt_tokens: int | None) -> AnswerState:
    """An answer that reuses passages starts at `generate`, with their numbers."""
    state: AnswerState = {"question": question, "max_prompt_tokens": max_prompt_tokens}
    if kept := _reused_passages(question):
        state["kept"] = kept
        state["standalone"] = searched_query(question.reused_evidence) or question.text
    return state


def _reused_passages(question: Question) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(passage=passage, score=1.0, cosine=1.0, bm25=0.0, coverage=1.0)
        for passage in numbered_passages(question.reused_evidence)
    )

"""Graph events (`astream_events` v2) into domain events. One instance per answer.

Stages come from the nodes' starts and ends, tokens only from the chat model inside `generate`: the
model calls of `grade` and `rewrite` never leak into the answer. Text from upstream has NUL and lone
surrogates replaced, a trailing unfinished marker is withheld until it is whole, and markers in
other forms become `[n]`.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast

from langchain_core.messages import BaseMessage
from langchain_core.runnables.schema import StreamEvent

from app.domain.encoding import clean_text, timestamp
from app.domain.events import Reset, ResetPayload, Stage, Token
from app.domain.ports import DELTAS, REASONING, RETRACTED, Upstream
from app.graph import stage_events as stages
from app.graph.marker_buffer import MarkerBuffer
from app.graph.prompt_fitting import fit_state
from app.graph.reasoning import Reasoning
from app.graph.state import AnswerState
from app.runs.ports import EngineResult, Evidence, Question

log = logging.getLogger(__name__)


def stock_token(text: str, timestamp: str) -> Token:
    """A token event. There are thousands a second, so nothing is validated."""
    return Token.model_construct(content=text, timestamp=timestamp)


class Translator:
    """Call `events` for each graph event in order, then `end`."""

    def __init__(
        self,
        question: Question,
        evidence: Evidence,
        *,
        upstream: Upstream,
        now: Callable[[], datetime],
        text_of: Callable[[BaseMessage], str],
        normalize_markers: bool,
        make_token: Callable[[str, str], Token] = stock_token,
    ) -> None:
        """`normalize_markers`: markers that a model writes in other ways become `[n]`.

        `make_token` gets text and timestamp.
        """
        self._question = question
        self._evidence = evidence
        self._upstream = upstream
        self._now = now
        self._text_of = text_of
        self._normalize_markers = normalize_markers
        self._make_token = make_token
        self._markers = MarkerBuffer()
        self._reasoning_stage = Reasoning(now)
        self._streamed = False
        self._emitted: list[str] = []  # what may turn out to have been a thought
        self._debug = log.isEnabledFor(logging.DEBUG)
        self._attempt = 0
        self._generates = False
        self.ended: EngineResult | None = None

    def events(self, event: StreamEvent) -> Iterable[Stage | Token]:
        """What one graph event means to a viewer; mostly nothing, or one token."""
        kind = event["event"]
        if self._debug:
            log.debug("%s %s", kind, event["name"])
        node = event.get("metadata", {}).get("langgraph_node")
        if kind == "on_chat_model_stream":
            return self._delta(event["data"]["chunk"]) if node == "generate" else ()
        if node == "generate" and kind.startswith("on_chat_model_"):
            return self._call(kind, event["data"])
        if event["name"] != node:
            return ()
        if kind == "on_chain_start":
            return self._started(node, event["data"])
        if kind == "on_chain_end":
            return self._completed(node, cast("AnswerState", event["data"]["output"]))
        return ()

    def continued_text(self) -> Sequence[Token]:
        """The text of the answer that this one continues, as its first token."""
        return self._text(self._question.continues) if self._question.continues else ()

    def _call(self, kind: str, data: Mapping[str, object]) -> Iterator[Stage | Token]:
        """A call of the model begins, or has ended: thoughts that were not streamed come then."""
        if kind == "on_chat_model_start":
            self._reasoning_stage.forget()
            self._streamed = False
            return
        output = data.get("output")
        if isinstance(output, BaseMessage) and not self._streamed:
            yield from self._reasoning_stage.add(_thought(output))

    def _delta(self, chunk: BaseMessage) -> Iterable[Stage | Token]:
        self._streamed = True
        text = self._text_of(chunk)
        if chunk.additional_kwargs or RETRACTED in chunk.response_metadata:
            return self._reasoning(chunk)
        if not text:
            return ()
        self._upstream.deltas += chunk.response_metadata.get(DELTAS, 1)
        if self._reasoning_stage.open:
            return [*self._reasoning_stage.complete(), *self._text(text)]
        return self._text(text)

    def _reasoning(self, chunk: BaseMessage) -> Iterator[Stage | Token]:
        if RETRACTED in chunk.response_metadata:
            retracted = "".join(self._emitted) + self._markers.flush()
            self._markers = MarkerBuffer(self._markers.passages)
            self._emitted, self._evidence.withheld = [], ""
            yield Reset(content=ResetPayload(text="", citations=()), timestamp=self._timestamp())
            yield from self.continued_text()
            self._emitted = []
            yield from self._reasoning_stage.add(retracted)
        yield from self._reasoning_stage.add(_thought(chunk))

    def _text(self, text: str) -> Sequence[Token]:
        shown = self._markers.feed(clean_text(text))
        self._evidence.withheld = self._markers.withheld
        if not shown:
            return ()
        self._emitted.append(shown)
        return (self._make_token(shown, self._timestamp()),)

    def _timestamp(self) -> str:
        return timestamp(self._now())

    def _started(self, node: str, data: Mapping[str, object]) -> Iterator[Stage | Token]:
        match node:
            case "retrieve":
                self._attempt += 1
                yield stages.retrieval_start(self._attempt, self._timestamp())
            case "rerank":
                yield stages.reranking_start(self._timestamp())
            case "grade":
                yield stages.grading_start(self._timestamp())
            case "rewrite":
                yield stages.rewriting_start(self._timestamp())
            case "generate":
                yield from self._generating(cast("AnswerState", data["input"]))
            case _:
                return

    def _generating(self, state: AnswerState) -> Iterator[Stage | Token]:
        prompt = fit_state(state)
        self._evidence.passages = tuple(c.passage for c in prompt.kept)
        self._markers = MarkerBuffer(len(prompt.kept) if self._normalize_markers else 0)
        yield stages.generation_start(prompt.kept, prompt.omitted, self._timestamp())
        if not self._generates:
            yield from self.continued_text()
        self._generates = True
        self._emitted = []

    def _completed(self, node: str, output: AnswerState) -> Iterator[Stage | Token]:
        match node:
            case "plan" | "tabulate" | "decompose":
                if "plan" in output and output["plan"].kind != "lookup":
                    yield stages.planning_complete(output, self._timestamp())
            case "retrieve":
                yield stages.retrieval_complete(output, self._question.filters, self._timestamp())
            case "rerank":
                yield stages.reranking_complete(output, self._timestamp())
            case "grade":
                yield stages.grading_complete(output, self._timestamp())
            case "rewrite":
                yield stages.rewriting_complete(output, self._timestamp())
            case "generate":
                yield from self._generated(output)
            case _:
                return

    def _generated(self, output: AnswerState) -> Iterator[Stage | Token]:
        if "ended" not in output:  # the prompt was refused for its length
            return
        if self._reasoning_stage.open:
            yield from self._reasoning_stage.complete()
        if text := output.get("text"):
            self._upstream.deltas += 1
            yield from self._text(text)
        held = self._markers.flush()
        self._evidence.withheld = ""
        if held:
            yield self._make_token(held, self._timestamp())
        if closing := output.get("closing"):
            yield self._make_token(closing, self._timestamp())
        self.ended = output["ended"]


def _thought(message: BaseMessage) -> str:
    thought = message.additional_kwargs.get(REASONING)
    return clean_text(thought) if isinstance(thought, str) else ""

"""Getting one answer out of a model: how long to wait, when to try again, when it is whole.

Runs inside a LangGraph node driven by `astream_events(version="v2")`: the tokens surface there as
`on_chat_model_stream` events of the call made here, and only the answer that could not be streamed
travels in the returned text.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.runnables import Runnable

from app.domain.errors import RunFailure, release_frames
from app.domain.models import FinishReason, Passage, Usage
from app.domain.ports import ENDED, RETRACTED
from app.llm import failures
from app.llm.answer_model import AnswerModel
from app.llm.failures import MODEL_ERRORS, UpstreamFailure, classify
from app.llm.finish_reasons import Reason, meaning
from app.llm.fitting import fitted, prompt_tokens, without_oldest_turn

log = logging.getLogger(__name__)

Messages = Sequence[BaseMessage | tuple[str, str]]
"""A prompt: LangChain messages, or (role, text) pairs."""

_AFTER_FINISH_S = 2.0
"""The answer is whole once `finish_reason` came; only its usage is still worth waiting for."""
_LOOK_AGAIN_S = 2.0
_TIMER_SLACK = 0.02
"""Of the patience: how much later than that silence may be noticed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """Seconds of upstream silence allowed, and how often a failed start is tried again.

    `first_token_s` covers all streamed attempts up to the first frame of any kind; `idle_s` is
    between frames. The attempt without streaming is one silence and gets both together.
    """

    first_token_s: float
    idle_s: float
    attempts: int = 3
    backoff_s: float = 0.25


@dataclass(frozen=True, slots=True)
class CallResult:
    """How the answer ended. `text` is all of it; when not `streamed`, no event carried it."""

    finish_reason: FinishReason
    usage: Usage | None  # None: the model did not report it
    streamed: bool
    text: str


@dataclass(slots=True)
class _Answer:
    """What has arrived of one attempt.

    Some services put a finish reason on every chunk: text after one takes it back, and one that
    came with text, or that nothing but such text came before, is believed only once the stream has
    ended as it should.
    """

    parts: list[str] = field(default_factory=list)
    reason: Reason | None = None
    usage: Usage | None = None
    ended: bool = False  # the service said so, with a reason or without
    proven: bool = False  # the reason needs no end of the stream beside it
    _plain: bool = False  # text came that no reason came with
    _taken_back: bool = False

    def add(self, message: BaseMessage) -> None:
        metadata = message.response_metadata
        if text := answer_text(message):
            self.parts.append(text)
        reason = meaning(metadata["finish_reason"]) if "finish_reason" in metadata else None
        if reason is None and text:
            self._plain = True
            if self.reason is not None and text.strip():
                self.reason, self._taken_back = None, True
        elif reason is not None:
            self.reason = reason
            self.proven = self._plain and not text and not self._taken_back
        if RETRACTED in metadata:
            self.parts.clear()
        self.ended = self.ended or ENDED in metadata
        self.usage = usage_of(message) or self.usage

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def forgives(self, trouble: UpstreamFailure) -> bool:
        """Whether the answer was whole before this happened."""
        if self.reason is None or trouble.failure.code != "TIMEOUT":
            return self.reason is not None and self.proven
        return self.proven or (self._plain and not self._taken_back)

    def trouble(self) -> UpstreamFailure | None:
        """Why this is not a complete answer, None when it is."""
        if self.reason == "error" or (self.reason is None and not self.ended):
            return failures.truncated()
        if self.text.strip():
            return None
        if self.reason == "content_filter":
            return failures.filtered()
        return failures.empty(self.reason or "stop")

    def end(self, *, streamed: bool) -> CallResult:
        reason = self.reason if self.reason in ("length", "content_filter") else "stop"
        return CallResult(reason, self.usage, streamed, self.text)


def answer_text(message: BaseMessage) -> str:
    """The part of a message that belongs to the answer: no reasoning, no tool calls."""
    content = message.content
    if isinstance(content, str):
        return content
    return "".join(part if isinstance(part, str) else _part_text(part) for part in content)


def _part_text(part: dict[str, object]) -> str:
    text = part.get("text")
    return text if part.get("type") in ("text", "output_text") and isinstance(text, str) else ""


def usage_of(message: BaseMessage) -> Usage | None:
    """Tokens as the model reported them, None when this message says nothing of them."""
    usage = message.usage_metadata if isinstance(message, AIMessage) else None
    if not usage:
        return None
    return Usage(
        input_tokens=usage["input_tokens"], output_tokens=usage["output_tokens"], estimated=False
    )


async def stream_answer(
    model: AnswerModel,
    messages: Messages,
    *,
    passages: Sequence[Passage],
    question: str,
    limits: AnswerLimits,
    said: str = "",
    jitter: Callable[[], float] = random.random,
) -> CallResult:
    """One answer; `passages[n - 1]` is what `[n]` means, `said` the text it continues.

    A failure before the first token is retried with backoff within `limits.first_token_s`, then
    tried once without streaming; after it, or when nothing helps, raises `RunFailure`. Cancelling
    closes the model's socket. `jitter` gives numbers in 0..1.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.first_token_s
    call = _Call(model, model.answering(passages, question=question, said=said), list(messages))
    call = call.fitting()
    attempt = waits = 1
    refused: UpstreamFailure | None = None
    while True:
        outcome = await call.streamed(limits, deadline)
        if isinstance(outcome, CallResult):
            return outcome
        if refused is not None and outcome.failure.code == "TIMEOUT":
            # The retry was given only what was left of the time; what the service said counts.
            raise refused.failure
        refused = outcome
        if outcome.again == "shorter":
            call = call.shorter(outcome)
            continue
        if outcome.again == "wait":
            if loop.time() + _LOOK_AGAIN_S >= deadline:
                raise outcome.failure
            await asyncio.sleep(_look_again_s(waits))
            waits += 1
            continue
        backoff = limits.backoff_s * 3 ** (attempt - 1) * (1 + jitter())
        wait_s = backoff if outcome.wait_s is None else outcome.wait_s
        in_time = loop.time() + wait_s < deadline
        if outcome.again != "retry" or attempt >= limits.attempts or not in_time:
            break
        attempt += 1
        await asyncio.sleep(wait_s)
    asked_to_wait = outcome.wait_s is not None and not in_time
    if outcome.again == "no" or asked_to_wait or loop.time() >= deadline:
        raise outcome.failure
    return await call.unstreamed(limits.first_token_s + limits.idle_s)


async def ask(
    model: AnswerModel, messages: Messages, *, timeout_s: float, load_s: float = 0.0
) -> str | None:
    """A short internal question to the model, never streamed; None when it cannot be answered.

    A model that may have to be loaded first is given at least `load_s`: giving up earlier would
    make some servers begin anew.
    """
    limit_s = max(timeout_s, load_s) if model.quirks.is_cold else timeout_s
    deadline = asyncio.get_running_loop().time() + max(timeout_s, load_s)
    call = _Call(model, model.chat, list(messages)).fitting()
    try:
        return await call.answered(limit_s, deadline)
    except RunFailure:
        return None
    except Exception:  # a mistake of ours, which must not cost the answer
        log.exception("An internal question to model %s failed", model.name)
        return None


def _look_again_s(waits: int) -> float:
    """Between two looks at a model that is being loaded."""
    return min(_LOOK_AGAIN_S, 0.1 * 2.0**waits)


@dataclass(frozen=True, slots=True)
class _Call:
    model: AnswerModel
    chat: Runnable[LanguageModelInput, AIMessage]
    messages: list[BaseMessage | tuple[str, str]]

    def fitting(self) -> "_Call":
        """Without the oldest turns, where a prompt of this length was refused before."""
        most = self.model.quirks.most_tokens
        return self if most is None else replace(self, messages=fitted(self.messages, most))

    def shorter(self, trouble: UpstreamFailure) -> "_Call":
        """After a refusal for its length. Raises `RunFailure` when nothing can be left out."""
        quirks = self.model.quirks
        quirks.refuse(prompt_tokens(self.messages), trouble.said)
        messages = fitted(self.messages, quirks.most_tokens or 0)
        if len(messages) == len(self.messages):
            messages = without_oldest_turn(self.messages)
        if len(messages) == len(self.messages):
            raise trouble.failure
        log.info(
            "Model %s takes no prompt of this length: asked without oldest turns", self.model.name
        )
        return replace(self, messages=messages)

    async def streamed(self, limits: AnswerLimits, deadline: float) -> CallResult | UpstreamFailure:
        """An attempt as a stream. Raises `RunFailure` once a token was sent."""
        answer = _Answer()
        # A task of its own: a token would wake everything that waits for this, from the graph down.
        reading = asyncio.ensure_future(self._read(answer, limits, deadline))  # noqa: TID251 - over before this returns
        trouble = await reading
        if trouble is not None and answer.forgives(trouble):
            trouble = None
        trouble = trouble or answer.trouble()
        if answer.parts:
            self.model.quirks.answered()
        if trouble is None:
            return answer.end(streamed=True)
        if answer.parts:
            raise trouble.failure
        return trouble

    async def _read(
        self, answer: _Answer, limits: AnswerLimits, deadline: float
    ) -> UpstreamFailure | None:
        now = asyncio.get_running_loop().time
        patience = limits.first_token_s
        try:
            async with asyncio.timeout_at(deadline) as timer, aclosing(self._chunks()) as chunks:
                async for chunk in chunks:
                    answer.add(chunk)
                    patience = _AFTER_FINISH_S if answer.proven and answer.reason else limits.idle_s
                    until, when = now() + patience, timer.when()
                    # A new timer for every token would cost more than it is worth.
                    if when is None or not until <= when <= until + _TIMER_SLACK * patience:
                        timer.reschedule(until + _TIMER_SLACK * patience)
        except TimeoutError:
            return failures.silent(patience)
        except MODEL_ERRORS as error:
            return self._trouble(error, partial=bool(answer.parts))
        return None

    def _chunks(self) -> AsyncGenerator[AIMessageChunk, None]:
        return cast("AsyncGenerator[AIMessageChunk, None]", self.chat.astream(self.messages))

    async def unstreamed(self, timeout_s: float) -> CallResult:
        """The attempt without streaming. Raises `RunFailure`."""
        answer = await self._whole(timeout_s, deadline=0)
        trouble = answer.trouble()
        if trouble is not None:
            raise trouble.failure
        return answer.end(streamed=False)

    async def answered(self, timeout_s: float, deadline: float) -> str:
        """The text of one call. Raises `RunFailure`."""
        return (await self._whole(timeout_s, deadline)).text

    async def _whole(self, timeout_s: float, deadline: float) -> _Answer:
        """One call that succeeds; until `deadline` a model that is being loaded is waited for."""
        call, waits = self, 1
        while True:
            answer = _Answer()
            trouble = await call.invoke(answer, timeout_s)
            if trouble is None:
                return answer
            if trouble.again == "shorter":
                call = call.shorter(trouble)
            elif trouble.again == "wait" and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(_look_again_s(waits))
                waits += 1
            else:
                raise trouble.failure

    async def invoke(self, answer: _Answer, timeout_s: float) -> UpstreamFailure | None:
        """Fill `answer` by one call. Under `astream_events` only `stream=False` prevents events."""
        try:
            async with asyncio.timeout(timeout_s):
                answer.add(await self.chat.ainvoke(self.messages, stream=False))
                self.model.quirks.answered()
        except TimeoutError:
            return failures.silent(timeout_s)
        except MODEL_ERRORS as error:
            return self._trouble(error)
        return None

    def _trouble(self, error: Exception, *, partial: bool = False) -> UpstreamFailure:
        trouble = classify(
            error,
            key_setting=self.model.key_setting,
            has_key=self.model.has_key,
            partial=partial,
        )
        log.warning(
            "Call of model %s failed: %s, status %s",
            self.model.name,
            type(error).__name__,
            getattr(error, "status_code", None),
        )
        release_frames(error)
        return trouble

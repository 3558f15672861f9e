"""Requests one answer from a model: timeouts, retries, and whether the answer is complete.

Runs inside a LangGraph node driven by `astream_events(version="v2")`: tokens surface there as
`on_chat_model_stream` events of the call made here. Only an answer that could not be streamed is
returned as text.
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

from app.domain.errors import PromptTooLong, RunFailure, release_frames
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
"""The answer is complete once `finish_reason` has arrived; only its usage may still follow."""
_MAX_LOAD_POLL_S = 2.0
_TIMER_SLACK = 0.02
"""Share of a timeout by which it may fire late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerLimits:
    """Seconds of upstream silence allowed, and the number of attempts to start.

    `first_token_s` covers all streamed attempts up to the first frame of any kind; `idle_s` is
    between frames. The attempt without streaming may take the sum of both.
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
    """The data received in one attempt.

    Some services put a finish reason on every chunk: later text retracts it, and a reason that
    arrived together with text, or only after such text, counts only once the stream has ended
    properly.
    """

    parts: list[str] = field(default_factory=list)
    reason: Reason | None = None
    usage: Usage | None = None
    ended: bool = False  # the service ended the stream, with or without a reason
    is_final: bool = False  # the reason counts without a proper end of the stream
    _has_plain_text: bool = False  # text arrived without a reason
    _is_retracted: bool = False

    def add(self, message: BaseMessage) -> None:
        metadata = message.response_metadata
        if text := answer_text(message):
            self.parts.append(text)
        reason = meaning(metadata["finish_reason"]) if "finish_reason" in metadata else None
        if reason is None and text:
            self._has_plain_text = True
            if self.reason is not None and text.strip():
                self.reason, self._is_retracted = None, True
        elif reason is not None:
            self.reason = reason
            self.is_final = self._has_plain_text and not text and not self._is_retracted
        if RETRACTED in metadata:
            self.parts.clear()
        self.ended = self.ended or ENDED in metadata
        self.usage = usage_of(message) or self.usage

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def outweighs(self, failure: UpstreamFailure) -> bool:
        """Whether the answer was complete before this failure."""
        if self.reason is None or failure.run_failure.code != "TIMEOUT":
            return self.reason is not None and self.is_final
        return self.is_final or (self._has_plain_text and not self._is_retracted)

    def failure(self) -> UpstreamFailure | None:
        """Why the answer is incomplete; None when it is complete."""
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
    """The usage reported in this message; None without one."""
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
    prefix: str = "",
    quote: str | None = None,
    drops_turns: bool = True,
    jitter: Callable[[], float] = random.random,
) -> CallResult:
    """One answer; `passages[n - 1]` is what `[n]` means, `prefix` the text it continues.

    `quote`: what quoting mode answers, if that was chosen already. A prompt that is refused for its
    length loses its oldest turns; with `drops_turns=False` it raises `PromptTooLong` instead.

    A failure before the first token is retried with backoff within `limits.first_token_s`, then
    tried once without streaming; after it, or when nothing helps, raises `RunFailure`. Cancelling
    closes the model's socket. `jitter` gives numbers in 0..1.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + limits.first_token_s
    chat = model.answering(passages, question=question, prefix=prefix, quote=quote)
    call = _Call(model, chat, list(messages), drops_turns=drops_turns)
    call = call.fitting()
    attempt = waits = 1
    refused: UpstreamFailure | None = None
    while True:
        outcome = await call.streamed(limits, deadline)
        if isinstance(outcome, CallResult):
            return outcome
        if refused is not None and outcome.run_failure.code == "TIMEOUT":
            # The retry had only the remaining time: report the first failure.
            raise refused.run_failure
        refused = outcome
        if outcome.recovery == "shorter":
            call = call.shorter(outcome)
            continue
        if outcome.recovery == "wait":
            if loop.time() + _MAX_LOAD_POLL_S >= deadline:
                raise outcome.run_failure
            await asyncio.sleep(_load_poll_s(waits))
            waits += 1
            continue
        backoff = limits.backoff_s * 3 ** (attempt - 1) * (1 + jitter())
        wait_s = backoff if outcome.wait_s is None else outcome.wait_s
        in_time = loop.time() + wait_s < deadline
        if outcome.recovery != "retry" or attempt >= limits.attempts or not in_time:
            break
        attempt += 1
        await asyncio.sleep(wait_s)
    asked_to_wait = outcome.wait_s is not None and not in_time
    if outcome.recovery == "no" or asked_to_wait or loop.time() >= deadline:
        raise outcome.run_failure
    return await call.unstreamed(limits.first_token_s + limits.idle_s)


async def ask(
    model: AnswerModel, messages: Messages, *, timeout_s: float, load_s: float = 0.0
) -> str | None:
    """A short internal request to the model, never streamed; None on failure.

    A model that may still be loading is given at least `load_s`: with an earlier timeout some
    servers would start loading again.
    """
    limit_s = max(timeout_s, load_s) if model.quirks.is_cold else timeout_s
    deadline = asyncio.get_running_loop().time() + max(timeout_s, load_s)
    call = _Call(model, model.chat, list(messages)).fitting()
    try:
        return await call.answered(limit_s, deadline)
    except RunFailure:
        return None
    except Exception:  # a bug must not fail the answer
        log.exception("An internal question to model %s failed", model.name)
        return None


def _load_poll_s(waits: int) -> float:
    """Delay between two attempts while a model is loading."""
    return min(_MAX_LOAD_POLL_S, 0.1 * 2.0**waits)


@dataclass(frozen=True, slots=True)
class _Call:
    model: AnswerModel
    chat: Runnable[LanguageModelInput, AIMessage]
    messages: list[BaseMessage | tuple[str, str]]
    drops_turns: bool = True

    def fitting(self) -> "_Call":
        """Without the oldest turns, if a prompt of this length was rejected before."""
        max_tokens = self.model.quirks.max_tokens
        return (
            self
            if max_tokens is None or not self.drops_turns
            else replace(self, messages=fitted(self.messages, max_tokens))
        )

    def shorter(self, failure: UpstreamFailure) -> "_Call":
        """The call with fewer turns. Raises `RunFailure` when nothing can be removed.

        Raises `PromptTooLong` when somebody else decides what is removed.
        """
        quirks = self.model.quirks
        quirks.refuse(prompt_tokens(self.messages), failure.error)
        if not self.drops_turns:
            raise PromptTooLong(failure.run_failure, quirks.max_tokens or 0)
        messages = fitted(self.messages, quirks.max_tokens or 0)
        if len(messages) == len(self.messages):
            messages = without_oldest_turn(self.messages)
        if len(messages) == len(self.messages):
            raise failure.run_failure
        log.info(
            "Model %s rejected the length of the prompt: retrying without the oldest turns",
            self.model.name,
        )
        return replace(self, messages=messages)

    async def streamed(self, limits: AnswerLimits, deadline: float) -> CallResult | UpstreamFailure:
        """A streamed attempt. Raises `RunFailure` once a token has been emitted."""
        answer = _Answer()
        # A separate task: otherwise each token wakes every awaiting frame, from the graph down.
        reading = asyncio.ensure_future(self._read(answer, limits, deadline))  # noqa: TID251 - over before this returns
        failure = await reading
        if failure is not None and answer.outweighs(failure):
            failure = None
        failure = failure or answer.failure()
        if answer.parts:
            self.model.quirks.answered()
        if failure is None:
            return answer.end(streamed=True)
        if answer.parts:
            raise failure.run_failure
        return failure

    async def _read(
        self, answer: _Answer, limits: AnswerLimits, deadline: float
    ) -> UpstreamFailure | None:
        now = asyncio.get_running_loop().time
        timeout_s = limits.first_token_s
        try:
            chunks = cast("AsyncGenerator[AIMessageChunk, None]", self.chat.astream(self.messages))
            async with asyncio.timeout_at(deadline) as timer, aclosing(chunks):
                async for chunk in chunks:
                    answer.add(chunk)
                    timeout_s = (
                        _AFTER_FINISH_S if answer.is_final and answer.reason else limits.idle_s
                    )
                    until, when = now() + timeout_s, timer.when()
                    # Rescheduling for every token would be too expensive.
                    if when is None or not until <= when <= until + _TIMER_SLACK * timeout_s:
                        timer.reschedule(until + _TIMER_SLACK * timeout_s)
        except TimeoutError:
            return failures.silent(timeout_s)
        except MODEL_ERRORS as error:
            return self._classify(error, partial=bool(answer.parts))
        return None

    async def unstreamed(self, timeout_s: float) -> CallResult:
        """The attempt without streaming. Raises `RunFailure`."""
        answer = await self._whole(timeout_s, deadline=0)
        failure = answer.failure()
        if failure is not None:
            raise failure.run_failure
        return answer.end(streamed=False)

    async def answered(self, timeout_s: float, deadline: float) -> str:
        """The text of one call. Raises `RunFailure`."""
        return (await self._whole(timeout_s, deadline)).text

    async def _whole(self, timeout_s: float, deadline: float) -> _Answer:
        """One successful call; waits until `deadline` for a model that is loading."""
        call, waits = self, 1
        while True:
            answer = _Answer()
            failure = await call.invoke(answer, timeout_s)
            if failure is None:
                return answer
            if failure.recovery == "shorter":
                call = call.shorter(failure)
            elif failure.recovery == "wait" and asyncio.get_running_loop().time() < deadline:
                await asyncio.sleep(_load_poll_s(waits))
                waits += 1
            else:
                raise failure.run_failure

    async def invoke(self, answer: _Answer, timeout_s: float) -> UpstreamFailure | None:
        """Fill `answer` by one call. Under `astream_events` only `stream=False` prevents events."""
        try:
            async with asyncio.timeout(timeout_s):
                answer.add(await self.chat.ainvoke(self.messages, stream=False))
                self.model.quirks.answered()
        except TimeoutError:
            return failures.silent(timeout_s)
        except MODEL_ERRORS as error:
            return self._classify(error)
        return None

    def _classify(self, error: Exception, *, partial: bool = False) -> UpstreamFailure:
        failure = classify(
            error,
            key_setting=self.model.key_setting,
            has_key=self.model.has_key,
            is_listed=self.model.is_listed,
            partial=partial,
        )
        log.warning(
            "Call of model %s failed: %s, status %s",
            self.model.name,
            type(error).__name__,
            getattr(error, "status_code", None),
        )
        release_frames(error)
        return failure

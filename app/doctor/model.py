"""Checks that the models answer and that the answer model streams."""

import asyncio
import time
from dataclasses import dataclass

from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from app.config import Settings
from app.doctor.findings import Finding
from app.domain.adapter_settings import ModelSettings
from app.domain.errors import CitestreamError, SettingError
from app.domain.model_endpoints import QUOTING
from app.embeddings.providers import make_embedder
from app.llm.answer_model import AnswerModel
from app.llm.answering import answer_text
from app.llm.failures import MODEL_ERRORS, classify
from app.llm.reachability import reason_of
from app.llm.registry import make_answer_model
from app.server.configured_models import configured_models

QUESTION = "Count from one to forty in words, separated by spaces. Write nothing else."
PROMPT = (
    SystemMessage("You do exactly as you are told."),
    HumanMessage("Are you there?"),
    AIMessage("Yes."),
    HumanMessage(QUESTION),
)
"""Has the structure of every prompt, so that a service that rejects it is detected here."""
MAX_UNSTREAMED_PIECES = 3  # more pieces count as a stream
BURST_SHARE = 0.1  # an answer that arrived within the last tenth of the time was buffered
MIN_DURATION_S = 1.0
SLOW_FIRST_S = 5.0
FAILURES = (*MODEL_ERRORS, OSError, ValueError, CitestreamError)


@dataclass(frozen=True, slots=True)
class Streamed:
    """Arrival times of the pieces of one answer, in seconds since the request."""

    arrivals: tuple[float, ...]

    @property
    def longest_gap(self) -> float:
        """The longest gap between two pieces, in seconds."""
        pairs = zip(self.arrivals, self.arrivals[1:], strict=False)
        return max((b - a for a, b in pairs), default=0.0)

    @property
    def is_buffered(self) -> bool:
        """Whether the answer arrived in one piece, or all at once at the end."""
        if len(self.arrivals) <= MAX_UNSTREAMED_PIECES:
            return True
        first, last = self.arrivals[0], self.arrivals[-1]
        return last >= MIN_DURATION_S and last - first < BURST_SHARE * last


async def examine_embeddings(settings: Settings) -> Finding:
    try:
        embedder = await asyncio.to_thread(make_embedder, settings.embedding)
        await embedder.embed_query("warm up")
        began = time.monotonic()
        vector = await embedder.embed_query("What are the side effects?")
    except FAILURES as error:
        remedy = ("EMBEDDINGS=local needs no service",)
        return Finding("FAIL", "embeddings", reason_of(error), remedy)
    durations_ms = (time.monotonic() - began) * 1000
    text = f"{embedder.name}, {len(vector)} numbers, {durations_ms:.0f} ms a question"
    return Finding("ok", "embeddings", text)


async def examine_models(settings: Settings) -> list[Finding]:
    """Ask each configured model one short question, except quoting mode."""
    models = configured_models(settings)
    asked = [one.settings for one in models if one.endpoint.provider != QUOTING]
    return [await _examine(settings, one) for one in asked or [settings.quoting]]


async def _examine(settings: Settings, model_settings: ModelSettings) -> Finding:
    try:
        model = await asyncio.to_thread(make_answer_model, model_settings)
    except SettingError as error:
        return Finding("FAIL", "model", str(error))
    if not model.can_judge:
        return Finding("ok", "model", model.label)
    try:
        async with asyncio.timeout(settings.first_token_timeout_s + settings.idle_timeout_s):
            return _model_finding(model, await _stream_answer(model))
    except TimeoutError:
        text = f"{model.name} at {model.sends_to} did not respond in time"
        return Finding("FAIL", "model", text, ("FIRST_TOKEN_TIMEOUT_S, IDLE_TIMEOUT_S: increase",))
    except FAILURES as error:
        failure = classify(
            error, key_setting=model.key_setting, has_key=model.has_key, is_listed=model.is_listed
        )
        text = f"{model.name} at {model.sends_to}: {failure.run_failure.message}"
        return Finding("FAIL", "model", text, (reason_of(error),))
    finally:
        await model.aclose()


async def _stream_answer(model: AnswerModel) -> Streamed:
    began = time.monotonic()
    arrivals = [
        time.monotonic() - began
        async for chunk in model.chat.astream(list(PROMPT))
        if answer_text(chunk)
    ]
    return Streamed(tuple(arrivals))


def _model_finding(model: AnswerModel, streamed: Streamed) -> Finding:
    if not streamed.arrivals:
        return Finding("FAIL", "model", f"{model.name} at {model.sends_to} sent an empty answer")
    first, pieces = streamed.arrivals[0], len(streamed.arrivals)
    if streamed.is_buffered:
        text = f"{model.name} does not stream: {pieces} pieces, all after {first:.1f} s"
        remedy = ("enable streaming in the gateway in front of the model, or bypass the gateway",)
        return Finding("FAIL", "model", text, remedy)
    text = (
        f"{model.name} streams: first token after {first * 1000:.0f} ms, {pieces} pieces, "
        f"longest gap {streamed.longest_gap * 1000:.0f} ms"
    )
    notes = tuple(model.quirks.notes())
    return Finding("warn" if first > SLOW_FIRST_S else "ok", "model", text, notes)

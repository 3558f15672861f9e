"""Encodes a run as a UI message stream of Vercel's AI SDK (protocol v1, AI SDK 5 and 6).

Stages are `data-stage` parts; a stage's end has the id of its start and replaces it. The text is
one part, followed by the sources. The stream always ends with `[DONE]`.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from app.api.streaming import INTERRUPTED_TEXT, PING, RETRACTED_TEXT, Cursor
from app.domain.answer_fold import AnswerFold
from app.domain.conversation_models import StageRecord
from app.domain.encoding import compact_json
from app.domain.events import (
    CitationsPayload,
    DonePayload,
    ErrorPayload,
    ResetPayload,
    RunStartPayload,
)
from app.domain.models import Citation
from app.domain.stored import read_stored
from app.runs.log_entries import LogEntry, step_of

HEADERS: Final = {"x-vercel-ai-ui-message-stream": "v1"}
DONE: Final = b"data: [DONE]\n\n"
_TEXT: Final = "answer"
_REASONS: Final = {"length": "length", "content_filter": "content-filter"}


async def ui_frames(cursor: Cursor, *, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
    """Yields from `start` to `[DONE]`. A `reset` that does not extend the sent text is an error."""
    encoder = _PartEncoder()
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            for frame in (PING,) if entry is None else encoder.frames(entry):
                yield frame
            if encoder.over:
                return
    yield _part("error", errorText=INTERRUPTED_TEXT)
    yield DONE


class _PartEncoder:
    """Encodes one answer as parts of a UI message."""

    def __init__(self) -> None:
        self._begun = False
        self._fold = AnswerFold()
        self._open = False
        self._attempt = 1
        self.over = False

    def frames(self, entry: LogEntry) -> list[bytes]:
        """The parts for one log entry."""
        if entry.text is not None:
            return self._text(entry.text)
        step = step_of(entry)
        added = self._fold.added_by(step) if isinstance(step, ResetPayload) else None
        self._fold.add(step)
        match step:
            case str():
                return self._delta(step)
            case StageRecord():
                return self._stage(step)
            case CitationsPayload():
                return [*self._text_end(), *_sources(step.citations)]
            case ResetPayload():
                return self._retracted(step) if added is None else self._replaced(step, added)
            case _:
                self.over = True
                return [*self._text_end(), _end(step), DONE]

    def _stage(self, stage: StageRecord) -> list[bytes]:
        content = stage.content
        if not isinstance(content, dict) or stage.type == "reasoning_delta":
            return []
        if stage.type == "run_start":
            return self._start(read_stored(RunStartPayload, content))
        if isinstance(attempt := content.get("attempt"), int):
            self._attempt = attempt
        part_id = f"{content.get('stage', stage.type)}-{self._attempt}"
        return [_part("data-stage", id=part_id, data=content)]

    def _start(self, run: RunStartPayload | None) -> list[bytes]:
        self._begun = True
        if run is None:
            return [_part("start")]
        metadata = {"run_id": run.run_id, "session_id": run.session_id, "model": run.model}
        return [_part("start", messageId=run.message_id, messageMetadata=metadata)]

    def _text(self, text: str) -> list[bytes]:
        self._fold.add_text(text)
        return self._delta(text)

    def _delta(self, text: str) -> list[bytes]:
        if not text:
            return []
        begin = [] if self._open else [_part("text-start", id=_TEXT)]
        self._open = True
        return [*begin, _part("text-delta", id=_TEXT, delta=text)]

    def _text_end(self) -> list[bytes]:
        was_open, self._open = self._open, False
        return [_part("text-end", id=_TEXT)] if was_open else []

    def _retracted(self, reset: ResetPayload) -> list[bytes]:
        self.over = True
        message = INTERRUPTED_TEXT if reset.text else RETRACTED_TEXT
        return [*self._text_end(), _part("error", errorText=message), DONE]

    def _replaced(self, reset: ResetPayload, added: str) -> list[bytes]:
        start = [] if self._begun else [_part("start")]
        self._begun = True
        sources = _sources(reset.citations) if reset.citations else []
        return [*start, *self._delta(added), *sources]


def _sources(citations: Sequence[Citation]) -> list[bytes]:
    """One source part per citation, with the whole citation as provider metadata."""
    frames = [_source(citation) for citation in citations]
    return [*frames, _part("data-citations", id="citations", data={"citations": citations})]


def _source(citation: Citation) -> bytes:
    common = {
        "sourceId": citation.passage_id or f"marker-{citation.marker}",
        "title": citation.title or "unknown source",
        "providerMetadata": {"citestream": citation},
    }
    if citation.url:
        return _part("source-url", url=citation.url, **common)
    return _part("source-document", mediaType="text/plain", **common)


def _end(ending: DonePayload | ErrorPayload) -> bytes:
    if isinstance(ending, ErrorPayload):
        return _part("error", errorText=ending.message)
    if ending.finish_reason == "stopped":
        return _part("abort", reason="stopped")
    reason = _REASONS.get(ending.finish_reason, "stop")
    return _part("finish", finishReason=reason, messageMetadata=ending)


def _part(kind: str, **fields: object) -> bytes:
    return b"data: %b\n\n" % compact_json({"type": kind, **fields})

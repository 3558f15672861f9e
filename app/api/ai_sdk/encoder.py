"""A run as the UI message stream of Vercel's AI SDK (protocol v1, AI SDK 5 and 6).

Stages are `data-stage` parts whose id makes a stage's end replace its start. The text is one part;
sources follow it. The stream always ends with `[DONE]`.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final

import orjson

from app.api.streaming import PING, Cursor
from app.domain.encoding import compact_json
from app.runs.ports import LogEntry

HEADERS: Final = {"x-vercel-ai-ui-message-stream": "v1"}
DONE: Final = b"data: [DONE]\n\n"
GONE: Final = "The answer was interrupted."
TAKEN_BACK: Final = (
    "What was sent were thoughts of the model, not its answer. Ask again: from now on they are "
    "held back."
)
_TEXT: Final = "answer"
_REASONS: Final = {"length": "length", "content_filter": "content-filter"}


async def ui_frames(cursor: Cursor, *, heartbeat_s: float) -> AsyncGenerator[bytes, None]:
    """From `start` to `[DONE]`. A `reset` that does not begin with what was sent is an error."""
    telling = _Telling()
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            for frame in (PING,) if entry is None else telling.frames(entry):
                yield frame
            if telling.over:
                return
    yield _part("error", errorText=GONE)
    yield DONE


class _Telling:
    """How far one answer was told."""

    def __init__(self) -> None:
        self._begun = False
        self._sent: list[str] = []
        self._open = False
        self._attempt = 1
        self.over = False

    def frames(self, entry: LogEntry) -> list[bytes]:
        """What this event is for the page."""
        if entry.text is not None:
            return self._text(entry.text)
        content = orjson.loads(entry.data).get("content")
        return self._staged(entry.type, content) if isinstance(content, dict) else []

    def _staged(self, kind: str, content: dict[str, Any]) -> list[bytes]:
        match kind:
            case "run_start":
                self._begun = True
                metadata = {key: content[key] for key in ("run_id", "session_id", "model")}
                return [_part("start", messageId=content["message_id"], messageMetadata=metadata)]
            case "citations":
                return [*self._text_end(), *_sources(content["citations"])]
            case "reset":
                return self._replaced(content["text"], content["citations"])
            case "done" | "error":
                self.over = True
                return [*self._text_end(), *_end(kind, content), DONE]
            case _:
                self._attempt = content.get("attempt", self._attempt)
                part_id = f"{content.get('stage', kind)}-{self._attempt}"
                return [_part("data-stage", id=part_id, data=content)]

    def _text(self, text: str) -> list[bytes]:
        if not text:
            return []
        self._sent.append(text)
        begin = [] if self._open else [_part("text-start", id=_TEXT)]
        self._open = True
        return [*begin, _part("text-delta", id=_TEXT, delta=text)]

    def _text_end(self) -> list[bytes]:
        was_open, self._open = self._open, False
        return [_part("text-end", id=_TEXT)] if was_open else []

    def _replaced(self, whole: str, citations: list[dict[str, Any]]) -> list[bytes]:
        before = "".join(self._sent)
        if not whole.startswith(before):
            self.over = True
            told = GONE if whole else TAKEN_BACK
            return [*self._text_end(), _part("error", errorText=told), DONE]
        start = [] if self._begun else [_part("start")]
        self._begun = True
        rest = self._text(whole[len(before) :])
        return [*start, *rest, *(_sources(citations) if citations else [])]


def _sources(citations: list[dict[str, Any]]) -> list[bytes]:
    """One source per citation; all we know of it travels as provider metadata."""
    frames = [_source(citation) for citation in citations]
    return [*frames, _part("data-citations", id="citations", data={"citations": citations})]


def _source(citation: dict[str, Any]) -> bytes:
    common = {
        "sourceId": citation["passage_id"] or f"marker-{citation['marker']}",
        "title": citation["title"] or "unknown source",
        "providerMetadata": {"citestream": citation},
    }
    if citation["url"]:
        return _part("source-url", url=citation["url"], **common)
    return _part("source-document", mediaType="text/plain", **common)


def _end(kind: str, content: dict[str, Any]) -> list[bytes]:
    if kind == "error":
        return [_part("error", errorText=content["message"])]
    if content["finish_reason"] == "stopped":
        return [_part("abort", reason="stopped")]
    reason = _REASONS.get(content["finish_reason"], "stop")
    return [_part("finish", finishReason=reason, messageMetadata=content)]


def _part(kind: str, **fields: object) -> bytes:
    return b"data: %b\n\n" % compact_json({"type": kind, **fields})

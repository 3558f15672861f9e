"""A run in the words of OpenAI's chat completions: chunks, the whole answer, citations.

Markers `[n]` stay in the text. What they mean is told twice: as `annotations` (one `url_citation`
for each marker, with our own fields beside OpenAI's) for programs, and as a list of sources at the
end of the text for people, because most clients show nothing else.
"""

from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

import orjson

from app.api.openai.requests import SOURCES_HEADING
from app.api.streaming import PING, Cursor
from app.domain.encoding import compact_json
from app.domain.models import Citation
from app.domain.stored import stored_citations
from app.runs.ports import LogEntry
from app.text.markers import iter_markers

DONE: Final = b"data: [DONE]\n\n"
GONE: Final = "The answer was interrupted."
TAKEN_BACK: Final = (
    "What was sent were thoughts of the model, not its answer. Ask again: from now on they are "
    "held back."
)
_REASONS: Final = {"length": "length", "content_filter": "content_filter"}
_MAX_QUOTE_LENGTH: Final = 200
MAX_ANNOTATIONS: Final = 1_000
"""Each repeats its quote: a model that writes markers for ever would make a frame of gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What all chunks of one answer share, and how its citations are told."""

    completion_id: str
    created: int  # Unix seconds
    model: str
    link: Callable[[Citation], str]  # where a person can read the cited passage
    append_sources: bool

    def chunk(self, delta: dict[str, object], finish_reason: str | None = None) -> bytes:
        """One frame of the stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._frame([choice])

    def usage_chunk(self, usage: dict[str, object]) -> bytes:
        """The frame of `include_usage`: no choice, the tokens."""
        return self._frame([], usage=usage)

    def _frame(self, choices: list[dict[str, object]], **more: object) -> bytes:
        body = {
            "id": self.completion_id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "choices": choices,
            **more,
        }
        return b"data: %b\n\n" % compact_json(body)

    def sources(self, citations: Sequence[Citation]) -> str:
        """The list at the end of the text; empty when nothing is cited or it is not wanted."""
        if not self.append_sources or not citations:
            return ""
        return SOURCES_HEADING + "\n".join(_source_line(item) for item in citations)

    def annotations(self, text: str, citations: Sequence[Citation]) -> list[dict[str, object]]:
        """One for each of the first markers, in order. Offsets count characters of the content."""
        known = {citation.marker: _annotated(citation, self.link) for citation in citations}
        each: Iterator[dict[str, object]] = (
            {
                "type": "url_citation",
                "url_citation": {
                    **known[number],
                    "start_index": marker.start,
                    "end_index": marker.end,
                },
            }
            for marker in iter_markers(text)
            for number in marker.numbers
            if number in known
        )
        return list(islice(each, MAX_ANNOTATIONS))

    def whole(self, body: dict[str, object]) -> dict[str, object]:
        """`chat.completion` of what `collect` made of a run that ended well."""
        text = str(body["answer"])
        citations = stored_citations(body["citations"])
        message = {
            "role": "assistant",
            "content": text + self.sources(citations),
            "refusal": None,
            "annotations": self.annotations(text, citations),
        }
        reason = finish_reason(str(body["finish_reason"]))
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        return {
            "id": self.completion_id,
            "object": "chat.completion",
            "created": self.created,
            "model": self.model,
            "choices": [choice],
            "usage": usage_of(body["usage"]),
        }


async def chunk_frames(
    cursor: Cursor, completion: Completion, *, heartbeat_s: float, include_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The stream: role, content, sources, annotations, finish reason, usage, `[DONE]`.

    What was sent cannot be taken back: a `reset` that does not begin with it ends as an error.
    """
    telling = _Telling(completion, include_usage=include_usage)
    yield completion.chunk({"role": "assistant", "content": ""})
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            for frame in (PING,) if entry is None else telling.frames(entry):
                yield frame
            if telling.over:
                return
    yield error_frame("INTERRUPTED", GONE)


class _Telling:
    """How far one answer was told."""

    def __init__(self, completion: Completion, *, include_usage: bool) -> None:
        self._completion = completion
        self._include_usage = include_usage
        self._sent: list[str] = []
        self._citations: Sequence[Citation] = ()
        self.over = False

    def frames(self, entry: LogEntry) -> list[bytes]:
        """What this event is for the client: most stages are nothing."""
        if entry.text is not None:
            return self._text(entry.text)
        match entry.type:
            case "citations" | "reset" | "done" | "error":
                return self._known(entry.type, orjson.loads(entry.data)["content"])
            case _:
                return []

    def _known(self, kind: str, content: dict[str, Any]) -> list[bytes]:
        if kind == "citations":
            self._citations = stored_citations(content["citations"])
            return []
        if kind == "reset":
            return self._replaced(str(content["text"]), stored_citations(content["citations"]))
        self.over = True
        if kind == "error":
            return [error_frame(content["code"], content["message"])]
        return self._closing(content)

    def _text(self, text: str) -> list[bytes]:
        if not text:
            return []
        self._sent.append(text)
        return [self._completion.chunk({"content": text})]

    def _replaced(self, whole: str, citations: Sequence[Citation]) -> list[bytes]:
        before = "".join(self._sent)
        if not whole.startswith(before):
            self.over = True
            return [error_frame("INTERRUPTED", GONE if whole else TAKEN_BACK)]
        self._citations = citations
        return self._text(whole[len(before) :])

    def _closing(self, done: dict[str, Any]) -> list[bytes]:
        told, frames = self._completion, list[bytes]()
        if sources := told.sources(self._citations):
            frames.append(told.chunk({"content": sources}))
        if annotations := told.annotations("".join(self._sent), self._citations):
            frames.append(told.chunk({"annotations": annotations}))
        frames.append(told.chunk({}, finish_reason(done["finish_reason"])))
        if self._include_usage:
            frames.append(told.usage_chunk(usage_of(done["usage"])))
        return [*frames, DONE]


def finish_reason(ours: str) -> str:
    """OpenAI's word; a refusal for lack of evidence and a stop end well."""
    return _REASONS.get(ours, "stop")


def usage_of(usage: object) -> dict[str, object]:
    """OpenAI's names for the tokens spent."""
    spent = usage if isinstance(usage, dict) else {}
    prompt, completion = int(spent.get("input_tokens", 0)), int(spent.get("output_tokens", 0))
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }


def error_frame(code: str, message: str) -> bytes:
    """A failure after the stream began, as OpenAI's SDKs recognise it."""
    error = {"message": message, "type": "server_error", "param": None, "code": code}
    return b"data: %b\n\n" % compact_json({"error": error})


def _annotated(citation: Citation, link: Callable[[Citation], str]) -> dict[str, object]:
    """What all annotations of one citation share; the place in the text goes between."""
    return {
        "url": link(citation),
        "title": citation.title or "unknown source",
        "start_index": 0,
        "end_index": 0,
        **citation.model_dump(mode="json", exclude={"url", "title"}),
    }


def _source_line(citation: Citation) -> str:
    """`- [1] Title, page 3: “quote”`, on one line."""
    if citation.passage_id is None:
        return f"- [{citation.marker}] names no passage"
    place = f", page {citation.page}" if citation.page is not None else ""
    if citation.start_s is not None:
        minutes, seconds = divmod(int(citation.start_s), 60)
        place = f", {minutes}:{seconds:02d}"
    quote = " ".join((citation.quote or "").split())
    if len(quote) > _MAX_QUOTE_LENGTH:
        quote = quote[: _MAX_QUOTE_LENGTH - 1].rstrip() + "…"
    unchecked = not citation.verified and citation.support is None
    doubt = "" if citation.verified else " (not confirmed by the passage)"
    doubt = " (not checked)" if unchecked else doubt
    title = " ".join((citation.title or "unknown source").split())
    return f"- [{citation.marker}] {title}{place}: “{quote}”{doubt}"

"""Encodes a run as OpenAI chat completions: chunks, the whole answer, citations.

Markers `[n]` stay in the text. Their sources are sent twice: as `annotations` (one `url_citation`
per marker, with the fields of our citations beside OpenAI's) for programs, and as a list of
sources at the end of the text for people, because most clients show nothing else.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from itertools import islice
from typing import Final

from app.api.openai.requests import SOURCES_HEADING
from app.api.openai.schemas import (
    Annotation,
    CompletedChoice,
    CompletedMessage,
    CompletionReason,
    CompletionShape,
    CompletionUsage,
    OpenAIError,
    OpenAIErrorDetail,
    UrlCitation,
)
from app.api.response_models import Answer
from app.api.streaming import INTERRUPTED_TEXT, PING, RETRACTED_TEXT, Cursor
from app.domain.answer_fold import AnswerFold
from app.domain.encoding import compact_json
from app.domain.events import DonePayload, ErrorPayload, ResetPayload
from app.domain.models import Citation, FinishReason, Usage
from app.runs.log_entries import LogEntry, step_of
from app.text.markers import iter_markers

DONE: Final = b"data: [DONE]\n\n"
_MAX_QUOTE_LENGTH: Final = 200
MAX_ANNOTATIONS: Final = 1_000
"""Limit. Each repeats its quote, so endless markers would make a huge frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """The fields shared by all chunks of one answer, and the encoding of its citations."""

    completion_id: str
    created: int  # Unix seconds
    model: str
    link: Callable[[Citation], str]  # URL where a person can read the cited passage
    append_sources: bool

    def chunk(self, delta: dict[str, object], finish_reason: str | None = None) -> bytes:
        """Encode one frame of the stream."""
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return self._frame([choice])

    def usage_chunk(self, usage: CompletionUsage) -> bytes:
        """Encode the frame for `include_usage`: token counts, no choices."""
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
        """The source list at the end of the text; empty without citations or if turned off."""
        lines = [_source_line(one) for one in citations if one.passage_id is not None]
        return SOURCES_HEADING + "\n".join(lines) if self.append_sources and lines else ""

    def annotations(self, text: str, citations: Sequence[Citation]) -> tuple[Annotation, ...]:
        """One per marker, in order, at most `MAX_ANNOTATIONS`. Offsets are in characters."""
        known = {citation.marker: _annotated(citation, self.link) for citation in citations}
        each = (
            Annotation(
                url_citation=known[number].model_copy(
                    update={"start_index": marker.start, "end_index": marker.end}
                )
            )
            for marker in iter_markers(text)
            for number in marker.numbers
            if number in known
        )
        return tuple(islice(each, MAX_ANNOTATIONS))

    def whole(self, answer: Answer) -> CompletionShape:
        """Build the `chat.completion` of a finished answer."""
        message = CompletedMessage(
            content=answer.answer + self.sources(answer.citations),
            annotations=self.annotations(answer.answer, answer.citations),
        )
        reason = finish_reason(answer.finish_reason)
        return CompletionShape(
            id=self.completion_id,
            created=self.created,
            model=self.model,
            choices=(CompletedChoice(message=message, finish_reason=reason),),
            usage=usage_of(answer.usage),
        )


async def chunk_frames(
    cursor: Cursor, completion: Completion, *, heartbeat_s: float, include_usage: bool
) -> AsyncGenerator[bytes, None]:
    """The stream: role, content, sources, annotations, finish reason, usage, `[DONE]`.

    Sent text cannot be retracted: a `reset` that does not extend it becomes an error.
    """
    encoder = _ChunkEncoder(completion, include_usage=include_usage)
    yield completion.chunk({"role": "assistant", "content": ""})
    async with aclosing(cursor.frames(silence_s=heartbeat_s)) as entries:
        async for entry in entries:
            for frame in (PING,) if entry is None else encoder.frames(entry):
                yield frame
            if encoder.over:
                return
    yield error_frame("INTERRUPTED", INTERRUPTED_TEXT)


class _ChunkEncoder:
    """Encodes one answer as chunks. Most stages have no counterpart in this protocol."""

    def __init__(self, completion: Completion, *, include_usage: bool) -> None:
        self._completion = completion
        self._include_usage = include_usage
        self._fold = AnswerFold()
        self.over = False

    def frames(self, entry: LogEntry) -> list[bytes]:
        """The frames for one log entry."""
        if entry.text is not None:
            return self._text(entry.text)
        step = step_of(entry)
        added = self._fold.added_by(step) if isinstance(step, ResetPayload) else None
        self._fold.add(step)
        match step:
            case ResetPayload():
                return self._chunk(added) if added is not None else self._retracted(step)
            case ErrorPayload():
                self.over = True
                return [error_frame(step.code, step.message)]
            case DonePayload():
                self.over = True
                return self._closing(step)
            case _:
                return []

    def _text(self, text: str) -> list[bytes]:
        self._fold.add_text(text)
        return self._chunk(text)

    def _chunk(self, text: str) -> list[bytes]:
        return [self._completion.chunk({"content": text})] if text else []

    def _retracted(self, reset: ResetPayload) -> list[bytes]:
        self.over = True
        message = INTERRUPTED_TEXT if reset.text else RETRACTED_TEXT
        return [error_frame("INTERRUPTED", message)]

    def _closing(self, done: DonePayload) -> list[bytes]:
        completion, fold, frames = self._completion, self._fold, list[bytes]()
        if sources := completion.sources(fold.citations):
            frames.append(completion.chunk({"content": sources}))
        if annotations := completion.annotations(fold.text, fold.citations):
            frames.append(completion.chunk({"annotations": annotations}))
        frames.append(completion.chunk({}, finish_reason(done.finish_reason)))
        if self._include_usage:
            frames.append(completion.usage_chunk(usage_of(done.usage)))
        return [*frames, DONE]


def finish_reason(ours: FinishReason) -> CompletionReason:
    """OpenAI's name. Refusals for lack of evidence and stopped answers both map to `stop`."""
    return ours if ours in {"length", "content_filter"} else "stop"


def usage_of(usage: Usage) -> CompletionUsage:
    """The token counts under OpenAI's names."""
    return CompletionUsage(
        prompt_tokens=usage.input_tokens,
        completion_tokens=usage.output_tokens,
        total_tokens=usage.input_tokens + usage.output_tokens,
    )


def error_frame(code: str, message: str) -> bytes:
    """Encode an error after the stream has begun, in the form that OpenAI's SDKs recognise."""
    error = OpenAIErrorDetail(message=message, type="server_error", param=None, code=code)
    return b"data: %b\n\n" % compact_json(OpenAIError(error=error))


def _annotated(citation: Citation, link: Callable[[Citation], str]) -> UrlCitation:
    """The fields shared by all annotations of one citation; offsets are set per marker."""
    return UrlCitation(
        url=link(citation),
        title=citation.title or "unknown source",
        start_index=0,
        end_index=0,
        **citation.model_dump(exclude={"url", "title"}),
    )


def _source_line(citation: Citation) -> str:
    """`- [1] Title, page 3: “quote”`, on one line."""
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

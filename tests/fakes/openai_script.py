"""The script of the fake OpenAI server, and its record of each request."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence

    from tests.fakes.http_body import Ending

Route: TypeAlias = Literal["chat", "embeddings", "models", "rerank"]


@dataclass(slots=True)
class Record:
    """One request. Times are `time.monotonic()` seconds, comparable between local processes."""

    route: Route
    body: Mapping[str, Any]
    headers: Mapping[str, str]
    started_at: float
    query: str = ""
    status: int | None = None
    first_byte_at: float | None = None
    """When the status line was written."""
    first_token_at: float | None = None
    tokens_sent: int = 0
    """Content deltas written, without reasoning."""
    closed_by_client_at: float | None = None
    """When the client's FIN or RST was seen, if that was before the answer was finished."""
    finished_at: float | None = None
    """When the server was done with the request, whatever way it ended."""
    completed: bool = False
    """The scripted answer went out to its last byte (a scripted cut is not completed)."""

    @property
    def stream(self) -> bool:
        """Whether the client asked for a stream."""
        return self.body.get("stream") is True

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The chat messages, as sent."""
        messages = self.body.get("messages")
        return messages if isinstance(messages, list) else []

    @property
    def prompt(self) -> str:
        """The text of all messages, or the texts to embed, joined by newlines."""
        if self.route == "embeddings":
            given = self.body.get("input", "")
            return given if isinstance(given, str) else "\n".join(map(str, given))
        return "\n".join(text_of(message.get("content")) for message in self.messages)


def text_of(content: object) -> str:
    """The text of a message's content: a string or a list of parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return "".join(str(p.get("text", "")) for p in content if isinstance(p, dict))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer and its faults; fields combine. `n` in a fault counts content tokens.

    Every `*_after` / `*_at` of 0 acts after the headers and before any frame.
    """

    tokens: Sequence[str] | Callable[[Record], Sequence[str]] | None = None
    """The content deltas; None: a short text citing the first passage of the prompt."""
    length: int | None = None
    """The tokens are repeated, or cut, to so many."""
    pace_s: float = 0.0
    """Seconds between tokens, kept on average over the answer."""
    permits: asyncio.Semaphore | None = None
    """One is taken before each token, so that a test decides when the next one comes."""
    finish_reason: Any = "stop"
    """None: no frame carries a finish reason. Some services send an object."""
    finish_each: Any = None
    """A finish reason on every content delta too."""
    done: bool = True
    """Whether `[DONE]` is sent."""
    usage: bool = True
    """Whether usage is reported when the client asks for it."""
    reasoning: Sequence[str] = ()
    """`reasoning_content` deltas before the content."""
    tool_call: tuple[str, str] | None = None
    """(function name, JSON arguments): sent in pieces after the content."""
    content_parts: bool = False
    """Content as lists of parts (`[{"type": "text", …}]`), as some reasoning models send it."""
    empty_choices: int = 0
    """So many frames with `choices: []` before the first token."""
    comment_every_s: float | None = None
    """`: keep-alive` comments during delays and stalls."""
    newline: str = "\n"
    """The line end of the SSE frames."""
    prefix: str = ""
    """Before the first frame: a byte order mark, blank lines."""
    last_blank: bool = True
    """False: the last frame lacks its blank line."""
    odd: Mapping[int, Any] = field(default_factory=dict)
    """Before token n (from 0, or the number of tokens) a frame of this JSON, or of these bytes."""
    body: str | None = None
    """This text, of type `content_type`, in place of the answer; the status stays."""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers of the response, beside its own."""

    headers_delay_s: float = 0.0
    first_token_delay_s: float = 0.0
    """Silence between the headers and the first frame."""
    pause_after: tuple[int, float] | None = None
    """(n, seconds): silence after n tokens, once."""
    stall_after: int | None = None
    """Silence for ever after n tokens, until the client or the test closes."""
    cut_after: int | None = None
    """The body ends after n tokens in the way of `cut`; nothing follows."""
    cut: Ending = "end"
    malformed_at: int | None = None
    """A frame of broken JSON in place of token n (from 0); without stream a broken body."""
    error_at: int | None = None
    """An `{"error": …}` frame in place of token n, then the end."""

    frames_per_chunk: int = 1
    """So many frames share one write and one transfer chunk."""
    trickle: int = 0
    """At most so many bytes per write and transfer chunk; 0: whole frames."""
    trickle_pace_s: float = 0.0
    split_at: Sequence[int] = ()
    """Positions in the body (bytes, before chunk framing) where a new write begins."""

    status: int = 200
    """Anything else: an error in OpenAI's shape, without an answer."""
    retry_after: str | None = None
    error_message: str = "scripted failure"
    error_code: str | None = None
    refuse_stream: bool = False
    """400 when `stream` is true; answers when it is not."""
    refuse: Callable[[Record], str | None] | None = None
    """`status`, or 400, with this message when the request does not match."""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Reply:
        """A reply from a control message. Raises `ValueError` for an unknown field."""
        unknown = set(given) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"unknown reply fields: {sorted(unknown)}")
        call, odd = given.get("tool_call"), given.get("odd") or {}
        places = {int(place): value for place, value in odd.items()}
        return cls(**{**given, "tool_call": tuple(call) if call else None, "odd": places})


@dataclass(slots=True)
class Script:
    """Chooses the reply to a request: the first matching rule, else the queue, else the default."""

    default: dict[Route, Reply] = field(default_factory=dict)
    queue: dict[Route, list[Reply]] = field(default_factory=dict)
    rules: list[tuple[Callable[[Record], bool], Reply]] = field(default_factory=list)

    def take(self, record: Record) -> Reply:
        """The reply for this request; a queued reply is consumed."""
        for matches, reply in self.rules:
            if matches(record):
                return reply
        queued = self.queue.get(record.route)
        if queued:
            return queued.pop(0)
        return self.default.get(record.route, Reply())

    def clear(self) -> None:
        """Back to default answers."""
        self.default.clear()
        self.queue.clear()
        self.rules.clear()

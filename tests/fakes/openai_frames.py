"""The bytes of an OpenAI-compatible API: pure functions from a reply to a plan of steps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain, cycle, islice
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import orjson

from tests.fakes.openai_script import Record, Reply, text_of

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Sequence

    from tests.fakes.http_body import Ending

CREATED: Final = 1_790_000_000
_PASSAGE: Final = re.compile(r"^\s*\[(\d+)\][ \t]*(\S.*)$", re.MULTILINE)
_PIECE: Final = re.compile(r"\s*(?:\w{1,6}|[^\w\s])")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Send:
    """Write these bytes, which contain that many content deltas (`tokens`)."""

    data: bytes
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Wait:
    """Silence; None: forever."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Ask:
    """Silence until one of these can be acquired."""

    permits: asyncio.Semaphore


@dataclass(frozen=True, slots=True)
class End:
    """The body ends; `whole` if this is the scripted end of the answer and not a cut."""

    ending: Ending
    whole: bool


Step: TypeAlias = Send | Wait | Ask | End


def default_tokens(record: Record) -> list[str]:
    """A deterministic answer of about twenty word pieces that cites the first passage."""
    asked = [m for m in record.messages if m.get("role") != "assistant"]
    passage = _PASSAGE.search("\n".join(text_of(m.get("content")) for m in asked))
    if passage is None:
        return word_pieces("I was given no passages, so there is nothing here that I can cite.")
    number, text = passage.groups()
    words = _WORD.findall(text)[:9]
    return word_pieces(f"According to the sources, {' '.join(words)} [{number}].")


def word_pieces(text: str) -> list[str]:
    """Splits text the way tokenizers do, so that `[1]` becomes three pieces."""
    return _PIECE.findall(text)


def tokens_of(reply: Reply, record: Record) -> Sequence[str]:
    """The content deltas this reply sends to this request."""
    if reply.tokens is None:
        tokens: Sequence[str] = default_tokens(record)
    else:
        tokens = reply.tokens(record) if callable(reply.tokens) else reply.tokens
    if reply.length is None or not tokens:
        return tokens
    again = [f" {tokens[0].lstrip()}", *tokens[1:]]
    return list(islice(chain(tokens, cycle(again)), reply.length))


def usage_of(record: Record, completion_tokens: int) -> dict[str, int]:
    """Usage as OpenAI counts it, with words for prompt tokens."""
    prompt = len(record.prompt.split())
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt + completion_tokens,
    }


def error_body(message: str, status: int, *, code: str | None, param: str | None = None) -> bytes:
    """An error in OpenAI's shape."""
    kinds = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error"}
    kind = kinds.get(status, "server_error" if status >= 500 else "invalid_request_error")
    error = {"message": message, "type": kind, "param": param, "code": code}
    return orjson.dumps({"error": error})


class ChunkWriter:
    """Makes the SSE frames of one streamed completion."""

    def __init__(self, *, completion_id: str, model: str, newline: str) -> None:
        self._end = (newline * 2).encode()
        envelope = {
            "id": completion_id,
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": model,
        }
        self._open = b"data: " + orjson.dumps(envelope)[:-1]

    def delta(self, delta: dict[str, Any], finish_reason: object = None) -> bytes:
        """A frame with one choice."""
        body = orjson.dumps({"index": 0, "delta": delta, "finish_reason": finish_reason})
        return self._open + b',"choices":[' + body + b"]}" + self._end

    def empty(self, usage: dict[str, int] | None = None) -> bytes:
        """A frame without choices: usage, or nothing."""
        return self._open + b',"choices":[],"usage":' + orjson.dumps(usage) + b"}" + self._end

    def odd(self, value: object) -> bytes:
        """A frame of this: bytes as they are, an object with the fields that all chunks share."""
        if isinstance(value, bytes):
            return b"data: " + value + self._end
        if isinstance(value, dict):
            return self._open + b"," + orjson.dumps(value)[1:] + self._end
        return b"data: " + orjson.dumps(value) + self._end

    def malformed(self) -> bytes:
        """A frame whose JSON breaks off inside a string."""
        return self._open + b',"choices":[{"index":0,"delta":{"content":"bro' + self._end

    def error(self, body: bytes) -> bytes:
        """A frame that carries an error instead of a chunk."""
        return b"data: " + body + self._end

    def done(self) -> bytes:
        """The frame that ends a stream."""
        return b"data: [DONE]" + self._end


def stream_plan(reply: Reply, record: Record, chunk: ChunkWriter) -> Iterator[Step]:
    """The steps of a streamed answer; always closed by one `End` unless it stalls."""
    if reply.prefix:
        yield Send(reply.prefix.encode())
    plan = _answer_plan(reply, record, chunk)
    yield from plan if reply.last_blank else _without_last_blank(plan)


def _without_last_blank(plan: Iterator[Step]) -> Iterator[Step]:
    held: Step | None = None
    for step in plan:
        if isinstance(held, Send) and isinstance(step, End):
            held = Send(held.data.rstrip(), held.tokens)
        if held is not None:
            yield held
        held = step
    if held is not None:
        yield held


def _answer_plan(reply: Reply, record: Record, chunk: ChunkWriter) -> Iterator[Step]:
    if reply.first_token_delay_s:
        yield Wait(reply.first_token_delay_s)
    tokens = tokens_of(reply, record)
    if not _breaks_off(reply, 0):
        yield from (Send(chunk.empty()) for _ in range(reply.empty_choices))
        yield Send(chunk.delta({"role": "assistant", "content": ""}))
        yield from _paced(reply, [chunk.delta({"reasoning_content": t}) for t in reply.reasoning])
    for index, token in enumerate(tokens):
        yield from _before(reply, index, chunk)
        if reply.error_at == index:
            return
        if reply.malformed_at == index:
            yield Send(chunk.malformed())
        else:
            delta = {"content": _content(reply, token)}
            yield Send(chunk.delta(delta, reply.finish_each), tokens=1)
        if reply.pace_s:
            yield Wait(reply.pace_s)
    if len(tokens) in reply.odd:
        yield Send(chunk.odd(reply.odd[len(tokens)]))
    if _breaks_off(reply, len(tokens)):
        yield _break_off(reply, len(tokens))
    yield from _closing(reply, record, chunk, completion_tokens=len(tokens) + len(reply.reasoning))


def _before(reply: Reply, index: int, chunk: ChunkWriter) -> Iterator[Step]:
    """The steps before token `index`."""
    if index in reply.odd:
        yield Send(chunk.odd(reply.odd[index]))
    if reply.error_at == index:
        body = error_body(reply.error_message, 500, code=reply.error_code)
        yield Send(chunk.error(body))
        yield End("end", whole=True)
        return
    if _breaks_off(reply, index):
        yield _break_off(reply, index)
    if reply.permits is not None:
        yield Ask(reply.permits)
    if reply.pause_after is not None and reply.pause_after[0] == index:
        yield Wait(reply.pause_after[1])


def _closing(
    reply: Reply, record: Record, chunk: ChunkWriter, *, completion_tokens: int
) -> Iterator[Step]:
    finish_reason = reply.finish_reason
    if reply.tool_call is not None:
        yield from (Send(chunk.delta(delta)) for delta in _tool_deltas(*reply.tool_call))
        finish_reason = finish_reason and "tool_calls"
    if finish_reason is not None:
        yield Send(chunk.delta({}, finish_reason))
    options = record.body.get("stream_options") or {}
    if reply.usage and options.get("include_usage"):
        yield Send(chunk.empty(usage_of(record, completion_tokens)))
    if reply.done:
        yield Send(chunk.done())
    yield End("end", whole=True)


def _paced(reply: Reply, frames: list[bytes]) -> Iterator[Step]:
    for frame in frames:
        yield Send(frame)
        if reply.pace_s:
            yield Wait(reply.pace_s)


def _breaks_off(reply: Reply, index: int) -> bool:
    return index in (reply.stall_after, reply.cut_after)


def _break_off(reply: Reply, index: int) -> Step:
    return Wait(None) if reply.stall_after == index else End(reply.cut, whole=False)


def _content(reply: Reply, token: str) -> str | list[dict[str, str]]:
    return [{"type": "text", "text": token}] if reply.content_parts else token


def _tool_deltas(name: str, arguments: str) -> Iterator[dict[str, Any]]:
    call = {"index": 0, "id": "call_fake_1", "type": "function"}
    yield {"tool_calls": [{**call, "function": {"name": name, "arguments": ""}}]}
    for start in range(0, len(arguments), 8):
        piece = {"arguments": arguments[start : start + 8]}
        yield {"tool_calls": [{"index": 0, "function": piece}]}


def completion(reply: Reply, record: Record, *, completion_id: str, model: str) -> bytes:
    """The body of a non-streaming answer."""
    tokens = tokens_of(reply, record)
    message: dict[str, Any] = {"role": "assistant", "content": _content(reply, "".join(tokens))}
    finish_reason = reply.finish_reason
    if reply.reasoning:
        message["reasoning_content"] = "".join(reply.reasoning)
    if reply.tool_call is not None:
        name, arguments = reply.tool_call
        function = {"name": name, "arguments": arguments}
        message["tool_calls"] = [{"id": "call_fake_1", "type": "function", "function": function}]
        finish_reason = finish_reason and "tool_calls"
    whole: dict[str, Any] = {
        "id": completion_id,
        "object": "chat.completion",
        "created": CREATED,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
    }
    if reply.usage:
        whole["usage"] = usage_of(record, len(tokens) + len(reply.reasoning))
    return orjson.dumps(whole)

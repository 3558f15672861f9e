"""Merges frames of a model service that arrived together into as few chunks as possible.

Each read is parsed at once. Adjacent frames that only continue the text of one choice become one
chunk; everything else (roles, reasoning, tool calls, log probabilities, usage, finish reasons,
errors) passes unchanged and in order. It never waits for another frame, so nothing is delayed.
"""

import json
from typing import Any

import orjson

from app.domain.ports import DELTAS

Chunk = dict[str, Any]

LONGEST = 8_192
"""Maximum characters of a merged text: a slow reader waits for a whole frame."""

MAX_FRAME = 16 * 2**20
"""Maximum bytes of an incomplete frame."""

_BOM = b"\xef\xbb\xbf"
_LF = 10


class FrameMerger:
    """Feed the reads in order. Line ends may be LF, CRLF or CR, and may be split anywhere."""

    def __init__(self) -> None:
        self.done = False  # `[DONE]` arrived: the rest is ignored
        self.error: ValueError | None = None  # a frame was not JSON: parsing stopped there
        self._rest: list[bytes] = []  # pieces of an incomplete frame, none empty
        self._size = 0
        self._after_cr = False
        self._start: bytes | None = b""  # first bytes while they may be a byte order mark

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks of the frames completed by these bytes, up to `done` or `error`."""
        if self._start is not None:
            data = self._without_bom(data)
        data = self._lines(data)
        if not data:
            return []
        if self._rest:
            data = self._joined(data)
        if b"\n\n" not in data:
            return self._hold(data)
        *frames, rest = data.split(b"\n\n")
        if rest:
            self._hold(rest)
        return self._chunks(frames)

    def _joined(self, data: bytes) -> bytes:
        """Joins the buffered pieces once a frame is complete, so a long one is scanned once."""
        across = self._rest[-1][-1] == _LF and data[0] == _LF
        if not across and b"\n\n" not in data:
            return data
        data = b"".join((*self._rest, data))
        self._rest, self._size = [], 0
        return data

    def _hold(self, data: bytes) -> list[Chunk]:
        self._rest.append(data)
        self._size += len(data)
        if self._size > MAX_FRAME:
            self.error = ValueError("a frame that does not end")
        return []

    def close(self) -> list[Chunk]:
        """The chunks of a last frame without its blank line; an incomplete frame is dropped."""
        rest, self._rest = b"".join((self._start or b"", *self._rest)), []
        self._start = None
        chunks = self._chunks([rest.rstrip(b"\n")]) if rest else []
        self.error = None
        return chunks

    def _chunks(self, frames: list[bytes]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for frame in frames:
            payload = _payload(frame)
            if payload is None:
                continue
            if payload.startswith(b"[DONE]"):
                self.done = True
                break
            try:
                chunk = _parsed(payload)
            except ValueError as error:
                self.error = error
                break
            if chunk is not None:
                chunks.append(chunk)
        return _merged(chunks) if len(chunks) > 1 else chunks

    def _without_bom(self, data: bytes) -> bytes:
        data = (self._start or b"") + data
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._start = data
            return b""
        self._start = None
        return data.removeprefix(_BOM)

    def _lines(self, data: bytes) -> bytes:
        """Normalizes line ends to LF."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        if b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        return data


def _payload(frame: bytes) -> bytes | None:
    """The frame's data; None for a frame without any, such as a comment."""
    if frame.startswith(b"data: ") and b"\n" not in frame:
        return frame[6:]
    lines = [
        line[5:].removeprefix(b" ") for line in frame.split(b"\n") if line.startswith(b"data:")
    ]
    return b"\n".join(lines) if lines else None


def _parsed(payload: bytes) -> Chunk | None:
    """None for valid JSON that is not an object."""
    try:
        chunk = orjson.loads(payload)
    except orjson.JSONDecodeError:
        # Lenient: some services send lone surrogates, NaN or invalid UTF-8.
        chunk = json.loads(payload.decode(errors="replace"))
    return chunk if isinstance(chunk, dict) else None


def _merged(chunks: list[Chunk]) -> list[Chunk]:
    merged: list[Chunk] = []
    held: Chunk | None = None  # the chunk that `parts` are appended to
    parts: list[str] = []
    size = 0
    for chunk in chunks:
        text = plain_text(chunk)
        size += len(text or "")
        if text is not None and held is not None and size <= LONGEST and _goes_on(held, chunk):
            parts.append(text)
            continue
        _close(held, parts)
        merged.append(chunk)
        held, parts, size = (None, [], 0) if text is None else (chunk, [text], len(text))
    _close(held, parts)
    return merged


def _close(held: Chunk | None, parts: list[str]) -> None:
    if held is not None and len(parts) > 1:
        held["choices"][0]["delta"]["content"] = "".join(parts)
        held[DELTAS] = len(parts)


def plain_text(chunk: Chunk) -> str | None:
    """The text of a chunk that contains nothing else."""
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or chunk.get("usage") or chunk.get("error"):
        return None
    choice = choices[0]
    if type(choice) is not dict or choice.get("finish_reason") or choice.get("logprobs"):
        return None
    delta = choice.get("delta")
    if type(delta) is not dict:
        return None
    text = delta.get("content")
    if type(text) is not str or not text:
        return None
    for key, value in delta.items():
        if value and key != "content" and key != "role":
            return None
    return text


def _goes_on(held: Chunk, chunk: Chunk) -> bool:
    """Whether both are pieces of the same choice of the same answer."""
    one, other = held["choices"][0], chunk["choices"][0]
    role = other["delta"].get("role")
    return bool(
        held.get("id") == chunk.get("id")
        and one.get("index") == other.get("index")
        and (not role or role == one["delta"].get("role"))
    )

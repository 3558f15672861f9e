"""Reads event streams as a client does: bytes in, frames out."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson


@dataclass(frozen=True)
class Frame:
    """One frame of the main format."""

    id: int
    type: str
    content: Any
    timestamp: str


async def frames(response: httpx.Response) -> AsyncGenerator[Frame, None]:
    """Frames as they arrive; comments are skipped."""
    held = b""
    async for chunk in response.aiter_raw():
        held += chunk
        while (end := held.find(b"\n\n")) >= 0:
            block, held = held[:end], held[end + 2 :]
            if not block.startswith(b":"):
                yield parse(block)


def parse(block: bytes) -> Frame:
    id_line, data_line = block.split(b"\n")
    assert id_line.startswith(b"id: ")
    assert data_line.startswith(b"data: ")
    data = orjson.loads(data_line[6:])
    assert list(data) == ["type", "content", "timestamp"]
    return Frame(int(id_line[4:]), data["type"], data["content"], data["timestamp"])


@dataclass
class Viewer:
    """The state of a correct client: text, position, terminal event."""

    text: str = ""
    position: int = 0
    terminal: Frame | None = None
    resets: int = 0

    def take(self, frame: Frame) -> None:
        """Apply a frame; a frame at or before the position would be a repeat."""
        assert self.terminal is None, "something came after the terminal event"
        if frame.type == "reset":
            self.text = frame.content["text"]
            self.resets += 1
        else:
            assert frame.id > self.position, (frame.id, self.position)
        self.position = frame.id
        if frame.type == "token":
            self.text += frame.content
        if frame.type in {"done", "error"}:
            self.terminal = frame


def stage_types(seen: list[Frame]) -> list[str]:
    """Types in order, with consecutive tokens as one."""
    types: list[str] = []
    for frame in seen:
        if frame.type != "token" or types[-1:] != ["token"]:
            types.append(frame.type)
    return types

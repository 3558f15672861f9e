"""Parses server-sent events from byte chunks of any size."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """One event: its id, empty when it has none, and its data."""

    id: str
    data: bytes


class BlockReader:
    """Feed it what arrives. A block that is not complete is never given out."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Block]:
        """The blocks that are whole now, in order; comments are left out."""
        self._held += data
        if b"\r" in self._held and not self._held.endswith(b"\r"):
            self._held = self._held.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        whole, end, self._held = self._held.rpartition(b"\n\n")
        if not end:
            return
        for text in whole.split(b"\n\n"):
            block = _block(text)
            if block is not None:
                yield block


def _block(text: bytes) -> Block | None:
    event_id, data = "", list[bytes]()
    for line in text.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"id":
            event_id = value.decode("utf-8", "replace")
        elif name == b"data":
            data.append(value)
    return Block(event_id, b"\n".join(data)) if data else None

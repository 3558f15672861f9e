"""Response bodies with configurable transfer chunks and endings."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from tests.fakes.http_wire import Connection

Ending: TypeAlias = Literal["end", "close", "drop", "reset"]
"""How a response body ends: `end` is a well-formed end of the chunked body, `close` a body
delimited by FIN (well-formed too), `drop` a FIN in the middle of a chunked body (a protocol
error for the client), `reset` an RST."""


class Body:
    """Writes a response body, split into configurable transfer chunks.

    `split_at`: byte positions of the body where a new chunk (and a new write) begins;
    `trickle`: at most so many bytes per chunk, `trickle_pace_s` seconds apart.
    """

    LAST_CHUNK: Final = b"0\r\n\r\n"

    def __init__(
        self,
        connection: Connection,
        *,
        chunked: bool,
        split_at: tuple[int, ...] = (),
        trickle: int = 0,
        trickle_pace_s: float = 0.0,
    ) -> None:
        self._connection = connection
        self._chunked = chunked
        self._splits = sorted(split_at)
        self._trickle = trickle
        self._pace_s = trickle_pace_s
        self._position = 0

    async def write(self, data: bytes) -> None:
        """Sends `data` as one chunk, or as several if configured."""
        if not self._splits and not self._trickle:
            await self._connection.write(self._framed(data))
            return
        for piece in self._pieces(data):
            await self._connection.write(self._framed(piece))
            await self._connection.pause(self._pace_s)
            if not self._connection.alive:
                return

    def _framed(self, data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def _pieces(self, data: bytes) -> list[bytes]:
        start, end = self._position, self._position + len(data)
        self._position = end
        edges = {start, end, *(at for at in self._splits if start < at < end)}
        if self._trickle:
            edges.update(range(start, end, self._trickle))
        marks = sorted(edges)
        return [data[a - start : b - start] for a, b in itertools.pairwise(marks)]

    async def finish(self, ending: Ending) -> bool:
        """Ends the body; True when the connection may serve another request."""
        if ending == "reset":
            self._connection.reset()
            return False
        if ending == "end" and self._chunked:
            await self._connection.write(self.LAST_CHUNK)
            return True
        await self._connection.close()
        return False

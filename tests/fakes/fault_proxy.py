"""A proxy for TCP and Unix sockets that cuts, stalls, delays and splits what passes through.

    async with FaultProxy(upstream=("127.0.0.1", 9000)) as proxy:
        proxy.script(Faults(down=Flow(cut_after=1000, cut="rst")))   # the next connection
        ...
        proxy.cut_all("rst")

`up` is what the client sends, `down` what the upstream answers. A PostgreSQL server that listens
in a directory is proxied by listening on `<other directory>/.s.PGSQL.5432`.
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.proxied import Cut, Faults, Flow, Proxied

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.fakes.proxied import Address

__all__ = ["Cut", "FaultProxy", "Faults", "Flow", "Proxied"]


class FaultProxy:
    """The proxy; use it as an async context manager.

    `listen` is a port on 127.0.0.1 (0: any free one) or the path of a Unix socket.
    """

    def __init__(self, *, upstream: Address, listen: int | str | Path = 0) -> None:
        self.default = Faults()
        self.connections: list[Proxied] = []
        """Every connection accepted so far, in order."""
        self._upstream = upstream
        self._listen = listen
        self._queue: list[Faults] = []
        self._socket: socket.socket | None = None
        self._server: asyncio.Server | None = None
        self._waiters: set[asyncio.Future[None]] = set()

    async def __aenter__(self) -> FaultProxy:
        self._reserve()
        await self._accept()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close_listener()
        self.cut_all("rst")
        await self.wait_until(lambda: self.open_connections == 0)
        self._remove_socket_file()

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        if not isinstance(self._listen, int):
            raise TypeError("the proxy listens on a Unix socket")
        return self._listen

    @property
    def open_connections(self) -> int:
        """Connections now open."""
        return sum(c.closed_at is None for c in self.connections)

    @property
    def bytes_up(self) -> int:
        """Bytes delivered to the upstream over all connections."""
        return sum(c.passed["up"] for c in self.connections)

    @property
    def bytes_down(self) -> int:
        """Bytes delivered to clients over all connections."""
        return sum(c.passed["down"] for c in self.connections)

    def script(self, *faults: Faults) -> None:
        """Queues the faults of the next connections, one for each; afterwards `default` applies."""
        self._queue.extend(faults)

    def cut_all(self, how: Cut = "rst") -> int:
        """Cuts every open connection on both sides; returns how many."""
        cut = [c for c in self.connections if c.closed_at is None]
        for connection in cut:
            connection.cut(how)
        return len(cut)

    def stall_all(self) -> None:
        """Stalls the open connections in both directions until `release`."""
        for connection in self.connections:
            connection.stall()

    def release(self) -> None:
        """Resumes stalled connections, including scripted stalls."""
        for connection in self.connections:
            connection.release()

    async def refuse(self, refused: bool) -> None:
        """Stops listening (connections are refused, the address stays bound), or resumes."""
        listening = self._server is not None
        if refused and listening:
            self._close_listener()
            self._reserve()
        elif not refused and not listening:
            await self._accept()

    async def wait_until(self, holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """Waits for the condition, checked whenever bytes pass or a side closes."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)

    def stats(self) -> dict[str, int]:
        """The counters as a JSON object."""
        return {
            "connections": len(self.connections),
            "open_connections": self.open_connections,
            "bytes_up": self.bytes_up,
            "bytes_down": self.bytes_down,
        }

    def _reserve(self) -> None:
        """Binds the address without listening: connecting to it is refused."""
        if isinstance(self._listen, int):
            bound = socket.socket()
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(("127.0.0.1", self._listen))
            self._listen = bound.getsockname()[1]
        else:
            self._remove_socket_file()
            bound = socket.socket(socket.AF_UNIX)
            bound.bind(str(self._listen))
        self._socket = bound

    def _remove_socket_file(self) -> None:
        if not isinstance(self._listen, int):
            Path(self._listen).unlink(missing_ok=True)

    async def _accept(self) -> None:
        start = asyncio.start_server if isinstance(self._listen, int) else asyncio.start_unix_server
        self._server = await start(self._serve, sock=self._socket)

    def _close_listener(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        faults = self._queue.pop(0) if self._queue else self.default
        connection = Proxied(faults, client=(reader, writer), changed=self._changed)
        self.connections.append(connection)
        self._changed()
        await connection.run(self._upstream)

    def _changed(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

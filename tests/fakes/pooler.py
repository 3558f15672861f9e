"""A pooler for PostgreSQL in transaction mode: a session belongs to a client for one transaction.

    async with TransactionPooler(folder_of_postgres, listen=folder) as pooler: ...

Both are folders of Unix sockets. Like real poolers it assigns the session freed last, keeps a
client's session state (locks, prepared statements), and loses notifications between transactions.
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

SOCKET = ".s.PGSQL.5432"
READY = b"Z"
STARTED = b"R" + struct.pack("!ii", 8, 0)
IDLE = READY + struct.pack("!ic", 5, b"I")
ASKS = (b"Q", b"S")  # each is answered by one ReadyForQuery


async def message(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The type of a message, and the whole message."""
    head = await reader.readexactly(5)
    (length,) = struct.unpack("!i", head[1:])
    return head[:1], head + await reader.readexactly(length - 4)


@dataclass
class Session:
    """A connection to the server, with its startup messages."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeting: bytes = b""


@dataclass
class TransactionPooler:
    """At most `size` sessions for any number of clients."""

    server: Path
    listen: Path
    size: int = 4
    opened: int = 0
    _free: list[Session] = field(default_factory=list)
    _freed: asyncio.Condition = field(default_factory=asyncio.Condition)
    _clients: set[asyncio.StreamWriter] = field(default_factory=set)
    _accepting: asyncio.Server | None = None

    async def __aenter__(self) -> "TransactionPooler":
        path = self.listen / SOCKET
        self._accepting = await asyncio.start_unix_server(self._serve, path)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._accepting is not None
        self._accepting.close()
        for writer in (*self._clients, *(session.writer for session in self._free)):
            writer.transport.abort()
        while self._clients:
            await asyncio.sleep(0.001)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            (length,) = struct.unpack("!i", head := await reader.readexactly(4))
            startup = head + await reader.readexactly(length - 4)
            async with self._session(startup) as session:
                writer.write(STARTED + session.greeting + IDLE)
            coming = asyncio.ensure_future(message(reader))
            while (await coming)[0] != b"X":
                async with self._session(startup) as session:
                    coming = await self._transaction(session, reader, writer, coming)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()
            self._clients.discard(writer)

    async def _transaction(
        self,
        session: Session,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        coming: "asyncio.Task[tuple[bytes, bytes]]",
    ) -> "asyncio.Task[tuple[bytes, bytes]]":
        """Pass messages on until the server is ready outside of any transaction.

        Returns the pending read of the client's next message.
        """
        asked = 0
        answer = asyncio.ensure_future(message(session.reader))
        while True:
            await asyncio.wait({coming, answer}, return_when=asyncio.FIRST_COMPLETED)
            if coming.done():
                kind, sent = coming.result()
                session.writer.write(sent)
                asked += kind in ASKS
                coming = asyncio.ensure_future(message(reader))
            if answer.done():
                kind, received = answer.result()
                writer.write(received)
                asked -= kind == READY
                if received == IDLE and asked == 0:
                    return coming
                answer = asyncio.ensure_future(message(session.reader))

    @asynccontextmanager
    async def _session(self, startup: bytes) -> AsyncIterator[Session]:
        async with self._freed:
            while not self._free and self.opened >= self.size:
                await self._freed.wait()
            session = self._free.pop() if self._free else None
            if session is None:
                self.opened += 1
        session = session or await self._open(startup)
        try:
            yield session
        except BaseException:  # the client disconnected during a transaction
            session.writer.transport.abort()
            self.opened -= 1
            raise
        async with self._freed:
            self._free.append(session)
            self._freed.notify()

    async def _open(self, startup: bytes) -> Session:
        session = Session(*await asyncio.open_unix_connection(self.server / SOCKET))
        session.writer.write(startup)
        while True:
            kind, received = await message(session.reader)
            if kind == READY:
                return session
            if kind in {b"S", b"K"}:
                session.greeting += received

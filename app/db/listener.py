"""One LISTEN connection per process. Notices make things fast; whoever needs them also polls."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from asyncpg import Connection

from app.db.driver_errors import translated
from app.db.pool import Database
from app.domain.errors import StoreUnavailable
from app.runs.supervisor import BackgroundLoop, Supervisor

NoticeCallback = Callable[[str], None]

LOOP = "notices"

PAYLOAD_BYTES = 7900  # PostgreSQL refuses payloads of 8,000 and more

_PROBE_S = 15.0  # a connection that died silently is noticed after this
_PROBE_LIMIT_S = 5.0
_AGAIN_S = 0.1


class Listener:
    """Hands NOTIFY payloads to listeners on the event loop; reconnects for ever.

    Belongs to the loop it was started on. A notice sent while the connection is down is lost.
    """

    def __init__(self, database: Database, *, channels: tuple[str, ...]) -> None:
        self._database = database
        self._listeners: dict[str, list[NoticeCallback]] = {channel: [] for channel in channels}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listens: Callable[[], None] = _nothing

    def start(self, supervisor: Supervisor) -> None:
        """Begin to listen, under `supervisor`."""
        self._listens = partial(supervisor.succeeded, LOOP)
        self._task = supervisor.start(
            BackgroundLoop(name=LOOP, step=self._listen, every_s=_AGAIN_S, pass_s=None)
        )

    async def close(self) -> None:
        """Stop listening and close the connection."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def ready(self) -> None:
        """Wait until LISTEN is in force."""
        await self._listening.wait()

    def subscribe(self, channel: str, listener: NoticeCallback) -> Callable[[], None]:
        """Call `listener` with each payload of `channel`; returns how to unsubscribe."""
        listeners = self._listeners[channel]
        listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                listeners.remove(listener)

        return unsubscribe

    async def _listen(self) -> None:
        """Listen on one connection until it is lost; `StoreUnavailable` when it cannot be made."""
        connection = await self._database.dedicated()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            with translated(connection.is_closed):
                for channel in self._listeners:
                    await connection.add_listener(channel, self._received)
            self._listening.set()
            self._listens()
            await self._watch(connection, lost)
        finally:
            self._listening.clear()
            connection.terminate()

    async def _watch(self, connection: Connection, lost: asyncio.Event) -> None:
        """Return when the connection is gone, told by the driver or found out by asking."""
        while not lost.is_set():
            try:
                async with asyncio.timeout(_PROBE_S):
                    await lost.wait()
            except TimeoutError:
                with suppress(StoreUnavailable), translated(connection.is_closed):
                    await connection.execute("SELECT 1", timeout=_PROBE_LIMIT_S)
                    self._listens()
                    continue
                return

    def _received(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for listener in tuple(self._listeners[channel]):
            listener(str(payload))


def _nothing() -> None:
    pass


def payloads(kind: str, ids: tuple[str, ...]) -> list[str]:
    """`kind:id,id,…` in as few payloads as fit below PostgreSQL's limit."""
    chunks: list[str] = []
    current = ""
    for name in ids:
        if current and len(current.encode()) + len(name.encode()) + 1 > PAYLOAD_BYTES:
            chunks.append(current)
            current = ""
        current = f"{current},{name}" if current else f"{kind}:{name}"
    return [*chunks, current] if current else chunks

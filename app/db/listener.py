"""One LISTEN connection per process. Notices can be lost, so subscribers also poll."""

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

PAYLOAD_BYTES = 7900  # PostgreSQL rejects payloads of 8,000 bytes or more

_PROBE_S = 15.0  # a dead connection is detected after this time
_PROBE_LIMIT_S = 5.0
_RECONNECT_S = 0.1


class Listener:
    """Passes NOTIFY payloads to callbacks on the event loop. Reconnects indefinitely.

    Belongs to the loop it was started on. Notices sent while disconnected are lost.
    """

    def __init__(self, database: Database, *, channels: tuple[str, ...]) -> None:
        self._database = database
        self._listeners: dict[str, list[NoticeCallback]] = {channel: [] for channel in channels}
        self._listening = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._report_success: Callable[[], None] = _noop

    def start(self, supervisor: Supervisor) -> None:
        """Start listening, under `supervisor`."""
        self._report_success = partial(supervisor.succeeded, LOOP)
        self._task = supervisor.start(
            BackgroundLoop(name=LOOP, step=self._listen, every_s=_RECONNECT_S, pass_s=None)
        )

    async def close(self) -> None:
        """Stop listening and close the connection."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def ready(self) -> None:
        """Wait until LISTEN is active."""
        await self._listening.wait()

    def subscribe(self, channel: str, listener: NoticeCallback) -> Callable[[], None]:
        """Call `listener` with each payload of `channel`. Returns the unsubscribe function."""
        listeners = self._listeners[channel]
        listeners.append(listener)

        def unsubscribe() -> None:
            with suppress(ValueError):
                listeners.remove(listener)

        return unsubscribe

    async def _listen(self) -> None:
        """Listen until the connection is lost. Raises `StoreUnavailable` if it cannot be opened."""
        connection = await self._database.dedicated()
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _: lost.set())
        try:
            with translated(connection.is_closed):
                for channel in self._listeners:
                    await connection.add_listener(channel, self._received)
            self._listening.set()
            self._report_success()
            await self._wait_lost(connection, lost)
        finally:
            self._listening.clear()
            connection.terminate()

    async def _wait_lost(self, connection: Connection, lost: asyncio.Event) -> None:
        """Return when the driver or a probe reports that the connection is lost."""
        while not lost.is_set():
            try:
                async with asyncio.timeout(_PROBE_S):
                    await lost.wait()
            except TimeoutError:
                with suppress(StoreUnavailable), translated(connection.is_closed):
                    await connection.execute("SELECT 1", timeout=_PROBE_LIMIT_S)
                    self._report_success()
                    continue
                return

    def _received(self, _connection: object, _pid: int, channel: str, payload: object) -> None:
        for listener in tuple(self._listeners[channel]):
            listener(str(payload))


def _noop() -> None:
    pass


def payloads(kind: str, ids: tuple[str, ...]) -> list[str]:
    """`kind:id,id,…` in as few payloads as PostgreSQL's limit allows."""
    chunks: list[str] = []
    current = ""
    for name in ids:
        if current and len(current.encode()) + len(name.encode()) + 1 > PAYLOAD_BYTES:
            chunks.append(current)
            current = ""
        current = f"{current},{name}" if current else f"{kind}:{name}"
    return [*chunks, current] if current else chunks

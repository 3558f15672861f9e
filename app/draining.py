"""Lets running answers end before the server does, whichever way the server was started.

Stock uvicorn closes its listeners on SIGTERM and runs the lifespan's end after all streams ended.
So the server's signal handlers are wrapped: draining begins at the signal, with listeners open
(new questions get 503, follow and stop are served), and the server's own handler is called when
the answers have ended. Viewers that do not read what they were sent get a last moment: stock
uvicorn would wait for them for ever.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn

from app.runs.tasks import TaskTracker

LAST_MOMENT_S = 3

Handler = Callable[[int, FrameType | None], object]


class SignalDrain:
    """The first signal drains and then reaches the server; a second one ends it at once."""

    def __init__(self, drain: Callable[[], Awaitable[None]], tasks: TaskTracker) -> None:
        self._drain = drain
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._wrapped: dict[int, Handler] = {}
        self._signalled = False

    def install(self) -> None:
        """Wrap what the server installed; does nothing outside the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            if not callable(handler) or handler is signal.default_int_handler:
                continue  # nobody serves: there is nothing to wrap
            try:
                signal.signal(number, self._received)
            except ValueError:
                return
            self._wrapped[number] = handler
            _limit_waiting(handler)

    def remove(self) -> None:
        """Put the server's handlers back."""
        for number, handler in self._wrapped.items():
            if signal.getsignal(number) == self._received:
                signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        if self._signalled:
            self._wrapped[number](number, frame)
            self._force(frame)
            return
        self._signalled = True
        self._loop.call_soon_threadsafe(self._begin, number)

    def _force(self, frame: FrameType | None) -> None:
        """The server takes a second SIGINT as "now"."""
        if signal.SIGINT in self._wrapped:
            self._wrapped[signal.SIGINT](signal.SIGINT, frame)

    def _begin(self, number: int) -> None:
        self._tasks.spawn(self._drain_then_pass_on(number), name="drain")

    async def _drain_then_pass_on(self, number: int) -> None:
        await self._drain()
        self._wrapped[number](number, None)


def _limit_waiting(handler: Handler) -> None:
    """The time uvicorn waits for open connections after its handler was called."""
    server = getattr(handler, "__self__", None)
    if isinstance(server, uvicorn.Server) and server.config.timeout_graceful_shutdown is None:
        server.config.timeout_graceful_shutdown = LAST_MOMENT_S

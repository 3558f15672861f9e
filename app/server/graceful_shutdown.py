"""Lets running answers finish before the server stops, however the server was started.

Uvicorn closes its listeners on SIGTERM and ends the lifespan after all streams have ended. Its
signal handlers are therefore wrapped: draining starts at the signal, with open listeners (new
questions get 503; follow and stop are served), and uvicorn's handler is called once the answers
have ended. Viewers that do not read get a short grace period, because uvicorn would wait for them
indefinitely.

A second signal ends the answers immediately. It is forwarded only after they are closed: otherwise
uvicorn would cancel its requests, no viewer would get a terminal event, and the runs would stay
open.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from typing_extensions import override

from app.runs.tasks import TaskTracker

CLOSE_S = 3
FORCED_CLOSE_S = 1

Handler = Callable[[int, FrameType | None], object]


class _CancellationFilter(logging.Filter):
    """Hides tracebacks of requests and of the lifespan that the server cancels at shutdown."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """The server logs the number of requests itself. A cancelled lifespan is logged as text."""
        if record.exc_info:
            return not isinstance(record.exc_info[1], asyncio.CancelledError)
        return not record.getMessage().rstrip().endswith("asyncio.exceptions.CancelledError")


class GracefulShutdown:
    """The first signal drains, then stops the server. The second ends the answers immediately.

    The third stops the server immediately.
    """

    def __init__(
        self,
        drain: Callable[[], Awaitable[None]],
        tasks: TaskTracker,
        *,
        end_now: Callable[[], None],
    ) -> None:
        self._drain = drain
        self._end_now = end_now
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._wrapped: dict[int, Handler] = {}
        self._received_numbers: set[int] = set()
        self._forced = False
        self._forwarded = False
        self._filter = _CancellationFilter()

    def install(self) -> None:
        """Wrap the server's signal handlers. Does nothing outside the main thread."""
        for number in (signal.SIGTERM, signal.SIGINT):
            handler = signal.getsignal(number)
            if not callable(handler) or handler is signal.default_int_handler:
                continue  # no server is running
            try:
                signal.signal(number, self._received)
            except ValueError:
                return
            self._wrapped[number] = handler
            _limit_close_time(handler, CLOSE_S)

    def remove(self) -> None:
        """Restore the server's handlers."""
        for number, handler in self._wrapped.items():
            if signal.getsignal(number) == self._received:
                signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        is_first = not self._received_numbers
        # After the terminal's SIGINT, uvicorn's supervisor sends a SIGTERM of its own.
        is_repeated = number == signal.SIGINT or number in self._received_numbers
        self._received_numbers.add(number)
        if is_first:
            self._loop.call_soon_threadsafe(self._start_drain, number)
        elif not is_repeated:
            return
        elif self._forced or self._forwarded:
            self._force_server(number, frame)
        else:
            self._forced = True
            self._loop.call_soon_threadsafe(self._force_answers)

    def _force_server(self, number: int, frame: FrameType | None) -> None:
        """Force the server to exit, as it does on a second SIGINT."""
        self._wrapped[number](number, frame)
        if signal.SIGINT in self._wrapped:
            self._wrapped[signal.SIGINT](signal.SIGINT, frame)

    def _start_drain(self, number: int) -> None:
        logging.getLogger("uvicorn.error").addFilter(self._filter)
        self._tasks.spawn(self._drain_then_forward(number), name="drain")

    def _force_answers(self) -> None:
        for handler in self._wrapped.values():
            _limit_close_time(handler, FORCED_CLOSE_S)
        self._end_now()

    async def _drain_then_forward(self, number: int) -> None:
        await self._drain()
        self._forwarded = True
        self._wrapped[number](number, None)


def _limit_close_time(handler: Handler, seconds: int) -> None:
    """Limit how long uvicorn waits for open connections after its handler was called."""
    server = getattr(handler, "__self__", None)
    if isinstance(server, uvicorn.Server):
        known = server.config.timeout_graceful_shutdown
        server.config.timeout_graceful_shutdown = seconds if known is None else min(known, seconds)

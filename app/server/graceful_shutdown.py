"""Lets running answers end before the server does, whichever way the server was started.

Stock uvicorn closes its listeners on SIGTERM and runs the lifespan's end after all streams ended.
So the server's signal handlers are wrapped: draining begins at the signal, with listeners open
(new questions get 503, follow and stop are served), and the server's own handler is called when
the answers have ended. Viewers that do not read what they were sent get a last moment: stock
uvicorn would wait for them for ever.

A second signal ends the answers at once. It is not passed on before they are closed: the server
would cancel its requests, so that no viewer got an end and the runs stayed open.
"""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from types import FrameType

import uvicorn
from typing_extensions import override

from app.runs.tasks import TaskTracker

LAST_MOMENT_S = 3
HURRIED_MOMENT_S = 1

Handler = Callable[[int, FrameType | None], object]


class _Cancellations(logging.Filter):
    """Hides the traceback of what the server cancels when it shuts down: requests, its lifespan."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """The server says itself how many requests there were; a lifespan's end comes as text."""
        if record.exc_info:
            return not isinstance(record.exc_info[1], asyncio.CancelledError)
        return not record.getMessage().rstrip().endswith("asyncio.exceptions.CancelledError")


class GracefulShutdown:
    """The first signal drains and then reaches the server; a second one ends the answers at once.

    A third one ends the server itself at once.
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
        self._hurried = False
        self._passed_on = False
        self._filter = _Cancellations()

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
            _limit_waiting(handler, LAST_MOMENT_S)

    def remove(self) -> None:
        """Put the server's handlers back."""
        for number, handler in self._wrapped.items():
            if signal.getsignal(number) == self._received:
                signal.signal(number, handler)

    def _received(self, number: int, frame: FrameType | None) -> None:
        is_first = not self._received_numbers
        # uvicorn's supervisor follows the terminal's SIGINT with a SIGTERM of its own.
        is_repeated = number == signal.SIGINT or number in self._received_numbers
        self._received_numbers.add(number)
        if is_first:
            self._loop.call_soon_threadsafe(self._begin, number)
        elif not is_repeated:
            return
        elif self._hurried or self._passed_on:
            self._force(number, frame)
        else:
            self._hurried = True
            self._loop.call_soon_threadsafe(self._hurry)

    def _force(self, number: int, frame: FrameType | None) -> None:
        """The server takes a second SIGINT as "now"."""
        self._wrapped[number](number, frame)
        if signal.SIGINT in self._wrapped:
            self._wrapped[signal.SIGINT](signal.SIGINT, frame)

    def _begin(self, number: int) -> None:
        logging.getLogger("uvicorn.error").addFilter(self._filter)
        self._tasks.spawn(self._drain_then_pass_on(number), name="drain")

    def _hurry(self) -> None:
        for handler in self._wrapped.values():
            _limit_waiting(handler, HURRIED_MOMENT_S)
        self._end_now()

    async def _drain_then_pass_on(self, number: int) -> None:
        await self._drain()
        self._passed_on = True
        self._wrapped[number](number, None)


def _limit_waiting(handler: Handler, seconds: int) -> None:
    """The longest time uvicorn waits for open connections after its handler was called."""
    server = getattr(handler, "__self__", None)
    if isinstance(server, uvicorn.Server):
        known = server.config.timeout_graceful_shutdown
        server.config.timeout_graceful_shutdown = seconds if known is None else min(known, seconds)

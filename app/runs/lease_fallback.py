"""Renews the lease from a thread while the event loop is blocked.

Without it, a loop that is blocked for longer than the lease loses every run of its process. A loop
blocked for `GIVE_UP_S` still counts as dead.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

ALIVE_EVERY_S: Final = 0.5
STALLED_S: Final = 3.0
"""The thread renews after this many seconds without a heartbeat; well within the lease."""
RENEW_S: Final = 2.0
CHECK_S: Final = 1.0
GIVE_UP_S: Final = 60.0


class LeaseFallback:
    """One per event loop, which calls `alive` every `ALIVE_EVERY_S`. `renew` may block."""

    def __init__(
        self, renew: Callable[[], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._renew = renew
        self._monotonic = monotonic
        self._alive_at = monotonic()
        self._renewed_at = float("-inf")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lease fallback", daemon=True)

    async def alive(self) -> None:
        """The event loop is running and renews the lease itself."""
        self._alive_at = self._monotonic()

    def start(self) -> None:
        """Monitor from a thread until `close`."""
        self._thread.start()

    def close(self) -> None:
        """Stop the thread without waiting for a renewal in progress."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.wait(CHECK_S):
            self.check()

    def check(self) -> None:
        """Renew the lease if a renewal is due."""
        now = self._monotonic()
        silence = now - self._alive_at
        if not STALLED_S < silence < GIVE_UP_S or now - self._renewed_at < RENEW_S:
            return
        self._renewed_at = now
        log.warning("The event loop has been blocked for %.0f s: renewing its lease", silence)
        try:
            self._renew()
        except Exception:
            log.exception("The lease of a blocked event loop could not be renewed")

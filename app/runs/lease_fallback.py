"""Renews the lease from a thread while the event loop is stalled by its own work.

Without it, a loop that computes for longer than the lease loses every run of its process. A loop
that stands still for `GIVE_UP_S` counts as dead all the same: nobody would read its answers again.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

log = logging.getLogger(__name__)

ALIVE_EVERY_S: Final = 0.5
STALLED_S: Final = 3.0
"""Silence of the loop after which the thread renews: it must be noticed well within the lease."""
RENEW_S: Final = 2.0
LOOK_S: Final = 1.0
GIVE_UP_S: Final = 60.0


class LeaseFallback:
    """One per event loop, which calls `alive` every `ALIVE_EVERY_S`; `renew` may block."""

    def __init__(
        self, renew: Callable[[], None], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._renew = renew
        self._monotonic = monotonic
        self._alive_at = monotonic()
        self._renewed_at = float("-inf")
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="lease fallback", daemon=True)

    async def alive(self) -> None:
        """The event loop is at work: it renews its lease itself."""
        self._alive_at = self._monotonic()

    def start(self) -> None:
        """Watch from a thread until `close`."""
        self._thread.start()

    def close(self) -> None:
        """End the thread; a renewal that is under way is not waited for."""
        self._closed.set()

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """Renew once if that is due."""
        now = self._monotonic()
        silence = now - self._alive_at
        if not STALLED_S < silence < GIVE_UP_S or now - self._renewed_at < RENEW_S:
            return
        self._renewed_at = now
        log.warning("The event loop stands still for %.0f s: renewing the lease for it", silence)
        try:
            self._renew()
        except Exception:
            log.exception("The lease could not be renewed for a stalled event loop")

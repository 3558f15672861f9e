"""Ends the running answers of a process at shutdown."""

import asyncio
import logging
from collections.abc import Iterable

from app.domain.encoding import counted
from app.runs.active_run import LiveRun
from app.runs.ports import Clock

log = logging.getLogger(__name__)

FINAL_SAVE_S = 6.0
FORCED_SAVE_S = 2.0
"""Limit for saving answers after a forced shutdown. The next process closes unsaved runs."""


class Shutdown:
    """Gives running answers a grace period, then ends them as interrupted. One per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._forced = False
        self._saving = False
        self._limit: asyncio.Timeout | None = None

    def end_now(self) -> None:
        """End running answers now, without the rest of their grace period."""
        log.warning("Shutting down now: running answers are closed as interrupted")
        self._forced = True
        if self._limit is not None and not self._limit.expired():
            soon = asyncio.get_running_loop().time() + (FORCED_SAVE_S if self._saving else 0)
            self._limit.reschedule(min(soon, self._limit.when() or soon))

    async def end(self, runs: Iterable[LiveRun], grace_s: float) -> None:
        """Wait `grace_s` for `runs`, cancel the rest, and wait until they are saved."""
        running = [run for run in runs if not run.closed.is_set()]
        if not running:
            return
        if not self._forced:
            log.info("Draining: %s", _describe_grace(len(running), grace_s))
            if await self._wait_closed(running, grace_s):
                return
        self._saving = True
        for run in running:
            run.cancel("drained", at=self._clock.monotonic())
        await self._wait_closed(running, FORCED_SAVE_S if self._forced else FINAL_SAVE_S)

    async def _wait_closed(self, runs: list[LiveRun], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds) as limit:
                self._limit = limit
                for run in runs:
                    await run.closed.wait()
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return True


def _describe_grace(answers: int, grace_s: float) -> str:
    verb, them = ("has", "it") if answers == 1 else ("have", "them")
    whose = counted(answers, "answer")
    return f"{whose} {verb} {grace_s:g} s to finish; a second Ctrl-C ends {them} now"

"""How the running answers of a process end with it."""

import asyncio
import logging
from collections.abc import Iterable

from app.domain.encoding import counted
from app.runs.active_run import LiveRun
from app.runs.ports import Clock

log = logging.getLogger(__name__)

LAST_SAVES_S = 6.0
HURRIED_SAVES_S = 2.0
"""For saving answers that were ended at once. The next process closes what is not saved by then."""


class Shutdown:
    """Gives running answers a grace, then ends them as interrupted. One per process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._hurried = False
        self._saving = False
        self._limit: asyncio.Timeout | None = None

    def end_now(self) -> None:
        """End running answers without what is left of their grace."""
        log.warning("Shutting down at once: running answers are closed as interrupted")
        self._hurried = True
        if self._limit is not None and not self._limit.expired():
            soon = asyncio.get_running_loop().time() + (HURRIED_SAVES_S if self._saving else 0)
            self._limit.reschedule(min(soon, self._limit.when() or soon))

    async def end(self, runs: Iterable[LiveRun], grace_s: float) -> None:
        """Wait `grace_s` for `runs`, cancel what is left, wait a moment until it is saved."""
        running = [run for run in runs if not run.over.is_set()]
        if not running:
            return
        if not self._hurried:
            log.info("Draining: %s", _grace_told(len(running), grace_s))
            if await self._all_over(running, grace_s):
                return
        self._saving = True
        for run in running:
            run.cancel("drained", at=self._clock.monotonic())
        await self._all_over(running, HURRIED_SAVES_S if self._hurried else LAST_SAVES_S)

    async def _all_over(self, runs: list[LiveRun], seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds) as limit:
                self._limit = limit
                for run in runs:
                    await run.over.wait()
        except TimeoutError:
            return False
        finally:
            self._limit = None
        return True


def _grace_told(answers: int, grace_s: float) -> str:
    verb, them = ("has", "it") if answers == 1 else ("have", "them")
    whose = counted(answers, "answer")
    return f"{whose} {verb} {grace_s:g} s to finish; a second Ctrl-C ends {them} at once"

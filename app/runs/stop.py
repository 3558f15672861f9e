"""Stops a run from any replica; the owner confirms before the stop is reported."""

import asyncio
import logging
from dataclasses import replace

from app.domain.errors import NotFound
from app.domain.principals import Principal
from app.runs.active_run import CancelReason, LiveRun
from app.runs.ports import Clock, Receipt, RunLog, RunRecord
from app.runs.run_signals import RunSignals

log = logging.getLogger(__name__)

RECEIPT_WAIT_S = 5.0
UNSAVED_GRACE_S = 2.0  # an owner without its database confirms after 5 s
RECORD_POLL_S = 0.25
REQUEST_POLL_S = 1.0
NO_RUN = "There is no such run. If one starts under this id within a minute, it ends immediately."


class Stopper:
    """Cancels runs of this process and requests stops from the owners of others."""

    def __init__(
        self,
        run_log: RunLog,
        live: dict[str, LiveRun],
        *,
        signals: RunSignals,
        clock: Clock,
        process_id: str,
    ) -> None:
        self._log = run_log
        self._live = live
        self._signals = signals
        self._clock = clock
        self._process_id = process_id

    def cancel(self, run: LiveRun, reason: CancelReason) -> bool:
        """Cancel a run of this process; False when it was already ending."""
        cancelled = run.cancel(reason, at=self._clock.monotonic())
        if cancelled:
            log.info(
                "Stream cancelled by client (run %s)", run.run_id, extra={"run_id": run.run_id}
            )
        return cancelled

    def requested(self, run_id: str) -> None:
        """Handle a stop forwarded by another process. Ids of other processes' runs are ignored."""
        run = self._live.get(run_id)
        if run is not None:
            self.cancel(run, "stopped")

    async def stop(self, principal: Principal, run_id: str) -> Receipt | None:
        """Stop the run. Returns the receipt once the owner confirms, None if it does not.

        Raises `NotFound` for an unknown or foreign id. The id is still remembered for this
        principal: a run that starts under it within 60 s ends immediately.
        """
        run = self._live.get(run_id)
        if run is not None and not run.fenced:
            if run.record.owner_id != principal.owner_id:
                raise NotFound(NO_RUN)
            return await self._stop_own(run)
        record = await self._log.request_stop(principal, run_id, at=self._clock.now())
        if record is None:
            raise NotFound(NO_RUN)
        if record.status != "running":
            return replace(_receipt(record), already=True)
        return await self._confirmed(principal, record)

    async def _stop_own(self, run: LiveRun) -> Receipt | None:
        cancelled = self.cancel(run, "stopped")
        try:
            async with asyncio.timeout(RECEIPT_WAIT_S + UNSAVED_GRACE_S):
                await run.closed.wait()
        except TimeoutError:
            return None
        if run.receipt is None:
            return Receipt(
                stopped=False,
                already=True,
                upstream_closed=None,
                upstream_closed_ms=None,
                tokens_kept=run.upstream.deltas,
                message_id=run.record.message_id,
            )
        return replace(run.receipt, already=not cancelled)

    async def _confirmed(self, principal: Principal, record: RunRecord) -> Receipt | None:
        deadline = self._clock.monotonic() + RECEIPT_WAIT_S
        while self._clock.monotonic() < deadline:
            await self._signals.wait_for(record.run_id, RECORD_POLL_S)
            record = await self._log.record(principal, record.run_id) or record
            if record.status != "running":
                return _receipt(record)
        return None

    async def poll(self) -> None:
        """Poll for stop requests every `REQUEST_POLL_S`, in case a notice is lost."""
        if any(not run.stopping for run in self._live.values()):
            for run_id in await self._log.stops_requested(self._process_id):
                self.requested(run_id)


def _receipt(record: RunRecord) -> Receipt:
    """The stored receipt, or one with `already_ended`."""
    return record.receipt or Receipt(
        stopped=False,
        already=True,
        upstream_closed=None,
        upstream_closed_ms=None,
        tokens_kept=0,
        message_id=record.message_id,
    )

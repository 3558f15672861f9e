"""The real clock. Tests pass another."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `runs.ports.Clock`."""

    def now(self) -> datetime:
        """UTC now."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """`time.monotonic()`."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """`asyncio.sleep`."""
        await asyncio.sleep(seconds)

"""When the process runs a full garbage collection."""

from app.server.garbage_collection import BUSY_GROWTH, IDLE_GROWTH, MEGABYTE, GarbageCollector


class Process:
    """A process whose memory and streams are set by hand."""

    def __init__(self) -> None:
        self.resident = 300 * MEGABYTE
        self.freed = 0
        self.streams = 0
        self.collections = 0
        self.collector = GarbageCollector(
            lambda: self.streams, resident=lambda: self.resident, collect=self.collect
        )

    def collect(self) -> None:
        self.collections += 1
        self.resident -= self.freed

    async def grow(self, size: int) -> int:
        """The number of full collections."""
        before = self.collections
        self.resident += size
        await self.collector.check()
        return self.collections - before


async def test_a_process_at_rest_collects_after_little_growth() -> None:
    process = Process()
    assert await process.grow(0) == 0
    assert await process.grow(IDLE_GROWTH - 1) == 0
    assert await process.grow(1) == 1
    assert await process.grow(0) == 0


async def test_streams_are_held_up_only_for_much_growth() -> None:
    process = Process()
    await process.grow(0)
    process.streams = 100
    assert await process.grow(BUSY_GROWTH - 1) == 0
    assert await process.grow(1) == 1
    process.streams = 0
    assert await process.grow(IDLE_GROWTH - 1) == 0


async def test_what_is_alive_is_looked_through_once_for_each_growth() -> None:
    """Memory in use is no reason to collect again and again."""
    process = Process()
    process.streams = 100
    await process.grow(0)
    collections = [await process.grow(10 * MEGABYTE) for _ in range(100)]
    assert sum(collections) == 10


async def test_growth_counts_from_the_least_since_then() -> None:
    process = Process()
    await process.grow(0)
    process.freed = 50 * MEGABYTE
    await process.grow(IDLE_GROWTH)
    assert await process.grow(-20 * MEGABYTE) == 0
    assert await process.grow(IDLE_GROWTH) == 1

"""A bulk upload never delays another user's single file."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from app.ingest.jobs.fair_queue import FairQueue


async def test_people_take_turns() -> None:
    queue = FairQueue[str]()
    for number in range(1_000):
        queue.put("ann", f"ann {number}")
    queue.put("ben", "ben 0")
    queue.put("ben", "ben 1")
    queue.put("cleo", "cleo 0")
    got = [await queue.get() for _ in range(6)]
    assert got == ["ann 0", "ben 0", "cleo 0", "ann 1", "ben 1", "ann 2"]


async def test_who_waits_is_woken() -> None:
    queue = FairQueue[int]()
    waiting = [asyncio.ensure_future(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.put("ann", 1)
    queue.put("ben", 2)
    assert sorted(await asyncio.gather(*waiting)) == [1, 2]


@given(st.lists(st.sampled_from("abc")))
def test_nothing_is_lost_and_each_keeps_their_order(owners: list[str]) -> None:
    async def served() -> list[tuple[str, int]]:
        queue = FairQueue[tuple[str, int]]()
        for number, owner in enumerate(owners):
            queue.put(owner, (owner, number))
        return [await queue.get() for _ in owners]

    got = asyncio.run(served())
    assert sorted(got) == sorted(zip(owners, range(len(owners)), strict=True))
    for owner in set(owners):
        of_one = [number for name, number in got if name == owner]
        assert of_one == sorted(of_one)

"""Issue 17.9: a pool that shrinks to the server's limit, and serves waiters in order."""

import asyncio

import pytest

from app.db.connection_limit import GROW_AFTER_S, ConnectionLimit


class Clock:
    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


async def entered(limit: ConnectionLimit, names: list[int], name: int) -> None:
    await limit.enter()
    names.append(name)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_as_there_may_be_and_then_in_order() -> None:
    limit, names = ConnectionLimit(2), list[int]()
    asking = [asyncio.ensure_future(entered(limit, names, number)) for number in range(5)]
    await turns()
    assert names == [0, 1]
    for expected in (2, 3, 4):
        limit.leave()
        await turns()
        assert names[-1] == expected
    assert all(task.done() for task in asking)


async def test_a_refusal_shrinks_it_and_time_lets_it_grow_one_by_one() -> None:
    clock = Clock()
    limit, names = ConnectionLimit(8, monotonic=clock), list[int]()
    for number in range(5):
        await entered(limit, names, number)
    limit.leave()  # the fifth was refused: four are open
    limit.refused(4)
    assert limit.current == 4
    waiting = [asyncio.ensure_future(entered(limit, names, number)) for number in (5, 6)]
    await turns()
    assert names == [0, 1, 2, 3, 4]
    clock.seconds = GROW_AFTER_S
    for number in range(7, 11):
        waiting.append(asyncio.ensure_future(entered(limit, names, number)))
        await turns()
        assert (limit.current, names[-1]) == (number - 2, number - 2)
        clock.seconds += GROW_AFTER_S
    assert limit.current == limit.limit == 8
    for _ in range(2):
        limit.leave()
    await asyncio.gather(*waiting)


async def test_one_connection_is_left_when_none_is_open() -> None:
    limit = ConnectionLimit(4)
    limit.refused(0)
    assert limit.current == 1


@pytest.mark.parametrize("served", [False, True])
async def test_whoever_gives_up_takes_no_turn_along(served: bool) -> None:
    limit, names = ConnectionLimit(1), list[int]()
    await limit.enter()
    leaving = asyncio.ensure_future(entered(limit, names, 1))
    staying = asyncio.ensure_future(entered(limit, names, 2))
    await turns()
    if served:
        limit.leave()  # its turn comes in the same moment
    leaving.cancel()
    await turns()
    if not served:
        limit.leave()
        await turns()
    assert names == [2]
    assert (leaving.cancelled(), staying.done()) == (True, True)

"""I20.1m: several searches run at the same time, end together, and are merged."""

import asyncio

import pytest

from app.domain.errors import StoreUnavailable
from app.domain.models import Candidate, Correction, Passage, SearchResult
from app.graph.parallel_search import interleaved, merged, together


def found(name: str) -> Candidate:
    passage = Passage(name, "s", "Title", "document", 0, "Text.")
    return Candidate(passage, score=1.0, cosine=1.0, bm25=1.0, coverage=1.0)


def test_the_best_of_each_come_first_and_none_twice() -> None:
    lists = [[found(one) for one in names] for names in ("abc", "xb", "")]
    assert [one.passage.passage_id for one in interleaved(lists)] == ["a", "x", "b", "c"]
    assert interleaved([]) == []


def test_results_are_one() -> None:
    typo = Correction(typed="ibuprofin", searched="ibuprofen")
    results = [
        SearchResult((found("a"),), 12, 3, corrected=(typo,)),
        SearchResult((found("b"),), 12, 3, corrected=(typo,)),
    ]
    made = merged(results)
    assert [one.passage.passage_id for one in made.candidates] == ["a", "b"]
    assert (made.searched_passages, made.searched_sources, made.corrected) == (12, 3, (typo,))


async def test_they_run_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    async def step(value: int) -> int:
        await both.wait()
        return value

    assert await together([step(1), step(2)]) == [1, 2]


async def test_one_that_fails_ends_the_others() -> None:
    ended = asyncio.Event()

    async def fails() -> None:
        raise StoreUnavailable

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(StoreUnavailable):
        await together([waits(), fails()])
    assert ended.is_set()


async def test_a_stop_ends_all_of_them() -> None:
    started, ended = asyncio.Barrier(3), list[int]()

    async def waits(number: int) -> None:
        await started.wait()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(number)

    task = asyncio.create_task(together([waits(1), waits(2)]))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [1, 2]

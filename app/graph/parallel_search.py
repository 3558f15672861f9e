"""Runs several searches for one question concurrently and merges their results."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

from app.domain.models import Candidate, SearchResult

T = TypeVar("T")


async def together(steps: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Runs the searches concurrently; the first failure, or a stop, cancels the others."""
    if len(steps) == 1:
        return [await steps[0]]
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(step) for step in steps]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def merged(results: Sequence[SearchResult]) -> SearchResult:
    """The results of several searches as one; each passage once."""
    first = results[0]
    corrections = dict.fromkeys(one for result in results for one in result.corrected)
    return SearchResult(
        tuple(interleaved([result.candidates for result in results])),
        searched_passages=first.searched_passages,
        searched_sources=first.searched_sources,
        reading=first.reading,
        corrected=tuple(corrections),
    )


def interleaved(lists: Sequence[Sequence[Candidate]]) -> list[Candidate]:
    """The first of each list, then the second of each, and so on; each passage once."""
    found: dict[str, Candidate] = {}
    for rank in range(max(map(len, lists), default=0)):
        for one in lists:
            if rank < len(one):
                found.setdefault(one[rank].passage.passage_id, one[rank])
    return list(found.values())

"""One tracker for every background task: named, kept alive, logged and awaited."""

import asyncio
import logging
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from app.domain.errors import CitestreamError

T = TypeVar("T")

log = logging.getLogger(__name__)


class TaskTracker:
    """Owns the tasks of one event loop. A failed task is logged, never lost."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def __iter__(self) -> Iterator["asyncio.Task[Any]"]:
        return iter(tuple(self._tasks))

    def spawn(
        self, work: Coroutine[object, object, T], *, name: str, awaited: bool = False
    ) -> "asyncio.Task[T]":
        """Start `work` on the running loop. The tracker keeps a reference until it ends.

        `awaited`: the caller awaits the task, so a `CitestreamError` is not logged here.
        """
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._answered if awaited else self._ended)
        return task

    def _answered(self, task: "asyncio.Task[Any]") -> None:
        purposeful = not task.cancelled() and isinstance(task.exception(), CitestreamError)
        if purposeful:
            self._tasks.discard(task)
        else:
            self._ended(task)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Task %s failed", task.get_name(), exc_info=error)

    async def close(self) -> None:
        """Cancel all running tasks and wait until they have ended."""
        while self._tasks:
            tasks = tuple(self._tasks)
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

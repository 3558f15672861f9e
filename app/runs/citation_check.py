"""Finds the citations of an answer off the event loop, and never at the price of the answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.domain.models import Citation, Passage
from app.text.citations import cite

log = logging.getLogger(__name__)

MAX_CITING_S: Final = 1.0
"""Of processor time for one answer: an ordinary one takes 10 ms. The rest stays unchecked."""
LONG_ANSWER: Final = 20_000
"""Characters; answers from this length on wait for each other, not the others for them."""

Citer = Callable[[str, tuple[Passage, ...]], tuple[Citation, ...]]
"""(answer, numbered passages) -> citations, in order of first appearance. Pure, but slow."""

# One thread each: several that compute would hold the interpreter against the event loop.
_ORDINARY: Final = ThreadPoolExecutor(1, thread_name_prefix="citing")
_LONG: Final = ThreadPoolExecutor(1, thread_name_prefix="citing-long")


def cite_in_time(
    text: str, passages: tuple[Passage, ...], *, clock: Callable[[], float] = time.thread_time
) -> tuple[Citation, ...]:
    """The citations, checked for at most `MAX_CITING_S` of `clock` (this thread's own time)."""
    until = clock() + MAX_CITING_S
    return cite(text, passages, time_left=lambda: clock() < until)


async def cited(cite: Citer, text: str, passages: tuple[Passage, ...]) -> tuple[Citation, ...]:
    """The citations; none when checking them fails, because the answer itself must end.

    Checking takes about 6 ms per 1,000 characters of answer: other streams go on meanwhile.
    """
    if not text:
        return ()
    executor = _ORDINARY if len(text) < LONG_ANSWER else _LONG
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, cite, text, passages)
    except Exception:
        log.exception("The citations of an answer could not be judged")
        return ()

"""Finds the citations of an answer off the event loop. A failure never fails the answer."""

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from app.domain.models import Citation, Passage
from app.text.citations import cite

log = logging.getLogger(__name__)

MAX_CITATION_CHECK_S: Final = 1.0
"""Limit of processor time per answer; a typical one takes 10 ms. The rest stays unverified."""
LONG_ANSWER: Final = 20_000
"""Characters. Longer answers share a separate thread, so that others do not wait for them."""

Citer = Callable[[str, tuple[Passage, ...]], tuple[Citation, ...]]
"""(answer, numbered passages) -> citations in order of first appearance. Pure, CPU-bound."""

# One thread each: several busy threads would keep the interpreter lock from the event loop.
_ORDINARY: Final = ThreadPoolExecutor(1, thread_name_prefix="citing")
_LONG: Final = ThreadPoolExecutor(1, thread_name_prefix="citing-long")


def cite_within_limit(
    text: str, passages: tuple[Passage, ...], *, clock: Callable[[], float] = time.thread_time
) -> tuple[Citation, ...]:
    """Find the citations, verified for at most `MAX_CITATION_CHECK_S` of `clock` (thread time)."""
    until = clock() + MAX_CITATION_CHECK_S
    return cite(text, passages, time_left=lambda: clock() < until)


async def find_citations(
    cite: Citer, text: str, passages: tuple[Passage, ...]
) -> tuple[Citation, ...]:
    """Find the citations; empty when verification fails, because the answer must still complete.

    Takes about 6 ms per 1,000 characters in a thread, so other streams continue meanwhile.
    """
    if not text:
        return ()
    executor = _ORDINARY if len(text) < LONG_ANSWER else _LONG
    try:
        return await asyncio.get_running_loop().run_in_executor(executor, cite, text, passages)
    except Exception:
        log.exception("The citations of an answer could not be verified")
        return ()

"""Word-piece counters that behave in a reader process as hostile files do. Picklable."""

import os
import re
import time
from typing import Final

_EXPONENTIAL: Final = re.compile(r"(?:a|aa)+\Z")
_HOARD: list[bytes] = []


def counts_words(text: str) -> int:
    """A well-behaved counter."""
    return len(text.split())


def breaks_without_memory(text: str) -> int:
    """Fails after freeing the 200 MB that it had, as libraries do that cannot get more."""
    hoard = [b"x" * (2**20 + number) for number in range(200)]
    time.sleep(1)
    hoard.clear()
    time.sleep(1)
    os.abort()


def misbehaves(text: str) -> int:
    """Misbehaves as a word of the text demands."""
    if "SPIN" in text:
        while True:
            pass
    if "HOLD" in text:  # one C call that never releases the GIL
        _EXPONENTIAL.match("a" * 90 + "b")
    if "HOARD" in text:
        while True:
            _HOARD.append(os.urandom(2**20))
    if "SLEEP" in text:
        time.sleep(3_600)
    if "CRASH" in text:
        os.abort()
    if "PRINT" in text:
        os.write(1, b"d\xff\xff\xff\xff nonsense")
    if "BREAK" in text:
        raise IndexError("a parser's own mistake")
    return len(text.split())

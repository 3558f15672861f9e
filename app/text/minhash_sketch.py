"""MinHash sketches of texts, compared by `app/text/minhash.py`.

A sketch holds the smallest hashes of all five-word shingles (Broder 1997, "On the resemblance and
containment of documents"). The share of common hashes estimates the share of common shingles,
within about 0.04 at a similarity of 0.8.
"""

import zlib
from typing import Final

import numpy as np

from app.text.minhash import SKETCH_SIZE
from app.text.tokens import WORD

_RUN: Final = 5  # words
_MIN_COUNT: Final = 20  # hashes; shorter texts are similar by chance
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xBF58476D1CE4E5B9)


def sketch(text: str) -> tuple[int, ...]:
    """The smallest 64-bit hashes, ascending; empty for a text that is too short to compare."""
    words = WORD.findall(text.casefold())
    hashes = np.array([zlib.crc32(word.encode()) for word in words], np.uint64)
    if len(hashes) < _RUN:
        return ()
    runs = np.zeros(len(hashes) - _RUN + 1, np.uint64)
    for at in range(_RUN):
        runs = runs * _FACTOR + hashes[at : len(hashes) - _RUN + 1 + at]
    runs = (runs ^ (runs >> np.uint64(31))) * _MIX
    runs ^= runs >> np.uint64(29)
    smallest = np.unique(runs.view(np.int64))[:SKETCH_SIZE]
    return tuple(int(one) for one in smallest) if len(smallest) >= _MIN_COUNT else ()

"""How alike two texts are, from sketches made by `app/text/minhash_sketch.py`."""

from collections.abc import Sequence
from typing import Final

SIZE: Final = 128
"""Hashes of a sketch."""
ALIKE: Final = 0.8
"""From here two sources are called near-duplicates: a new version, an export, a copy with notes."""


def resemblance(one: Sequence[int], other: Sequence[int]) -> float:
    """0 to 1: the share of the smallest hashes of both that both have."""
    smallest = sorted({*one, *other})[: min(SIZE, max(len(one), len(other)))]
    common = {*one} & {*other}
    return sum(hash_ in common for hash_ in smallest) / len(smallest) if smallest else 0.0

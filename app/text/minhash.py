"""Estimates the similarity of two texts from sketches made by `app/text/minhash_sketch.py`."""

from collections.abc import Sequence
from typing import Final

SKETCH_SIZE: Final = 128
"""Number of hashes in a sketch."""
NEAR_DUPLICATE: Final = 0.8
"""Similarity from which two sources are near-duplicates: versions, exports, annotated copies."""


def estimate_similarity(one: Sequence[int], other: Sequence[int]) -> float:
    """0 to 1: the share of the smallest hashes of the union that both sketches contain."""
    smallest = sorted({*one, *other})[: min(SKETCH_SIZE, max(len(one), len(other)))]
    common = {*one} & {*other}
    return sum(hash_ in common for hash_ in smallest) / len(smallest) if smallest else 0.0

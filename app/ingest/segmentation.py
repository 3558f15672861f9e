"""Splits a sequence of parts into passages at minimum cost, by dynamic programming."""

from collections.abc import Sequence
from typing import Final

FORCED: Final = -1.0
"""The price of a mandatory cut."""


def cut(sizes: Sequence[int], prices: Sequence[float], *, limit: int) -> list[tuple[int, int]]:
    """Half-open ranges that cover all parts in order, each with a total size of at most `limit`.

    `prices[i]` is the cost of a cut before part `i`; `prices[0]` is ignored. Each passage costs 1,
    plus up to 1 more the emptier it is, which favours few passages of even size. A part larger
    than `limit` gets its own range.
    """
    best = [0.0]
    came_from = [0]
    for end in range(1, len(sizes) + 1):
        cost, origin = _cheapest_start(sizes, prices, best, end, limit)
        best.append(cost)
        came_from.append(origin)
    ranges: list[tuple[int, int]] = []
    end = len(sizes)
    while end > 0:
        ranges.append((came_from[end], end))
        end = came_from[end]
    return ranges[::-1]


def _cheapest_start(
    sizes: Sequence[int], prices: Sequence[float], best: Sequence[float], end: int, limit: int
) -> tuple[float, int]:
    """The minimum cost of a passage that ends before part `end`, and its start."""
    cheapest, origin, size = float("inf"), end - 1, 0
    for start in range(end - 1, -1, -1):
        size += sizes[start]
        if size > limit and start < end - 1:
            break
        empty = max(0.0, 1 - size / limit)
        cost = best[start] + max(0.0, prices[start]) * (start > 0) + 1 + empty**2
        if cost < cheapest:
            cheapest, origin = cost, start
        if prices[start] == FORCED:
            break
    return cheapest, origin


def cut_evenly(sizes: Sequence[int], *, limit: int) -> list[tuple[int, int]]:
    """Like `cut` with equal prices, in one pass: few ranges of about equal size."""
    ranges: list[tuple[int, int]] = []
    begin, left = 0, sum(sizes)
    while begin < len(sizes):
        target = left / -(-left // limit)
        end, size = begin + 1, sizes[begin]
        while end < len(sizes) and size + sizes[end] <= min(limit, target + sizes[end] / 2):
            size += sizes[end]
            end += 1
        ranges.append((begin, end))
        begin, left = end, left - size
    return ranges

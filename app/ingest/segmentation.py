"""Where to cut a sequence of parts into passages: the cheapest cuts, found exactly."""

from collections.abc import Sequence
from typing import Final

FORCED: Final = -1.0
"""As a price: a cut that is always made."""


def cut(sizes: Sequence[int], prices: Sequence[float], *, limit: int) -> list[tuple[int, int]]:
    """Half-open ranges that cover all parts in order, each at most `limit` large in sum.

    `prices[i]` is what a cut before part `i` costs (`prices[0]` is not looked at). Besides, every
    passage costs 1, and up to 1 more the emptier it is, so that passages are few and even. A part
    that is larger than `limit` gets a range of its own.
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
    """The cost of the best way to end a passage before part `end`, and where it starts."""
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
    """As `cut` with one price for all, in one pass: few ranges, about equally large."""
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

"""Exact top passages by BM25 in a large library, without scoring every passage.

A term contributes less than k1 + 1 times its idf, so the terms of a passage bound its score.
Passages with a rare term are scored first; the score of the hundredth excludes passages with too
few of the other terms (MaxScore, Turtle and Flood 1995, over an inverted index).
"""

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record
from pgvector import SparseVector

TOP_K: Final = 100
_MAX_TERM_WEIGHT: Final = 1.7  # k1 + 1 of `lexical_weights`
_CHEAP_PASSAGES: Final = 4_000  # passages that may be fetched without need
_MAX_SHARE: Final = 0.25  # share of all passages from which a full scan is cheaper
_MAX_SETS: Final = 64
_MAX_TERMS: Final = 32  # more terms, such as a pasted page, are scanned
_DIMENSIONS: Final = 1_000_000_000

Scores = dict[int, float]
Fetch = Callable[[list[int] | list[str], SparseVector], Awaitable[Sequence[Record]]]
"""Takes lexemes, or sets of them as arrays' texts, and the weights of all terms."""


@dataclass(frozen=True, slots=True)
class Term:
    """A lexeme of the question that occurs in the library."""

    number: int
    passages: int
    idf: float


async def top_passages(terms: Sequence[Term], total: int, fetch: Fetch) -> list[int] | None:
    """The passages that a scan of all `total` would find best, best first.

    Fewer than a scan where words of every fourth passage would be all that the others have.
    `terms` are rarest first. None when a scan is the shorter way.
    """
    if len(terms) > _MAX_TERMS:
        return None
    # pgvector's Python counts dimensions from 0, its SQL from 1.
    weights = SparseVector({term.number - 1: term.idf for term in terms}, _DIMENSIONS)
    found: Scores = {}
    used = 0
    while len(found) < TOP_K and used < len(terms):
        taken = _take_terms(terms, used, total)
        if sum(term.passages for term in terms[:taken]) > total * _MAX_SHARE:
            return _top(found) if found else None
        used = taken
        found = _scores(await fetch([term.number for term in terms[:used]], weights))
    if used < len(terms):
        bound = min(found[passage] for passage in _top(found))
        sets = list(_candidate_sets(terms[used:], bound))
        if len(sets) > _MAX_SETS or _expected_matches(sets, total) > total * _MAX_SHARE:
            return None
        if sets:
            texts = ["{" + ",".join(str(term.number) for term in one) + "}" for one in sets]
            found |= _scores(await fetch(texts, weights))
    return _top(found)


def _take_terms(terms: Sequence[Term], used: int, total: int) -> int:
    """How many of the rarest terms to fetch: at least one more, enough for `TOP_K` passages, and
    further ones while they are cheap."""
    most = int(total * _MAX_SHARE)
    taken = used + 1
    passages = sum(term.passages for term in terms[:taken])
    for term in terms[taken:]:
        if passages + term.passages > (most if passages < TOP_K else min(_CHEAP_PASSAGES, most)):
            break
        passages += term.passages
        taken += 1
    return taken


def _candidate_sets(terms: Sequence[Term], bound: float) -> Iterator[tuple[Term, ...]]:
    """The minimal term sets that could reach the bound; at most `_MAX_SETS` + 1."""
    yielded = 0
    pending: list[tuple[tuple[Term, ...], int]] = [((), 0)]
    while pending and yielded <= _MAX_SETS:
        chosen, begin = pending.pop()
        if chosen and _MAX_TERM_WEIGHT * sum(term.idf for term in chosen) >= bound:
            yielded += 1
            yield chosen
            continue
        upper_bound = sum(term.idf for term in (*chosen, *terms[begin:]))
        if _MAX_TERM_WEIGHT * upper_bound >= bound:
            pending += [((*chosen, terms[at]), at + 1) for at in range(begin, len(terms))]


def _expected_matches(sets: Sequence[tuple[Term, ...]], total: int) -> float:
    """Expected number of matching passages, if terms were independent."""
    return sum(total * math.prod(term.passages / total for term in one) for one in sets)


def _top(found: Scores) -> list[int]:
    return sorted(found, key=lambda passage: (-found[passage], passage))[:TOP_K]


def _scores(rows: Sequence[Record]) -> Scores:
    return {row["passage"]: row["score"] for row in rows}

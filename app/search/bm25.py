"""The best passages by BM25 out of very many: the exact ones, without comparing all of them.

A passage weighs a term less than k1 + 1 times its idf, so the terms that it has bound its score.
The passages with a rare term come first; what the hundredth of them scores rules out whatever has
too few of the other terms (the idea of MaxScore, Turtle and Flood 1995, over an inverted index).
"""

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from asyncpg import Record
from pgvector import SparseVector

WANTED: Final = 100
_MOST: Final = 1.7  # k1 + 1 of `lexical_weights`
_FEW: Final = 4_000  # passages that are fetched without need, at most
_MANY: Final = 0.25  # of all passages: comparing the rest too costs little more
_SETS: Final = 64
_TERMS: Final = 32  # a pasted page has too many sets to think about, and nothing rare stands out
_DIMENSIONS: Final = 1_000_000_000

Scores = dict[int, float]
Fetch = Callable[[list[int] | list[str], SparseVector], Awaitable[Sequence[Record]]]
"""Takes lexemes, or sets of them as arrays' texts, and the weights of all terms."""


@dataclass(frozen=True, slots=True)
class Term:
    """A lexeme of the question that the library has."""

    number: int
    passages: int
    idf: float


async def top_passages(terms: Sequence[Term], of: int, fetch: Fetch) -> list[int] | None:
    """The passages that a scan of all `of` would find best, best first.

    Fewer than a scan where words of every fourth passage would be all that the others have.
    `terms` are rarest first. None when a scan is the shorter way.
    """
    if len(terms) > _TERMS:
        return None
    # pgvector's Python counts dimensions from 0, its SQL from 1.
    weights = SparseVector({term.number - 1: term.idf for term in terms}, _DIMENSIONS)
    found: Scores = {}
    used = 0
    while len(found) < WANTED and used < len(terms):
        taken = _enough(terms, used, of)
        if sum(term.passages for term in terms[:taken]) > of * _MANY:
            return _best(found) if found else None
        used = taken
        found = _scores(await fetch([term.number for term in terms[:used]], weights))
    if used < len(terms):
        bound = min(found[passage] for passage in _best(found))
        sets = list(_sets(terms[used:], bound))
        if len(sets) > _SETS or _expected(sets, of) > of * _MANY:
            return None
        if sets:
            texts = ["{" + ",".join(str(term.number) for term in one) + "}" for one in sets]
            found |= _scores(await fetch(texts, weights))
    return _best(found)


def _enough(terms: Sequence[Term], used: int, of: int) -> int:
    """How many of the rarest to take: one more at least, those without which there cannot be as
    many passages as wanted, and all that cost next to nothing."""
    most = int(of * _MANY)
    taken = used + 1
    passages = sum(term.passages for term in terms[:taken])
    for term in terms[taken:]:
        if passages + term.passages > (most if passages < WANTED else min(_FEW, most)):
            break
        passages += term.passages
        taken += 1
    return taken


def _sets(terms: Sequence[Term], bound: float) -> Iterator[tuple[Term, ...]]:
    """The smallest sets of terms with which a passage could reach the bound; one over `_SETS`."""
    given = 0
    pending: list[tuple[tuple[Term, ...], int]] = [((), 0)]
    while pending and given <= _SETS:
        chosen, begin = pending.pop()
        if chosen and _MOST * sum(term.idf for term in chosen) >= bound:
            given += 1
            yield chosen
            continue
        reach = sum(term.idf for term in (*chosen, *terms[begin:]))
        if _MOST * reach >= bound:
            pending += [((*chosen, terms[at]), at + 1) for at in range(begin, len(terms))]


def _expected(sets: Sequence[tuple[Term, ...]], of: int) -> float:
    """How many passages have them, if terms knew nothing of each other."""
    return sum(of * math.prod(term.passages / of for term in one) for one in sets)


def _best(found: Scores) -> list[int]:
    return sorted(found, key=lambda passage: (-found[passage], passage))[:WANTED]


def _scores(rows: Sequence[Record]) -> Scores:
    return {row["passage"]: row["score"] for row in rows}

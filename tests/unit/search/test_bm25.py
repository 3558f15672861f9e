"""The top passages of a large library equal those of a full scan."""

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pgvector import SparseVector

from app.search import bm25
from app.search.bm25 import TOP_K, Term, top_passages

SIZE = 3000


class Library:
    """Passages as weighted by a search index; counts calls, and passages asked for."""

    def __init__(self, seed: int, shares: Sequence[float]) -> None:
        chance = random.Random(seed)
        self.passages = {
            number: {
                term: chance.uniform(0.2, 1.69)
                for term, share in enumerate(shares, start=1)
                if chance.random() < share
            }
            for number in range(SIZE)
        }
        self.asked = 0
        self.fetched = 0

    def terms(self) -> list[Term]:
        counts: dict[int, int] = {}
        for passage in self.passages.values():
            for term in passage:
                counts[term] = counts.get(term, 0) + 1
        known = [
            Term(term, count, float(SparseVector({0: idf(count)}, 1).values()[0]))
            for term, count in counts.items()
        ]
        return sorted(known, key=lambda term: (term.passages, term.number))

    async def fetch(self, wanted: list[int] | list[str], weights: SparseVector) -> Any:
        sets = [{int(part) for part in str(one).strip("{}").split(",")} for one in wanted]
        chosen = [
            number
            for number, passage in self.passages.items()
            if any(one <= passage.keys() for one in sets)
        ]
        self.asked += 1
        self.fetched += len(chosen)
        return self.best(chosen, weights)

    def best(self, chosen: Sequence[int], weights: SparseVector) -> list[dict[str, Any]]:
        factors = dict(zip(weights.indices(), weights.values(), strict=True))
        rows = [
            {
                "passage": number,
                "score": sum(
                    weight * factors.get(term - 1, 0.0)
                    for term, weight in self.passages[number].items()
                ),
            }
            for number in chosen
        ]
        rows.sort(key=lambda row: (-row["score"], row["passage"]))
        return [row for row in rows if row["score"] > 0][:TOP_K]

    def scanned(self) -> list[int]:
        weights = SparseVector({one.number - 1: one.idf for one in self.terms()}, 10**9)
        return [row["passage"] for row in self.best(list(self.passages), weights)]


def idf(passages: int) -> float:
    return math.log(1 + (SIZE - passages + 0.5) / (passages + 0.5))


@settings(max_examples=50)
@given(
    seed=st.integers(0, 2**32),
    shares=st.lists(st.sampled_from([0.01, 0.03, 0.08, 0.3, 0.6]), max_size=7),
)
async def test_it_finds_what_a_scan_finds(seed: int, shares: list[float]) -> None:
    """All but passages that have nothing but words of every fourth."""
    library = Library(seed, shares)
    found, scanned = (
        await top_passages(library.terms(), SIZE, library.fetch),
        library.scanned(),
    )
    if found is not None and len(found) < TOP_K:
        common = {term.number for term in library.terms() if term.passages > SIZE / 8}
        assert all(library.passages[left].keys() <= common for left in {*scanned} - {*found})
    elif found is not None:
        assert found == scanned


@pytest.mark.parametrize(
    ("shares", "most"),
    [
        ((0.05,), 0.07),  # a rare word alone
        ((0.05, 0.1, 0.6), 0.16),  # … makes common ones needless
        ((0.06, 0.06, 0.06, 0.06), 0.3),
        ((0.02, 0.6), 0.03),  # fewer than wanted, and the next word would bring nearly all
    ],
)
async def test_it_fetches_few(shares: Sequence[float], most: float) -> None:
    library = Library(7, shares)
    found = await top_passages(library.terms(), SIZE, library.fetch)
    assert found
    assert len(found) < TOP_K or found == library.scanned()
    assert library.fetched <= most * SIZE


async def test_it_asks_once_when_the_rarest_cannot_be_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bm25, "_CHEAP_PASSAGES", TOP_K)
    library = Library(7, (0.02, 0.1))
    assert await top_passages(library.terms(), SIZE, library.fetch) == library.scanned()
    assert library.asked == 1


@pytest.mark.parametrize("shares", [(0.6,), (0.5, 0.5, 0.5), (0.3, 0.4)])
async def test_it_leaves_to_a_scan_what_nearly_all_have(shares: Sequence[float]) -> None:
    library = Library(7, shares)
    assert await top_passages(library.terms(), SIZE, library.fetch) is None
    assert library.fetched < SIZE / 4


async def test_it_leaves_a_pasted_page_to_a_scan() -> None:
    """Thinking about the sets of hundreds of words would hold every stream up for seconds."""
    library = Library(7, [0.005] * 400)
    assert await top_passages(library.terms(), SIZE, library.fetch) is None
    assert library.fetched == 0


async def test_without_known_words_nothing_is_fetched() -> None:
    library = Library(7, ())
    assert await top_passages([], SIZE, library.fetch) == []
    assert library.fetched == 0

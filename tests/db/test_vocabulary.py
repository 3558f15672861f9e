"""The library's knowledge of words, for those who may read them."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.models import Correction, Filters, WordUse
from app.domain.ports import Vector
from app.domain.principals import Principal
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.vocabulary import LibraryVocabulary, known_words
from tests.db.library import ANA, BEN, EMBEDDER, embedded, new_source, store

ENGLISH = frozenset("maximum dose cost host most what effects".split())  # noqa: SIM905


@pytest.fixture
def library(database: Database) -> LibraryStore:
    return LibraryStore(database)


@pytest.fixture
def words(database: Database) -> LibraryVocabulary:
    return LibraryVocabulary(database, is_word=ENGLISH.__contains__)


async def stored_medicines(library: LibraryStore) -> None:
    await store(
        library,
        "The recommended dose of ibuprofen is small.",
        "Take ibuprofen with water.",
        source=new_source("i.md", title="Ibuprofen"),
    )
    await store(
        library,
        "Its effects are monitored by blood tests.",
        source=new_source("w.md", title="Warfarin sheet", content="2"),
    )


async def test_titles_and_the_words_of_their_sources(
    library: LibraryStore, words: LibraryVocabulary
) -> None:
    await stored_medicines(library)
    use = await words.word_use(ANA, ["monitored", "dose", "zolpidem"], ["warfarin", "ibuprofen"])
    assert use == WordUse(
        titled=frozenset({"warfarin", "ibuprofen"}),
        absent=frozenset({"zolpidem"}),
        within={"warfarin": frozenset({"monitored"}), "ibuprofen": frozenset({"dose"})},
    )
    assert await words.word_use(ANA, [], []) == WordUse()
    odd = await words.word_use(ANA, ["a'b", "c\\d", "the", "x\0y"], ["'; --", "été"])
    assert odd.titled == frozenset()


async def test_words_of_sources_that_one_may_not_read_count_as_absent(
    library: LibraryStore, words: LibraryVocabulary
) -> None:
    await stored_medicines(library)
    use = await words.word_use(BEN, ["ibuprofen", "dose"], ["warfarin"])
    assert use == WordUse(absent=frozenset({"ibuprofen", "dose"}))
    await store(
        library,
        "Zolpidem is shared.",
        source=new_source("z.md", title="Zolpidem", content="3", shared=True),
    )
    assert (await words.word_use(BEN, ["zolpidem"], [])).titled == {"zolpidem"}


async def corrections(
    words: LibraryVocabulary, query: str, *, owner: Principal = ANA
) -> list[tuple[str, str]]:
    found = await words.corrections(owner, query, query.split())
    return [(one.typed, one.searched) for one in found]


async def test_typing_errors_are_corrected_to_the_librarys_own_words(
    library: LibraryStore, words: LibraryVocabulary
) -> None:
    await stored_medicines(library)
    assert await corrections(words, "maximum recomended dose ibuprofin") == [
        ("recomended", "recommended"),
        ("ibuprofin", "ibuprofen"),
    ]
    assert await corrections(words, "efects montiored") == [
        ("efects", "effects"),
        ("montiored", "monitored"),
    ]
    assert await corrections(words, "warfrain effects") == [("warfrain", "warfarin")]
    # Also if the stem is correct, or the second letter wrong.
    assert await corrections(words, "recommendes") == []
    assert await corrections(words, "monitared ibuprofan") == [
        ("monitared", "monitored"),
        ("ibuprofan", "ibuprofen"),
    ]
    # Real words, words of the library and words that resemble none stay unchanged.
    assert await corrections(words, "most ibuprofen zolpidem") == []
    assert await corrections(words, "") == []
    # Stems may match where words do not, and requests address us, not the library.
    await store(library, "Summer.", source=new_source("s.md", title="Season", content="4"))
    assert await corrections(words, "summarizing summarize discussing") == []


async def test_nobody_is_corrected_to_a_word_they_may_not_read(
    library: LibraryStore, words: LibraryVocabulary
) -> None:
    await stored_medicines(library)
    assert await corrections(words, "ibuprofin", owner=BEN) == []
    # Another's word is unknown to Ben: his own spelling of it is corrected by his own source.
    await store(library, "ibuprofan is Ben's spelling", owner=BEN)
    assert await corrections(words, "ibuprofen", owner=BEN) == [("ibuprofen", "ibuprofan")]
    assert await corrections(words, "ibuprofen", owner=ANA) == []


class HashedWords:
    """An embedder without a vocabulary."""

    name = EMBEDDER
    dimensions = 32

    async def embed_query(self, text: str) -> Vector:
        return await embedded(text)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([await embedded(text) for text in texts])


async def test_a_query_with_typing_errors_is_searched_again_without_them(
    library: LibraryStore, words: LibraryVocabulary, database: Database
) -> None:
    await stored_medicines(library)
    search = HybridSearch(PostgresPassageIndex(database), HashedWords(), words)
    found = await search.search(ANA, "recomended dose ibuprofin", filters=Filters(), limit=5)
    assert found.corrected == (
        Correction(typed="recomended", searched="recommended"),
        Correction(typed="ibuprofin", searched="ibuprofen"),
    )
    assert found.candidates[0].passage.text.startswith("The recommended dose")
    assert found.candidates[0].bm25 > 0
    plain = await search.search(ANA, "recommended dose ibuprofen", filters=Filters(), limit=5)
    assert plain.corrected == ()


async def test_a_known_word_outside_the_filter_is_no_typing_error(
    library: LibraryStore, words: LibraryVocabulary, database: Database
) -> None:
    await stored_medicines(library)
    recording = Filters(kinds=("recording",))
    search = HybridSearch(PostgresPassageIndex(database), HashedWords(), words)
    found = await search.search(ANA, "ibuprofen", filters=recording, limit=5)
    assert found.corrected == ()


async def test_names_that_no_readable_source_has_are_unknown(
    library: LibraryStore, words: LibraryVocabulary
) -> None:
    await stored_medicines(library)
    await store(library, "Call load_dotenv first.", source=new_source("d.md", content="5"))

    async def unknown(*names: str, plain: tuple[str, ...] = (), owner: Principal = ANA) -> set[str]:
        return set(await words.unknown(owner, "of what is asked", names, plain))

    assert await unknown("Zolpidem", "Ibuprofen", "E05") == {"Zolpidem", "E05"}
    assert await unknown("Ibuprofen", owner=BEN) == {"Ibuprofen"}
    # Another form, a part of a longer word, and a possible typo.
    assert await unknown("Tests", "dotenv", "Warfarine", "IBUPROFFEN") == set()
    plain = ("clozapine", "maximum", "warfarinise", "recommender")
    assert await unknown(plain=plain) == {"clozapine"}
    assert await unknown() == set()


async def test_a_search_says_which_names_no_source_has(
    library: LibraryStore, words: LibraryVocabulary, database: Database
) -> None:
    await stored_medicines(library)
    search = HybridSearch(PostgresPassageIndex(database), HashedWords(), words)

    async def unknown(query: str) -> tuple[str, ...]:
        return (await search.search(ANA, query, filters=Filters(), limit=5)).unknown

    assert await unknown("What is the dose of Zolpidem?") == ("Zolpidem",)
    assert await unknown("the cost of clozapine") == ("clozapine",)
    assert await unknown("What is the dose of Ibuprofin?") == ()
    assert await unknown("Was ist die Dosis von Zolpidem?") == ()
    plain = HybridSearch(PostgresPassageIndex(database), HashedWords())
    assert not (await plain.search(ANA, "a Zolpidem", filters=Filters(), limit=5)).unknown


def test_an_embedder_without_words_knows_none() -> None:
    assert known_words(HashedWords()) is None


async def test_without_a_dictionary_only_errors_that_are_not_heard_are_corrected(
    library: LibraryStore, database: Database
) -> None:
    await stored_medicines(library)
    words = LibraryVocabulary(database, is_word=None)
    assert await corrections(words, "ibuprofin") == [("ibuprofin", "ibuprofen")]
    assert await corrections(words, "ibuprolen") == []

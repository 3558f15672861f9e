"""What the library knows of words: titles for follow-up questions, spellings for typing errors.

Only sources that the principal can read count, so that nobody learns a word of another's.
"""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, runtime_checkable

from asyncpg import Record

from app.db.library_rows import storable
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.models import Correction, WordUse
from app.domain.principals import Principal
from app.search.query_terms import FRAMING_WORDS, REQUEST_WORDS
from app.text.names import derivation_stem
from app.text.spelling import MIN_LENGTH, closest, edit_distance, is_typing_error, patterns
from app.text.stop_words import seems_english
from app.text.tokens import norm

SQL = load_queries("vocabulary", package="app.search")

MAX_WORDS: Final = 200  # of a conversation that are looked up
MAX_CORRECTED: Final = 4  # words of a query that are looked up; more are another language
_COMMON_PASSAGES: Final = 1_000
"""A lexeme of more passages than this is taken for readable: finding one could take long."""
_MAX_SPELLINGS: Final = 8


@runtime_checkable
class WordList(Protocol):
    """An embedder whose vocabulary has the words of a language."""

    def knows_word(self, word: str) -> bool:
        """Whether the vocabulary has this word, in lower case, perhaps with an ending."""
        ...


def known_words(embedder: object) -> Callable[[str], bool] | None:
    """What tells words from typing errors; None with an embedder that cannot."""
    return embedder.knows_word if isinstance(embedder, WordList) else None


class LibraryVocabulary:
    """Implements `WordLookup` and `Vocabulary`."""

    def __init__(self, database: Database, *, is_word: Callable[[str], bool] | None) -> None:
        """`is_word`: whether a word in lower case is English; None: nobody knows."""
        self._database = database
        self._is_word = is_word

    async def word_use(
        self, principal: Principal, asked: Sequence[str], earlier: Sequence[str]
    ) -> WordUse:
        rows = await self._database.fetch(
            SQL["read_word_use"],
            principal.owner_id,
            list(principal.groups),
            [storable(word) for word in asked[:MAX_WORDS]],
            [storable(word) for word in earlier[-MAX_WORDS:]],
            _COMMON_PASSAGES,
        )
        within: dict[str, set[str]] = {}
        for row in rows:
            for title_word in row["within"]:
                within.setdefault(title_word, set()).add(row["word"])
        return WordUse(
            titled=frozenset(row["word"] for row in rows if row["titled"]),
            absent=frozenset(row["word"] for row in rows if row["absent"]),
            within={title_word: frozenset(words) for title_word, words in within.items()},
        )

    async def corrections(
        self, principal: Principal, query: str, words: Sequence[str]
    ) -> tuple[Correction, ...]:
        """Of those words that no readable source has, or only spelled otherwise.

        `words`: those of the query that no passage has as they are written.
        """
        unknown = [word for word in words if not self._is_known(word)]
        if not 0 < len(unknown) <= MAX_CORRECTED:
            return ()
        reader = (principal.owner_id, list(principal.groups))
        english = self._is_word is not None and seems_english(query.lower().split())
        found = [
            await self._spelling(reader, row["word"], row["lexeme"], english=english)
            if row["absent"]
            else await self._own_spelling(reader, row["word"], row["lexeme"])
            for row in await self._lexemes(reader, unknown)
        ]
        return tuple(one for one in found if one is not None)

    async def unknown(
        self, principal: Principal, query: str, names: Sequence[str], words: Sequence[str]
    ) -> tuple[str, ...]:
        """The names that no readable source has, not even within a word, or misspelt.

        Of the words, only those that no dictionary has; without a dictionary none.
        """
        plain = () if self._is_word is None else [one for one in words if not self._is_known(one)]
        asked = tuple(dict.fromkeys((*names, *plain)))
        if not 0 < len(asked) <= MAX_CORRECTED:
            return ()
        reader = (principal.owner_id, list(principal.groups))
        absent = {
            row["word"]: row["lexeme"]
            for row in await self._lexemes(reader, asked)
            if row["absent"]
        }
        if not absent:
            return ()
        parts = {
            word: lexeme if word in names else derivation_stem(lexeme)
            for word, lexeme in absent.items()
        }
        rows = await self._database.fetch(SQL["find_within"], *reader, list(parts.values()))
        within = {row["part"] for row in rows}
        english = seems_english(query.lower().split())
        return tuple(
            [
                word
                for word, lexeme in absent.items()
                if parts[word] not in within
                and await self._spelling(reader, word, lexeme, english=english) is None
            ]
        )

    async def _lexemes(
        self, reader: tuple[str, list[str]], words: Sequence[str]
    ) -> Sequence[Record]:
        return await self._database.fetch(
            SQL["find_lexemes"], *reader, [storable(word) for word in words], _COMMON_PASSAGES
        )

    async def _own_spelling(
        self, reader: tuple[str, list[str]], word: str, lexeme: str
    ) -> Correction | None:
        """Of a word with the lexeme of another: "bonfirs" for "bonfires"."""
        rows = await self._database.fetch(SQL["find_spelling"], *reader, [lexeme])
        lower = word.lower()
        for row in rows:
            spelling = closest(word, row["text"])
            is_ending = spelling.startswith(lower) or lower.startswith(spelling)
            if not is_ending and is_typing_error(lower, spelling, careful=word[0].isupper()):
                return Correction(typed=word, searched=spelling)
        return None

    def _is_known(self, word: str) -> bool:
        """Whether a word need not be in the library to be one."""
        if norm(word) in REQUEST_WORDS | FRAMING_WORDS:
            return True
        return self._is_word is not None and self._is_word(word.lower())

    async def _spelling(
        self, reader: tuple[str, list[str]], word: str, lexeme: str, *, english: bool
    ) -> Correction | None:
        if len(lexeme) < MIN_LENGTH - 1 or not lexeme.isalpha():
            return None
        rows = await self._database.fetch(
            SQL["list_similar"],
            [lexeme[0], lexeme[1]],
            patterns(lexeme),
            len(lexeme) - 2,
            len(lexeme) + 2,
        )
        distances = {row["lexeme"]: edit_distance(lexeme, row["lexeme"], most=2) for row in rows}
        alike = sorted((one for one in distances if distances[one] <= 2), key=distances.__getitem__)
        if not alike:
            return None
        careful = not english or word[0].isupper()
        rows = await self._database.fetch(SQL["find_spelling"], *reader, alike[:_MAX_SPELLINGS])
        spellings = [
            (distance, -row["passages"], spelling)
            for row in rows
            if (spelling := closest(word, row["text"]))
            and (distance := edit_distance(word.lower(), spelling, most=2)) <= 2
            and (
                is_typing_error(word.lower(), spelling, careful=careful)
                # Another form of the word: "efect" for "effects".
                or is_typing_error(lexeme, row["lexeme"], careful=careful)
            )
        ]
        best = min(spellings, default=None)
        return None if best is None else Correction(typed=word, searched=best[2])

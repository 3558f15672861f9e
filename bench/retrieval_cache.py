"""A cache of embeddings by model and text, stored outside the repository."""

import hashlib
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.library_ports import EncodedPassage, PassageEncoder
from app.domain.ports import Vector
from app.embeddings.minilm import EncodedQuery
from app.search.rerank import QueryEncoder
from app.search.vocabulary import WordList

CHUNK: Final = 64  # texts per commit: the most that an interruption loses

Report = Callable[[int, int], None]
"""Called with the number of embedded texts and the total."""


class TokenEncoder(PassageEncoder, QueryEncoder, WordList, Protocol):
    """A model that returns the states of its tokens and knows the words of a language."""


class CachedEncoder:
    """Implements `TokenEncoder`: the model with a cache for passages.

    Questions are never cached, because their time is part of the measurement.
    """

    def __init__(
        self, model: TokenEncoder, folder: Path, *, report: Report = lambda done, of: None
    ):
        """Creates `folder` if needed; several processes may share it."""
        folder.mkdir(parents=True, exist_ok=True)
        self._model = model
        self._file = folder / "embeddings.sqlite3"
        self.report = report
        with closing(self._open()) as connection, connection:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS passages"
                " (key BLOB PRIMARY KEY, vector BLOB NOT NULL, tokens BLOB) WITHOUT ROWID"
            )

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def dimensions(self) -> int:
        return self._model.dimensions

    @property
    def max_pieces(self) -> int:
        return self._model.max_pieces

    @property
    def count(self) -> Callable[[str], int]:
        """Counts word pieces with the model's tokenizer; picklable, as reading requires."""
        return self._model.count

    def knows_word(self, word: str) -> bool:
        """Whether the model's vocabulary has it."""
        return self._model.knows_word(word)

    async def embed_query(self, text: str) -> Vector:
        """One unit vector, not cached."""
        return await self._model.embed_query(text)

    async def encode_query(self, text: str) -> EncodedQuery:
        """Vector and token states, not cached."""
        return await self._model.encode_query(text)

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), dimensions)."""
        return np.stack([one.vector for one in await self.encode_passages(texts)])

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        """One per text, in order; only texts that are not cached are computed."""
        with closing(self._open()) as connection:
            known = self._read(connection, texts)
            # Sorted by length, so that batches need little padding.
            missing = sorted(set(texts) - known.keys(), key=lambda text: (len(text), text))
            for begin in range(0, len(missing), CHUNK):
                self.report(len(known), len(known) + len(missing) - begin)
                chunk = missing[begin : begin + CHUNK]
                fresh = dict(zip(chunk, await self._model.encode_passages(chunk), strict=True))
                self._write(connection, fresh)
                known |= fresh
        self.report(len(known), len(known))
        return [known[text] for text in texts]

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._file, timeout=60)

    def _key(self, text: str) -> bytes:
        return hashlib.sha256(f"{self._model.name}\0{text}".encode()).digest()

    def _read(
        self, connection: sqlite3.Connection, texts: Sequence[str]
    ) -> dict[str, EncodedPassage]:
        known: dict[str, EncodedPassage] = {}
        for text in texts:
            row = connection.execute(
                "SELECT vector, tokens FROM passages WHERE key = ?", (self._key(text),)
            ).fetchone()
            if row is not None:
                known[text] = EncodedPassage(np.frombuffer(row[0], np.float32), row[1])
        return known

    def _write(self, connection: sqlite3.Connection, fresh: dict[str, EncodedPassage]) -> None:
        with connection:
            connection.executemany(
                "INSERT OR REPLACE INTO passages VALUES (?, ?, ?)",
                [
                    (self._key(text), one.vector.astype(np.float32).tobytes(), one.tokens)
                    for text, one in fresh.items()
                ],
            )

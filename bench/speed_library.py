"""Libraries of any size, generated once: one database each on the benchmark's own server.

Up to 10,000 passages are embedded by the local model. Further ones have generated vectors: copies
with noise. Each source is a handbook of one product; each passage states one of its properties and
continues with sentences of the sample library, so that passages have a typical length.
"""

import asyncio
import hashlib
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product
from typing import Final

import numpy as np

from app.db.embedded.server import EmbeddedServer
from app.db.library_store import LibraryStore
from app.db.migrations import migrate
from app.db.pool import Database, connect
from app.domain.library_ports import (
    EncodedPassage,
    NewPassage,
    NewSource,
    PassageEncoder,
    SourceVersion,
)
from app.domain.principals import LOCAL
from app.ingest.passages import embedded_text
from app.ingest.sample_library import SAMPLES
from bench.retrieval_cache import CachedEncoder

VERSION: Final = 1
PER_SOURCE: Final = 50
EMBEDDED: Final = 10_000
AT_ONCE: Final = 40  # handbooks with generated vectors that are stored as one source
_AT: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SYLLABLES: Final = [
    "ba",
    "co",
    "du",
    "fi",
    "ga",
    "he",
    "ji",
    "ko",
    "lu",
    "mi",
    "no",
    "pa",
    "qui",
    "ro",
    "su",
    "te",
    "vo",
    "wa",
    "xi",
    "za",
]
_PROPERTIES: Final = (
    *("storage temperature", "warranty period", "cleaning interval", "power consumption"),
    *("maximum load", "shelf life", "delivery time", "calibration procedure", "noise level"),
    *("battery capacity", "inspection schedule", "operating pressure", "spare part number"),
    *("recommended dose", "return policy", "training requirement", "water resistance"),
    *("disposal rule", "firmware version", "humidity limit", "installation height"),
    *("licence fee", "emergency contact", "test protocol", "packaging size"),
)
_KINDS: Final = ("adults", "children")

Report = Callable[[str, int, int], None]
"""Reports progress: what, done, total."""


@dataclass(frozen=True, slots=True)
class Handbook:
    """One source."""

    name: str
    passages: tuple[NewPassage, ...]
    questions: tuple[str, ...]


def handbooks(count: int) -> Iterator[Handbook]:
    """The first `count` sources, deterministic."""
    filler = _sentences()
    names = ("".join(parts).capitalize() for parts in product(_SYLLABLES, repeat=3))
    for number, name in enumerate(sorted(names, key=_shuffled)[:count]):
        chance = random.Random(number)
        told = [
            _passage(name, what, kind, chance, filler)
            for kind, what in product(_KINDS, _PROPERTIES)
        ]
        asked = [f"What is the {what} of {name} for {kind}?" for kind, what, _ in told[::7]]
        yield Handbook(name, tuple(passage for *_, passage in told), tuple(asked))


def _shuffled(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _passage(
    name: str, what: str, kind: str, chance: random.Random, filler: Sequence[str]
) -> tuple[str, str, NewPassage]:
    lead = f"The {what} of {name} for {kind} is {chance.randint(2, 999)} units."
    text = " ".join((lead, *chance.sample(filler, 4)))
    return kind, what, NewPassage(text, 0, len(text), heading=what.capitalize())


def _sentences() -> list[str]:
    found: set[str] = set()
    for file in (SAMPLES / "documents").glob("*.md"):
        found.update(re.findall(r"(?m)^[A-Z][^|#~\n]{60,160}?\.(?= |$)", file.read_text()))
    return sorted(found)


def questions(passages: int) -> list[str]:
    """Questions about a library of that size; far more than any cache holds."""
    found = [one for book in handbooks(_sources(passages)) for one in book.questions]
    random.Random(passages).shuffle(found)
    return found


def _sources(passages: int) -> int:
    return min(passages, EMBEDDED) // PER_SOURCE


async def library(
    server: EmbeddedServer, encoder: CachedEncoder, passages: int, report: Report
) -> str:
    """The name of the database with such a library, created if missing.

    One with generated vectors starts as a copy of the one without.
    """
    digest = hashlib.sha256(f"{VERSION} {encoder.name}".encode()).hexdigest()[:8]
    name = f"library_{passages}_{digest}"
    if await _exists(server, name):
        return name
    unfinished, begun = f"{name}_unfinished", 0
    await _command(server, f'DROP DATABASE IF EXISTS "{unfinished}" WITH (FORCE)')
    if passages > EMBEDDED:
        begun = EMBEDDED
        smaller = await library(server, encoder, EMBEDDED, report)
        await _command(server, f'CREATE DATABASE "{unfinished}" TEMPLATE "{smaller}"')
    else:
        await _command(server, f'CREATE DATABASE "{unfinished}"')
        await migrate(server.dsn_of(unfinished))
    await _fill(server.dsn_of(unfinished), encoder, begun, passages, report)
    await _command(server, f'ALTER DATABASE "{unfinished}" RENAME TO "{name}"')
    return name


async def fresh_copy(server: EmbeddedServer, name: str) -> str:
    """A fresh working copy, so that conversations do not accumulate between runs."""
    copy = f"{name}_copy"
    await _command(server, f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
    await _command(server, f'CREATE DATABASE "{copy}" TEMPLATE "{name}"')
    await migrate(server.dsn_of(copy))
    return server.dsn_of(copy)


async def _exists(server: EmbeddedServer, name: str) -> bool:
    connection = await connect(server.dsn)
    try:
        found = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name)
    finally:
        await connection.close()
    return found is not None


async def _command(server: EmbeddedServer, command: str) -> None:
    connection = await connect(server.dsn)
    try:
        await connection.execute(command, timeout=600)
    finally:
        await connection.close()


async def _fill(
    dsn: str, encoder: CachedEncoder, begun: int, passages: int, report: Report
) -> None:
    """Add the missing passages after the first `begun`."""
    database = await Database.open(dsn, max_size=2)
    try:
        store = LibraryStore(database)
        vectors: list[EncodedPassage] = []
        for number, book in enumerate(handbooks(_sources(passages))):
            encoded = await encoder.encode_passages(_texts(book, encoder))
            vectors += encoded
            if not begun:
                report(f"library of {passages:,}", number * PER_SOURCE, passages)
                await _store(store, book, encoded, encoder.name)
        books = list(handbooks(passages // PER_SOURCE))[_sources(passages) :]
        for begin in range(0, len(books), AT_ONCE):
            report(f"library of {passages:,}", EMBEDDED + begin * PER_SOURCE, passages)
            shelf = _bound(books[begin : begin + AT_ONCE])
            await _store(store, shelf, _generated(shelf, vectors), encoder.name)
        await database.execute("VACUUM ANALYZE")
    finally:
        await database.close()


def _bound(books: Sequence[Handbook]) -> Handbook:
    """Joins several into one source, because storing costs more per source than per passage."""
    passages = tuple(passage for book in books for passage in book.passages)
    return Handbook(books[0].name, passages, ())


def _generated(book: Handbook, vectors: Sequence[EncodedPassage]) -> list[EncodedPassage]:
    """Copies of other vectors, with noise."""
    chance = np.random.default_rng(list(book.name.encode()))
    picked = [vectors[i] for i in chance.integers(0, len(vectors), len(book.passages))]
    noise = chance.normal(0, 0.03, (len(picked), len(picked[0].vector)))
    moved = np.stack([one.vector for one in picked]) + noise
    moved = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return [EncodedPassage(vector, one.tokens) for vector, one in zip(moved, picked, strict=True)]


def _texts(book: Handbook, encoder: PassageEncoder) -> list[str]:
    title = _title(book)
    return [embedded_text(title, p.heading, p.text, encoder.count) for p in book.passages]


def _title(book: Handbook) -> str:
    return f"Handbook of {book.name}"


async def _store(
    store: LibraryStore, book: Handbook, encoded: Sequence[EncodedPassage], embedder: str
) -> None:
    text = "\n".join(passage.text for passage in book.passages)
    source = NewSource(
        origin=f"{book.name}.md",
        name=f"{book.name}.md",
        title=_title(book),
        kind="document",
        media_type="text/markdown",
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        tags=("even",) if len(book.name) % 2 == 0 else (),
    )
    pairs = list(zip(book.passages, encoded, strict=True))
    version = SourceVersion(source, pairs)
    await store.replace(LOCAL, [version], embedder=embedder, now=_AT)


def copies(server: EmbeddedServer, names: dict[int, str]) -> dict[int, str]:
    """Addresses of fresh copies of these databases."""

    async def made() -> dict[int, str]:
        return {size: await fresh_copy(server, name) for size, name in names.items()}

    return asyncio.run(made())


def prepare(
    server: EmbeddedServer, encoder: CachedEncoder, sizes: Sequence[int], report: Report
) -> dict[int, str]:
    """The databases of these sizes."""

    async def made() -> dict[int, str]:
        return {size: await library(server, encoder, size, report) for size in sizes}

    return asyncio.run(made())

"""Ingests one file: read, split into passages, embed, store."""

import asyncio
import hashlib
import logging
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from app.domain.library_ports import (
    Change,
    EncodedPassage,
    LibraryWriter,
    NewSource,
    PassageEncoder,
)
from app.domain.models import FidelityNote, Similar, SourceKind, StoredFile
from app.domain.principals import Principal
from app.ingest.expansion import Expander, Expansion, is_container
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore, regular_size
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.registry import AUDIO, check_size
from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import Request
from app.ingest.reading import ReadDocument

log = logging.getLogger(__name__)

Stage = Literal["read", "cut", "embed", "store"]

BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` passages (bytes for `read`) have passed this stage."""

    stage: Stage
    done: int
    total: int


Report = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """The result of a file. `same_as`: the name of a source with the same content."""

    source_id: str
    title: str
    kind: SourceKind
    passages: int
    change: Change
    same_as: str | None = None
    similar: tuple[Similar, ...] = ()
    notes: tuple[FidelityNote, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    data: bytes
    audio: bytes | None

    @property
    def data_hash(self) -> str:
        """Size of the file alone."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def content_hash(self) -> str:
        """Size of the file and its audio, if any."""
        content = hashlib.sha256(self.data)
        if self.audio is not None:
            content.update(hashlib.sha256(self.audio).digest())
        return content.hexdigest()


class Ingestor:
    """Stateless between files; several can be ingested concurrently."""

    def __init__(
        self,
        library: LibraryWriter,
        encoder: PassageEncoder,
        files: FileStore,
        reader: FileReader,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._library = library
        self._encoder = encoder
        self._files = files
        self._reader = reader
        self._now = now

    async def ingest(
        self,
        principal: Principal,
        incoming: IngestRequest,
        *,
        report: Report = lambda progress: None,
    ) -> Ingested:
        """Store the file, replacing its earlier version, unless the library has its content.

        An existing source gets the new tags, keeps its own, and is shared if requested. A failed or
        cancelled file leaves the library unchanged. Raises `IngestError` for a file that cannot be
        ingested, `StoreUnavailable` and `RunFailure` (embedding service) for errors that a retry
        may solve.
        """
        read = await asyncio.to_thread(_read, incoming)
        report(Progress("read", len(read.data), len(read.data)))
        same = await self._library.find_same(
            principal,
            origin=incoming.origin,
            content_hash=read.content_hash,
            embedder=self._encoder.name,
        )
        if same is not None:
            await self._library.add_labels(
                principal,
                same.source_id,
                origin=incoming.origin,
                tags=incoming.tags,
                shared=incoming.shared,
                now=self._now(),
            )
            other = same.name if same.name != incoming.name else None
            return Ingested(
                same.source_id,
                same.title,
                same.kind,
                same.passage_count,
                "unchanged",
                other,
                notes=same.notes,
            )
        document = await self._reader.read(
            Request(
                str(incoming.path.absolute()),
                incoming.name,
                read.data_hash,
            )
        )
        report(Progress("cut", len(document.passages), len(document.passages)))
        encoded = await self._embed(document, report)
        source = await self._describe(incoming, read, document)
        source_id, change = await self._library.replace(
            principal,
            source,
            list(zip(document.passages, encoded, strict=True)),
            embedder=self._encoder.name,
            now=self._now(),
            discard=self.discard,
        )
        # Another process may have deleted the last source of this content, with its files, before
        # our row was stored.
        await self._keep(incoming, read, document)
        passages = len(document.passages)
        report(Progress("store", passages, passages))
        similar = await self._library.similar(principal, source_id)
        return Ingested(
            source_id,
            document.title,
            document.kind,
            passages,
            change,
            similar=similar,
            notes=document.notes,
        )

    @asynccontextmanager
    async def expanded(self, incoming: IngestRequest) -> AsyncIterator[Expansion]:
        """The files that this one stands for: itself, and those in it, as long as this lasts."""
        if not is_container(incoming):
            yield Expansion([incoming])
            return
        folder = await asyncio.to_thread(self._files.scratch)
        try:
            yield await Expander(self._reader).expand(incoming, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files; for `LibraryWriter`."""
        await asyncio.to_thread(self._files.discard, keys)

    async def _embed(self, document: ReadDocument, report: Report) -> list[EncodedPassage]:
        encoded: list[EncodedPassage] = []
        total = len(document.passages)
        report(Progress("embed", 0, total))
        for begin in range(0, total, BATCH):
            batch = slice(begin, begin + BATCH)
            texts = [
                f"{context}\n{passage.text}"
                for context, passage in zip(
                    document.contexts[batch], document.passages[batch], strict=True
                )
            ]
            encoded += await self._encoder.encode_passages(texts)
            report(Progress("embed", len(encoded), total))
        return encoded

    async def _describe(
        self, incoming: IngestRequest, read: _Read, document: ReadDocument
    ) -> NewSource:
        original, audio = await self._keep(incoming, read, document)
        return NewSource(
            origin=incoming.origin,
            name=incoming.name,
            title=document.title,
            kind=document.kind,
            media_type=document.media_type,
            content_hash=read.content_hash,
            tags=incoming.tags,
            shared=incoming.shared,
            pages=document.pages,
            duration_s=document.duration_s,
            speakers=document.speakers,
            original=original,
            audio=audio,
            notes=document.notes,
            sketch=document.sketch,
        )

    async def _put(self, data: bytes, suffix: str, media_type: str) -> StoredFile:
        try:
            return await asyncio.to_thread(self._files.put, data, suffix, media_type)
        except OSError as error:
            log.warning("A file cannot be kept: %s", error.strerror)
            raise IngestError(f"the server cannot keep the file ({error.strerror})") from error

    async def _keep(
        self, incoming: IngestRequest, read: _Read, document: ReadDocument
    ) -> tuple[StoredFile, StoredFile | None]:
        # Stored before the row that refers to it: a crash can leave an unreferenced file, never a
        # reference without a file.
        original = await self._put(read.data, document.suffix, document.media_type)
        if read.audio is None or incoming.audio is None:
            return original, None
        suffix = incoming.audio.suffix.lower()
        try:
            audio = await self._put(read.audio, suffix, AUDIO[suffix])
        except IngestError:
            await self._library.discard_unnamed([original.key], self.discard)
            raise
        return original, audio


def _read(incoming: IngestRequest) -> _Read:
    try:
        check_size(incoming.name, regular_size(incoming.path), largest=incoming.largest)
        data = incoming.path.read_bytes()
        audio = None
        if incoming.audio is not None:
            check_size(incoming.audio.name, regular_size(incoming.audio))
            audio = incoming.audio.read_bytes()
    except OSError as error:
        raise IngestError(f"the file cannot be read ({error.strerror or error})") from error
    if not data.strip():
        raise IngestError("the file is empty")
    return _Read(data, audio)

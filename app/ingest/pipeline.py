"""Ingests files: read, split into passages, embed, store. Small files are batched."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from app.domain.errors import RunFailure
from app.domain.library_ports import (
    Change,
    EncodedPassage,
    LibraryWriter,
    NewSource,
    PassageEncoder,
    SourceVersion,
)
from app.domain.models import FidelityNote, Similar, Source, SourceKind
from app.domain.principals import Principal
from app.ingest.expansion import Expander, Expansion, is_container
from app.ingest.file_content import FileContent, Originals, keep, read_all
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.ingest_request import IngestRequest
from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import Request
from app.ingest.reading import ReadDocument

Stage = Literal["read", "cut", "embed", "store"]

BATCH: Final = 16
"""Passages per embedding call. Progress is reported after each call."""
ATTACHMENTS: Final = "attachments"
MAX_TOGETHER: Final = 200
"""Passages from which no further file is read before these are stored."""


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` passages (bytes for `read`) have completed this stage."""

    stage: Stage
    done: int
    total: int


Report = Callable[[IngestRequest, Progress], None]


@dataclass(frozen=True, slots=True)
class Ingested:
    """The result of a file. `same_as` names a source with the same content."""

    source_id: str
    title: str
    kind: SourceKind
    passages: int
    change: Change
    same_as: str | None = None
    similar: tuple[Similar, ...] = ()
    notes: tuple[FidelityNote, ...] = ()


Outcome = Ingested | IngestError | RunFailure
"""The result of a file, or the reason why there is none."""
Outcomes = dict[IngestRequest, Outcome]


@dataclass(frozen=True, slots=True)
class _Parsed:
    incoming: IngestRequest
    content: FileContent
    document: ReadDocument


class Ingestor:
    """Stateless between calls. Calls may run concurrently."""

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
        report: Report = lambda incoming, progress: None,
    ) -> Ingested:
        """Like `ingest_batch` for one file, but raises the failure."""
        (outcome,) = await self.ingest_batch(principal, [incoming], report=report)
        if isinstance(outcome, Ingested):
            return outcome
        raise outcome

    async def ingest_batch(
        self,
        principal: Principal,
        batch: Sequence[IngestRequest],
        *,
        report: Report = lambda incoming, progress: None,
    ) -> list[Outcome]:
        """Store the files, replacing earlier versions, unless the library has the same content.

        An existing source gains the new tags, and is shared if requested. A failed file leaves
        the library unchanged and does not stop the others. Files are stored in groups, each file
        entirely or not at all; cancellation omits the last ones. Raises `StoreUnavailable`.
        """
        outcomes: Outcomes = {}
        left: dict[IngestRequest, FileContent] = {}
        contents = await asyncio.to_thread(read_all, batch)
        for incoming, content in zip(batch, contents, strict=True):
            if isinstance(content, IngestError):
                outcomes[incoming] = content
                continue
            report(incoming, Progress("read", len(content.data), len(content.data)))
            left[incoming] = content
        while left:
            done = await self._ingest_distinct(principal, _distinct(left), report)
            outcomes |= done
            left = {one: content for one, content in left.items() if one not in done}
        return [outcomes[incoming] for incoming in batch]

    @asynccontextmanager
    async def expanded(self, incoming: IngestRequest) -> AsyncIterator[Expansion]:
        """Yields the files this one expands to. They exist only within the context."""
        if not is_container(incoming):
            yield Expansion([incoming])
            return
        folder = await asyncio.to_thread(self._files.scratch)
        try:
            yield await Expander(self._reader).expand(incoming, folder)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def note_attachments(
        self,
        principal: Principal,
        expansion: Expansion,
        outcomes: Mapping[str, Ingested | str],
    ) -> dict[str, Ingested]:
        """Note on each mail how many of its attachments were not read. Returns the results by name.

        `outcomes` holds all files of the expansion by name.
        """
        noted: dict[str, Ingested] = {}
        for file in expansion.files:
            mail = outcomes.get(file.name)
            if not is_container(file) or not isinstance(mail, Ingested):
                continue
            inside = [one for name, one in outcomes.items() if name.startswith(f"{file.name}/")]
            unread = sum(isinstance(one, str) for one in inside)
            notes = tuple(note for note in mail.notes if note.kind != ATTACHMENTS)
            if unread:
                notes += (FidelityNote(ATTACHMENTS, unread, len(inside)),)
            if notes != mail.notes:
                await self._library.set_notes(principal, mail.source_id, notes)
            noted[file.name] = replace(mail, notes=notes)
        return noted

    async def discard(self, keys: Sequence[str]) -> None:
        """Remove stored files; for `LibraryWriter`."""
        await asyncio.to_thread(self._files.discard, keys)

    async def _ingest_distinct(
        self, principal: Principal, files: dict[IngestRequest, FileContent], report: Report
    ) -> Outcomes:
        """The results of the first files, at least one. Origins and contents must be distinct."""
        same = await self._library.find_same(
            principal,
            {incoming.origin: content.content_hash for incoming, content in files.items()},
            embedder=self._encoder.name,
        )
        outcomes: Outcomes = {
            incoming: await self._add_labels(principal, incoming, same[incoming.origin])
            for incoming in files
            if incoming.origin in same
        }
        parsed: list[_Parsed] = []
        for incoming, document in await self._parse(
            {one: content for one, content in files.items() if one not in outcomes}
        ):
            if isinstance(document, IngestError):
                outcomes[incoming] = document
                continue
            report(incoming, Progress("cut", len(document.passages), len(document.passages)))
            parsed.append(_Parsed(incoming, files[incoming], document))
        return outcomes | await self._embed_and_store(principal, parsed, report)

    async def _add_labels(
        self, principal: Principal, incoming: IngestRequest, same: Source
    ) -> Ingested:
        if incoming.tags or incoming.shared:
            await self._library.add_labels(
                principal,
                same.source_id,
                origin=incoming.origin,
                tags=incoming.tags,
                shared=incoming.shared,
                now=self._now(),
            )
        return Ingested(
            same.source_id,
            same.title,
            same.kind,
            same.passage_count,
            "unchanged",
            same_as=same.name if same.name != incoming.name else None,
            notes=same.notes,
        )

    async def _parse(
        self, files: dict[IngestRequest, FileContent]
    ) -> list[tuple[IngestRequest, ReadDocument | IngestError]]:
        """Read the first files until they have `MAX_TOGETHER` passages."""
        requests = [
            Request(str(incoming.path.absolute()), incoming.name, content.data_hash)
            for incoming, content in files.items()
        ]
        documents = await self._reader.read_batch(requests, max_passages=MAX_TOGETHER)
        return list(zip(files, documents, strict=False))

    async def _embed_and_store(
        self, principal: Principal, parsed: Sequence[_Parsed], report: Report
    ) -> Outcomes:
        encoded, outcomes = await self._embed_each(parsed, report)
        # Stored before the rows that refer to them: a crash can leave an unreferenced file, but
        # never a reference without a file.
        kept = await self._keep([one for one in parsed if one.incoming in encoded], outcomes)
        if not kept:
            return outcomes
        changes = await self._library.replace(
            principal,
            [
                SourceVersion(
                    _describe(one, originals),
                    list(zip(one.document.passages, encoded[one.incoming], strict=True)),
                )
                for one, originals in kept
            ],
            embedder=self._encoder.name,
            now=self._now(),
            discard=self.discard,
        )
        stored = {one.incoming: change for (one, _), change in zip(kept, changes, strict=True)}
        # Another process may have deleted the last source of this content, and its files, before
        # our row was stored.
        again = [one for one, _ in await self._keep([one for one, _ in kept], outcomes)]
        similar = await self._similar(principal, [source_id for source_id, _ in changes])
        for one in again:
            source_id, change = stored[one.incoming]
            passages = len(one.document.passages)
            report(one.incoming, Progress("store", passages, passages))
            outcomes[one.incoming] = _ingested(one, source_id, change, similar.get(source_id, ()))
        return outcomes

    async def _embed_each(
        self, parsed: Sequence[_Parsed], report: Report
    ) -> tuple[dict[IngestRequest, list[EncodedPassage]], Outcomes]:
        """The embedded passages of each file, and the failures."""
        try:
            return await self._embed(parsed, report), {}
        except RunFailure as error:
            if len(parsed) == 1:
                return {}, {parsed[0].incoming: error}
        # A service may reject the texts of one file only.
        encoded: dict[IngestRequest, list[EncodedPassage]] = {}
        failures: Outcomes = {}
        for one in parsed:
            own, failed = await self._embed_each([one], report)
            encoded |= own
            failures |= failed
        return encoded, failures

    async def _embed(
        self, parsed: Sequence[_Parsed], report: Report
    ) -> dict[IngestRequest, list[EncodedPassage]]:
        texts = [
            (one, f"{context}\n{passage.text}")
            for one in parsed
            for context, passage in zip(one.document.contexts, one.document.passages, strict=True)
        ]
        encoded: dict[IngestRequest, list[EncodedPassage]] = {one.incoming: [] for one in parsed}
        for one in parsed:
            report(one.incoming, Progress("embed", 0, len(one.document.passages)))
        for begin in range(0, len(texts), BATCH):
            batch = texts[begin : begin + BATCH]
            vectors = await self._encoder.encode_passages([text for _, text in batch])
            for (one, _), vector in zip(batch, vectors, strict=True):
                encoded[one.incoming].append(vector)
            for one in {one.incoming: one for one, _ in batch}.values():
                done, total = len(encoded[one.incoming]), len(one.document.passages)
                report(one.incoming, Progress("embed", done, total))
        return encoded

    async def _keep(
        self, parsed: Sequence[_Parsed], outcomes: Outcomes
    ) -> list[tuple[_Parsed, Originals]]:
        """Store the files. Those that cannot be stored get the failure as their outcome."""
        results = await asyncio.to_thread(
            lambda: [keep(self._files, one.incoming, one.content, one.document) for one in parsed]
        )
        kept: list[tuple[_Parsed, Originals]] = []
        for one, result in zip(parsed, results, strict=True):
            if isinstance(result, IngestError):
                outcomes[one.incoming] = result
                key = self._files.key(one.content.data, one.document.suffix)
                await self._library.discard_unnamed([key], self.discard)
            else:
                kept.append((one, result))
        return kept

    async def _similar(
        self, principal: Principal, source_ids: Sequence[str]
    ) -> dict[str, tuple[Similar, ...]]:
        """For each source, similar sources that existed before it."""
        found = await self._library.similar(principal, source_ids)
        place = {source_id: number for number, source_id in enumerate(source_ids)}
        return {
            source_id: tuple(
                one for one in others if place.get(one.source_id, -1) < place[source_id]
            )
            for source_id, others in found.items()
        }


def _distinct(files: dict[IngestRequest, FileContent]) -> dict[IngestRequest, FileContent]:
    """The first file of each origin and of each content."""
    seen = Counter[str]()
    distinct: dict[IngestRequest, FileContent] = {}
    for incoming, content in files.items():
        keys = (f"origin {incoming.origin}", f"content {content.content_hash}")
        if not any(seen[key] for key in keys):
            distinct[incoming] = content
        seen.update(keys)
    return distinct


def _describe(parsed: _Parsed, originals: Originals) -> NewSource:
    incoming, document = parsed.incoming, parsed.document
    return NewSource(
        origin=incoming.origin,
        name=incoming.name,
        title=document.title,
        kind=document.kind,
        media_type=document.media_type,
        content_hash=parsed.content.content_hash,
        tags=incoming.tags,
        shared=incoming.shared,
        pages=document.pages,
        duration_s=document.duration_s,
        speakers=document.speakers,
        original=originals.original,
        audio=originals.audio,
        notes=document.notes,
        sketch=document.sketch,
    )


def _ingested(
    parsed: _Parsed, source_id: str, change: Change, similar: tuple[Similar, ...]
) -> Ingested:
    document = parsed.document
    return Ingested(
        source_id,
        document.title,
        document.kind,
        len(document.passages),
        change,
        similar=similar,
        notes=document.notes,
    )

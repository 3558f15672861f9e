"""Expands a file that contains files (an archive, mail with attachments) into files to ingest."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import Final

from app.ingest.file_reader import FileReader
from app.ingest.files import regular_size
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.members import CONTAINERS, MAX_DEPTH, MAX_MEMBER_BYTES, MAX_MEMBERS
from app.ingest.loaders.registry import AUDIO, TRANSCRIPTS, check_size
from app.ingest.parsed_document import IngestError
from app.ingest.reader_frames import Unpacked, UnpackRequest

TOO_DEEP: Final = f"it is nested {MAX_DEPTH} files deep; extract it and add it separately"


@dataclass(slots=True)
class Expansion:
    """What to ingest: the file itself if it has its own text, then its members in order.

    `failures` holds names of members that cannot be extracted, with reasons; `pictures` the number
    of images by archive name. `origins` holds the origins of the file and all members; what is
    below an origin in `unknown` was not examined.
    """

    files: list[IngestRequest] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    pictures: dict[str, int] = field(default_factory=dict)
    origins: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    members: int = 0
    size: int = 0

    @property
    def total(self) -> int:
        """The number of files, readable or not."""
        return len(self.files) + len(self.failures)

    def has(self, origin: str) -> bool:
        """Whether a source with this origin is, or could be, one of the files."""
        return origin in self.origins or any(origin.startswith(f"{one}/") for one in self.unknown)


def is_container(incoming: IngestRequest) -> bool:
    """Decided by name; only such files are expanded."""
    return PurePath(incoming.name).suffix.lower() in CONTAINERS


class Expander:
    """Unpacks files into a folder, using the reader processes."""

    def __init__(self, reader: FileReader) -> None:
        self._reader = reader

    async def expand(self, incoming: IngestRequest, folder: Path) -> Expansion:
        """Expand all levels. The members are stored below `folder`."""
        expansion = Expansion()
        await self._add(expansion, incoming, folder, depth=0)
        return expansion

    async def _add(
        self, expansion: Expansion, incoming: IngestRequest, folder: Path, *, depth: int
    ) -> None:
        expansion.origins.add(incoming.origin)
        if not is_container(incoming):
            expansion.files.append(incoming)
            return
        if depth == MAX_DEPTH:
            expansion.failures.append((incoming.name, TOO_DEEP))
            expansion.unknown.add(incoming.origin)
            return
        own = folder / f"{incoming.path.name}.d"
        try:
            unpacked = await self._unpack(expansion, incoming, own)
        except IngestError as error:
            expansion.failures.append((incoming.name, str(error)))
            expansion.unknown.add(incoming.origin)
            return
        before = expansion.total
        if unpacked.own_text:
            expansion.files.append(incoming)
        await self._add_members(expansion, incoming, unpacked, own, depth=depth)
        if expansion.total == before:
            only = "only pictures" if unpacked.pictures else "no files"
            expansion.failures.append((incoming.name, f"the archive contains {only}"))
        elif unpacked.pictures:
            expansion.pictures[incoming.name] = unpacked.pictures

    async def _unpack(self, expansion: Expansion, incoming: IngestRequest, own: Path) -> Unpacked:
        await asyncio.to_thread(_prepare, incoming, own)
        return await self._reader.unpack(
            UnpackRequest(
                str(incoming.path.absolute()),
                incoming.name,
                str(own),
                MAX_MEMBERS - expansion.members,
                MAX_MEMBER_BYTES - expansion.size,
            )
        )

    async def _add_members(
        self,
        expansion: Expansion,
        incoming: IngestRequest,
        unpacked: Unpacked,
        own: Path,
        *,
        depth: int,
    ) -> None:
        expansion.members += len(unpacked.members)
        expansion.size += unpacked.size
        if not unpacked.complete:
            why = f"only its first {len(unpacked.members):,} files are read; divide it"
            expansion.failures.append((incoming.name, why))
            expansion.unknown.add(incoming.origin)
        requests: list[IngestRequest] = []
        for member in unpacked.members:
            name = f"{incoming.name}/{member.name}"
            origin = f"{incoming.origin}/{member.name}"
            if member.problem is not None:
                expansion.failures.append((name, member.problem))
                expansion.origins.add(origin)
                expansion.unknown.add(origin)
                continue
            path = own / member.file
            requests.append(replace(incoming, path=path, origin=origin, name=name, audio=None))
        for request in _with_audio(requests):
            await self._add(expansion, request, own, depth=depth + 1)


def _prepare(incoming: IngestRequest, folder: Path) -> None:
    try:
        check_size(incoming.name, regular_size(incoming.path), largest=incoming.largest)
        folder.mkdir()
    except OSError as error:
        raise IngestError(f"the file cannot be read ({error.strerror or error})") from error


def _with_audio(requests: Sequence[IngestRequest]) -> Iterator[IngestRequest]:
    """Attach audio to the transcript of the same name, as in a folder."""
    named = {PurePath(one.name): one for one in requests}
    audio: dict[str, IngestRequest] = {}
    for name, one in named.items():
        if name.suffix.lower() in TRANSCRIPTS:
            found = (named.get(name.with_suffix(suffix)) for suffix in AUDIO)
            if (sound := next((sound for sound in found if sound), None)) is not None:
                audio[one.name] = sound
    taken = {sound.name for sound in audio.values()}
    for one in requests:
        if one.name not in taken:
            sound = audio.get(one.name)
            yield replace(one, audio=sound.path) if sound is not None else one

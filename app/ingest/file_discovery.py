"""Expands the paths of a command line into files."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from app.domain.encoding import clean_text
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.registry import AUDIO, TRANSCRIPTS


@dataclass(slots=True)
class Discovered:
    """Files to ingest, and folders (with the reason) whose files are unknown."""

    files: list[IngestRequest] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)


def discover(
    paths: Sequence[Path], *, tags: Sequence[str] = (), shared: bool = False
) -> Discovered:
    """Files as given, folders recursively without hidden and lock files, in order.

    Audio is attached to its transcript. A missing path is kept, so that reading it reports the
    error. In folders only regular files count, because a pipe may be endless.
    """
    found = Discovered()
    files = dict.fromkeys(file for path in paths for file in _files(_absolute(path), found))
    found.files = [
        IngestRequest(
            path=file,
            origin=origin_of(file),
            name=clean_text(file.name),
            audio=_audio_of(file),
            tags=tuple(tags),
            shared=shared,
        )
        for file in files
        if not _belongs_to_transcript(file)
    ]
    return found


def origin_of(path: Path) -> str:
    """The identity of a source: its absolute path, however it was given on the command line.

    Bytes that are not valid UTF-8 are escaped, so that the name can be stored and stays unique.
    """
    return f"file:{os.fsencode(_absolute(path)).decode(errors='backslashreplace')}"


def _absolute(path: Path) -> Path:
    """Resolve `..` but not symbolic links."""
    return Path(os.path.abspath(path))


def _files(path: Path, found: Discovered) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return

    def unreadable(error: OSError) -> None:
        found.unreadable.append((Path(error.filename), error.strerror or str(error)))

    for folder, folders, names in os.walk(path, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        for name in sorted(names):
            file = Path(folder, name)
            if not _is_hidden(name) and file.is_file():
                yield file


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "~$"))


def _audio_of(file: Path) -> Path | None:
    if file.suffix.lower() not in TRANSCRIPTS:
        return None
    candidates = (file.with_suffix(suffix) for suffix in AUDIO)
    return next((audio for audio in candidates if audio.is_file()), None)


def _belongs_to_transcript(file: Path) -> bool:
    if file.suffix.lower() not in AUDIO:
        return False
    return any(file.with_suffix(suffix).is_file() for suffix in TRANSCRIPTS)

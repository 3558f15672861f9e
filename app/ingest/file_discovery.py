"""Which files the paths of a command line or folder mean."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from app.domain.encoding import clean_text
from app.ingest.loaders.registry import AUDIO, TRANSCRIPTS
from app.ingest.pipeline import IngestRequest


def collect(
    paths: Sequence[Path], *, tags: Sequence[str] = (), shared: bool = False
) -> list[IngestRequest]:
    """Files as they are, folders with everything below them but hidden and lock files, in order.

    Audio that belongs to a transcript comes with it, not by itself. A path that does not exist is
    kept: reading it says so. A source is known again by its absolute path.
    """
    files = list(dict.fromkeys(file.absolute() for path in paths for file in _files(path)))
    return [
        IngestRequest(
            path=file,
            # A name that is no UTF-8 stays a name of its own, and can be stored.
            origin=f"file:{os.fsencode(file).decode(errors='backslashreplace')}",
            name=clean_text(file.name),
            audio=_audio_of(file),
            tags=tuple(tags),
            shared=shared,
        )
        for file in files
        if not _belongs_to_transcript(file)
    ]


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for file in sorted(path.rglob("*")):
        hidden = any(part.startswith((".", "~$")) for part in file.relative_to(path).parts)
        if file.is_file() and not hidden:
            yield file


def _audio_of(file: Path) -> Path | None:
    if file.suffix.lower() not in TRANSCRIPTS:
        return None
    candidates = (file.with_suffix(suffix) for suffix in AUDIO)
    return next((audio for audio in candidates if audio.is_file()), None)


def _belongs_to_transcript(file: Path) -> bool:
    if file.suffix.lower() not in AUDIO:
        return False
    return any(file.with_suffix(suffix).is_file() for suffix in TRANSCRIPTS)

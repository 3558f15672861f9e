"""The bundled sample library, shared with everyone, for a first start."""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.domain.principals import LOCAL, Principal
from app.ingest.file_discovery import discover
from app.ingest.ingest_request import IngestRequest
from app.ingest.pipeline import Ingested, Ingestor

log = logging.getLogger(__name__)

SAMPLES: Final = Path(__file__).parent / "samples"
FOLDERS: Final = ("documents", "recordings")
TAG: Final = "sample"


Done = Callable[[str, Ingested], Awaitable[None]]
"""Awaited after each sample, with its name."""


async def _nothing(name: str, ingested: Ingested) -> None:
    """The default: no progress report."""


def sample_files(folder: Path = SAMPLES) -> list[IngestRequest]:
    """The samples in the order of ingestion."""
    folders = [folder / name for name in FOLDERS]
    files = discover(folders, tags=(TAG,), shared=True).files
    names = [file.path.relative_to(folder).as_posix() for file in files]
    return [
        replace(file, origin=f"sample:{name}", name=name)
        for file, name in zip(files, names, strict=True)
    ]


async def ingest_samples(
    ingestor: Ingestor,
    *,
    principal: Principal = LOCAL,
    folder: Path = SAMPLES,
    done: Done = _nothing,
) -> int:
    """Ingest the samples that are not stored yet. Returns the number of passages.

    Call it when `LibraryStore.empty()` is true. It can be cancelled at any time, and resumes where
    it stopped when called again.
    """
    files = sample_files(folder)
    passages = 0
    for number, file in enumerate(files, start=1):
        ingested = await ingestor.ingest(principal, file)
        await done(file.name, ingested)
        passages += ingested.passages
        log.info("Sample library: %d of %d, %s", number, len(files), ingested.title)
    log.info("Sample library ready: %d sources, %d passages", len(files), passages)
    return passages

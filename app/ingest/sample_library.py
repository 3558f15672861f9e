"""The bundled sample library, shared with everyone, for a first start."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Final

from app.domain.principals import LOCAL, Principal
from app.ingest.collecting import collect
from app.ingest.ingestor import Ingestor

log = logging.getLogger(__name__)

SAMPLES: Final = Path(__file__).parent / "samples"
FOLDERS: Final = ("documents", "recordings")
TAG: Final = "sample"


async def ingest_samples(
    ingestor: Ingestor, *, principal: Principal = LOCAL, folder: Path = SAMPLES
) -> int:
    """Ingest the samples; what is there already is left alone. Returns the number of passages.

    For an empty library: call it when `LibraryStore.empty()`. It may be cancelled at any time and
    goes on where it stopped when called again.
    """
    files = collect([folder / name for name in FOLDERS], tags=(TAG,), shared=True)
    passages = 0
    for number, file in enumerate(files, start=1):
        name = file.path.relative_to(folder).as_posix()
        incoming = replace(file, origin=f"sample:{name}", name=name)
        ingested = await ingestor.ingest(principal, incoming)
        passages += ingested.passages
        log.info("Sample library: %d of %d, %s", number, len(files), ingested.title)
    log.info("Sample library ready: %d sources, %d passages", len(files), passages)
    return passages

"""Batches small files, which cost more by number than by size."""

from collections.abc import Iterable, Iterator
from typing import Final

from app.ingest.expansion import is_container
from app.ingest.ingest_request import IngestRequest

MAX_BATCH_FILES: Final = 100
MAX_BATCH_BYTES: Final = 2**17
"""Limit for a batch, and for each file in one. Larger files and those with audio stand alone."""


def batches(
    files: Iterable[IngestRequest], *, whole: bool = False
) -> Iterator[list[IngestRequest]]:
    """Split the files, in order, into lists to ingest together.

    Container files stand alone unless they are to be ingested as they are (`whole`).
    """
    batch: list[IngestRequest] = []
    room = MAX_BATCH_BYTES
    for file in files:
        size = _size(file) if whole or not is_container(file) else MAX_BATCH_BYTES
        if batch and (size > room or len(batch) == MAX_BATCH_FILES):
            yield batch
            batch, room = [], MAX_BATCH_BYTES
        batch.append(file)
        room -= size
    if batch:
        yield batch


def _size(file: IngestRequest) -> int:
    """In bytes. An unreadable file gets a size that keeps it on its own."""
    if file.audio is not None:
        return MAX_BATCH_BYTES
    try:
        return max(1, file.path.stat().st_size)
    except OSError:
        return MAX_BATCH_BYTES

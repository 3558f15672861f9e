"""Batches small files, because their number costs more than their content."""

from collections.abc import Iterable, Iterator
from typing import Final

from app.ingest.expansion import is_container
from app.ingest.ingest_request import IngestRequest

MAX_BATCH_FILES: Final = 100
MAX_BATCH_BYTES: Final = 2**17
"""Also of one file that shares a batch; a larger one is on its own, and so is one with audio."""


def batches(
    files: Iterable[IngestRequest], *, whole: bool = False
) -> Iterator[list[IngestRequest]]:
    """The files in order, in lists that are ingested together.

    Files that hold files are on their own, unless they are to be ingested as they are (`whole`).
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
    """In bytes; of files that cannot be read: nothing is put together with them."""
    if file.audio is not None:
        return MAX_BATCH_BYTES
    try:
        return max(1, file.path.stat().st_size)
    except OSError:
        return MAX_BATCH_BYTES

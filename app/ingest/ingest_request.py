"""The input of ingestion."""

from dataclasses import dataclass, field
from pathlib import Path

from app.ingest.loaders.registry import MAX_FILE_BYTES


@dataclass(frozen=True, slots=True)
class IngestRequest:
    """A file to ingest. `origin` identifies the owner's source; `name` is displayed."""

    path: Path
    origin: str
    name: str
    audio: Path | None = None
    tags: tuple[str, ...] = field(default=())
    shared: bool = False
    largest: int = MAX_FILE_BYTES  # bytes

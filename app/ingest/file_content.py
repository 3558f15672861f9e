"""The content of a file to ingest, and its stored copies."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from app.domain.models import StoredFile
from app.ingest.files import FileStore, regular_size
from app.ingest.ingest_request import IngestRequest
from app.ingest.loaders.registry import AUDIO, MAX_FILE_BYTES, check_size
from app.ingest.parsed_document import IngestError
from app.ingest.reading import ReadDocument

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileContent:
    """The file and its audio, if any. Hashes are SHA-256 in hexadecimal."""

    data: bytes
    audio: bytes | None

    @cached_property
    def data_hash(self) -> str:
        """The hash of the file without its audio."""
        return hashlib.sha256(self.data).hexdigest()

    @cached_property
    def content_hash(self) -> str:
        """The hash of the file and its audio, if any."""
        content = hashlib.sha256(self.data)
        if self.audio is not None:
            content.update(hashlib.sha256(self.audio).digest())
        return content.hexdigest()


@dataclass(frozen=True, slots=True)
class Originals:
    """The stored files of a source."""

    original: StoredFile
    audio: StoredFile | None


def read_all(files: Sequence[IngestRequest]) -> list[FileContent | IngestError]:
    """Does blocking I/O."""
    return [_read(incoming) for incoming in files]


def keep(
    files: FileStore, incoming: IngestRequest, content: FileContent, document: ReadDocument
) -> Originals | IngestError:
    """Store the file and its audio unless they exist. Does blocking I/O."""
    try:
        original = files.put(content.data, document.suffix, document.media_type)
        if content.audio is None or incoming.audio is None:
            return Originals(original, None)
        suffix = incoming.audio.suffix.lower()
        return Originals(original, files.put(content.audio, suffix, AUDIO[suffix]))
    except OSError as error:
        log.warning("A file cannot be kept: %s", error.strerror)
        return IngestError(f"the server cannot keep the file ({error.strerror})")


def _read(incoming: IngestRequest) -> FileContent | IngestError:
    try:
        data = _bytes(incoming.path, incoming.name, largest=incoming.largest)
        audio = None if incoming.audio is None else _bytes(incoming.audio, incoming.audio.name)
    except IngestError as error:
        return error
    except OSError as error:
        return IngestError(f"the file cannot be read ({error.strerror or error})")
    if not data.strip():
        return IngestError("the file is empty")
    return FileContent(data, audio)


def _bytes(path: Path, name: str, *, largest: int = MAX_FILE_BYTES) -> bytes:
    check_size(name, regular_size(path), largest=largest)
    return path.read_bytes()

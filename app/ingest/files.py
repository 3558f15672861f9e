"""Content-addressed files stored beside the database."""

import hashlib
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.domain.models import StoredFile
from app.ingest.parsed_document import IngestError

_KEY: Final = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,8})?")


class FileStore:
    """A flat folder. A key is the content's SHA-256 and the suffix. Methods do blocking I/O."""

    def __init__(self, folder: Path) -> None:
        """The folder is created when the first file is stored."""
        self._folder = folder

    def put(self, data: bytes, suffix: str, media_type: str) -> StoredFile:
        """Store atomically. Existing content is not written again."""
        key = self.key(data, suffix)
        target = self.path(key)
        if not target.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder)
            try:
                with open(handle, "wb") as file:
                    file.write(data)
                os.replace(draft, target)
            except BaseException:  # leave no partial file on a full disk
                Path(draft).unlink(missing_ok=True)
                raise
        return StoredFile(key, media_type)

    @staticmethod
    def key(data: bytes, suffix: str) -> str:
        return hashlib.sha256(data).hexdigest() + suffix.lower()

    def scratch(self) -> Path:
        """Create a folder for files to ingest. The caller removes it."""
        incoming = self._folder / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=incoming))

    def discard(self, keys: Iterable[str]) -> None:
        """Remove these files. Missing ones are ignored."""
        for key in keys:
            self.path(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """The path for a key. Raises `ValueError` if the key is invalid."""
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of the file store")
        return self._folder / key


def regular_size(path: Path) -> int:
    """Raises `IngestError` for a device or pipe, which may be endless."""
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise IngestError("this is not a regular file")
    return found.st_size

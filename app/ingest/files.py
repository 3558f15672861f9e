"""Files kept beside the database, named by their content."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.domain.library_ports import StoredFile

_KEY: Final = re.compile(r"[0-9a-f]{64}(\.[a-z0-9]{1,8})?")


class FileStore:
    """A flat folder; a key is the content's sha256 and the suffix. Methods block on the disk."""

    def __init__(self, folder: Path) -> None:
        """The folder is made when the first file comes."""
        self._folder = folder

    def put(self, data: bytes, suffix: str, media_type: str) -> StoredFile:
        """Store whole or not at all; the same content again costs nothing."""
        key = hashlib.sha256(data).hexdigest() + suffix.lower()
        target = self.path(key)
        if not target.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, draft = tempfile.mkstemp(dir=self._folder)
            try:
                with open(handle, "wb") as file:
                    file.write(data)
                os.replace(draft, target)
            except BaseException:  # a disk that is full keeps no halves
                Path(draft).unlink(missing_ok=True)
                raise
        return StoredFile(key, media_type)

    def discard(self, keys: Iterable[str]) -> None:
        """Remove what is there of these."""
        for key in keys:
            self.path(key).unlink(missing_ok=True)

    def path(self, key: str) -> Path:
        """Where the file of this key is. Raises `ValueError` for what is no key."""
        if not _KEY.fullmatch(key):
            raise ValueError("not a key of the file store")
        return self._folder / key

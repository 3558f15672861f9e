"""Multipart uploads: files are written to disk as they arrive, and limits are enforced early."""

import asyncio
import errno
import logging
import shutil
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import BinaryIO, Final, TypeVar

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from app.domain.encoding import clean_text
from app.domain.errors import InvalidInput, StorageFull
from app.domain.job_ports import UploadedFile

log = logging.getLogger(__name__)

MEGABYTE: Final = 2**20
MAX_FILES: Final = 100
MAX_REQUEST_BYTES: Final = 10  # files of the largest size
MAX_NAME_LENGTH: Final = 255
_MAX_FIELD_BYTES: Final = 20_000  # bytes; 100 tags
_MAX_HEAD_BYTES: Final = 16_384  # bytes of the headers of one part
_MAX_PARTS: Final = 2 * MAX_FILES
_AUDIO: Final = frozenset({".mp3", ".ogg", ".m4a", ".wav"})


@dataclass(slots=True)
class Upload:
    """The content of an upload. `tags` are in order, without duplicates and blank ones."""

    files: list[UploadedFile] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


T = TypeVar("T")


async def receive_upload(
    request: Request, staging: Path, *, largest: int, take: Callable[[Upload], Awaitable[T]]
) -> T:
    """Read the body into a new folder below `staging`, then pass it to `take`.

    The folder is removed unless `take` returns. `largest`: maximum bytes of a file. Raises
    `InvalidInput`, and `HTTPException` 413 as soon as a limit is exceeded.
    """
    boundary = parse_options_header(request.headers.get("content-type"))[1].get(b"boundary")
    if not boundary:
        raise InvalidInput("file", "The multipart body has no boundary.")
    folder = staging / uuid.uuid4().hex
    try:
        reader = _Reader(boundary, folder, largest)
    except FormParserError as error:
        raise InvalidInput("file", "The boundary of the multipart body is too long.") from error
    taken = False
    try:
        await asyncio.to_thread(folder.mkdir, parents=True)
        async for chunk in request.stream():
            await asyncio.to_thread(reader.write, chunk)
        result = await take(reader.finished())
        taken = True
        return result
    except ClientDisconnect as error:
        raise HTTPException(400, "The upload was aborted.") from error
    except FormParserError as error:
        raise InvalidInput("file", "The body is not valid multipart/form-data.") from error
    except OSError as error:
        raise storage_full(error) from error
    finally:
        with suppress(OSError):  # flushing the rest may fail again
            reader.close()
        if not taken:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def storage_full(error: OSError) -> StorageFull:
    """The error for an upload that cannot be stored, worded for the user."""
    log.warning("An upload cannot be kept: %s", error.strerror)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull("The server has no space left for files. Nothing was stored.")
    return StorageFull("The server cannot write files right now. Nothing was stored.")


class _Reader:
    """Feeds the parser, whose callbacks write the parts. Blocks on disk I/O."""

    def __init__(self, boundary: bytes, folder: Path, largest: int) -> None:
        self._folder = folder
        self._largest = largest
        self._total = 0
        self._upload = Upload()
        self._headers: dict[bytes, bytes] = {}
        self._header = [b"", b""]
        self._field: bytes | None = None  # None while a file is read
        self._file: BinaryIO | None = None
        self._size = 0
        self._parts = 0
        self._head_size = 0
        self._whole = False
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def write(self, chunk: bytes) -> None:
        """Feed the next bytes of the body."""
        self._total += len(chunk)
        if self._total > MAX_REQUEST_BYTES * self._largest + MEGABYTE:
            limit = MAX_REQUEST_BYTES * self._largest // MEGABYTE
            raise HTTPException(413, f"The upload is larger than {limit} MB in all.")
        self._parser.write(chunk)

    def finished(self) -> Upload:
        """The upload. Raises `InvalidInput` for an incomplete body."""
        if not self._whole:
            raise InvalidInput("file", "The multipart body ends too early.")
        if not self._upload.files:
            raise InvalidInput("file", "file: is required")
        self._upload.tags = list(dict.fromkeys(self._upload.tags))
        if len(self._upload.tags) > 100 or any(len(tag) > 200 for tag in self._upload.tags):
            raise InvalidInput("tags", "tags: at most 100, each of at most 200 characters")
        return self._upload

    def close(self) -> None:
        """Close the open file and drop the parser, whose callbacks refer to this reader."""
        del self._parser
        self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()

    def _begin(self) -> None:
        self._headers = {}
        self._size = self._head_size = 0
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise HTTPException(413, f"One upload takes at most {_MAX_PARTS} parts.")

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._header[0] += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(end - start)
        self._header[1] += data[start:end]

    def _count_head(self, size: int) -> None:
        self._head_size += size
        if self._head_size > _MAX_HEAD_BYTES:
            raise HTTPException(413, "The headers of a part are too large.")

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[name.lower()] = value
        self._header = [b"", b""]

    def _headers_end(self) -> None:
        options = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if name not in ("file", "tags"):
            raise InvalidInput(
                name[:100], f"{name[:100]}: is not a known field, takes `file` and `tags`"
            )
        if name == "tags":
            self._field = b""
            return
        if b"filename" not in options:
            raise InvalidInput("file", "file: must be a file")
        if len(self._upload.files) == MAX_FILES:
            raise HTTPException(413, f"One upload takes at most {MAX_FILES} files.")
        self._field = None
        self._open(file_name(options[b"filename"].decode("utf-8", "replace")))

    def _open(self, name: str) -> None:
        suffix = PurePath(name).suffix.lower()
        path = self._folder / f"{len(self._upload.files)}{suffix if suffix in _AUDIO else ''}"
        self._file = path.open("xb")
        self._upload.files.append(UploadedFile(uuid.uuid4().hex, name, path))

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._field is not None:
            if self._size > _MAX_FIELD_BYTES:
                raise HTTPException(413, "tags: is too long")
            self._field += data[start:end]
            return
        if self._size > self._largest:
            limit = self._largest // MEGABYTE
            name = self._upload.files[-1].name
            raise HTTPException(413, f"{name} is larger than {limit} MB (MAX_UPLOAD_MB).")
        if self._file is not None:
            self._file.write(data[start:end])

    def _end(self) -> None:
        self._close_file()
        if self._field is not None:
            text = clean_text(self._field.decode("utf-8", "replace"))
            self._upload.tags += [tag.strip() for tag in text.split(",") if tag.strip()]
            self._field = None

    def _finish(self) -> None:
        self._whole = True


def file_name(given: str) -> str:
    """The client's name for a file, for display. It may be a path; it is never opened."""
    parts = [
        " ".join("".join(c if c.isprintable() else " " for c in clean_text(part)).split())
        for part in given.replace("\\", "/").split("/")
    ]
    name = "/".join(part for part in parts if part not in ("", ".", ".."))
    return name[-MAX_NAME_LENGTH:].lstrip("/") or "unnamed"

"""Files inside other files: ZIP entries and mail attachments."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from app.ingest.loaders.archives import Archive
from app.ingest.parsed_document import IngestError, ParsedDocument

CONTAINERS: Final = (".zip", ".eml", ".msg", ".mbox")
MAX_NAME: Final = 200  # characters
MAX_DEPTH: Final = 3  # nesting levels
MAX_MEMBERS: Final = 1_000  # per uploaded file, at all depths
MAX_MEMBER_BYTES: Final = 400 * 2**20  # all members together


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside another; `problem` says why it cannot be extracted."""

    name: str
    data: bytes
    problem: str | None = None


_PICTURES: Final = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*"),
    *(b"\0\0\1\0", b"8BPS", b"\xd7\xcd\xc6\x9a"),
)
"""Signatures of image files."""
_PICTURE_NAMES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"),
    *(".heif", ".avif", ".svg", ".ico", ".emf", ".wmf", ".psd", ".xcf"),
)

Unpack = Callable[[bytes], Iterator[Member]]


def is_picture(name: str, data: bytes) -> bool:
    """Decide by the suffix, or by the content when there is none."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return suffix in _PICTURE_NAMES or (not suffix and data.startswith(_PICTURES))


def load_zip(data: bytes) -> ParsedDocument:
    """Reject: an archive has no text of its own."""
    raise IngestError("this is a ZIP archive; rename it to .zip to read the files in it")


def zip_members(data: bytes) -> Iterator[Member]:
    """List the archive like a folder, without hidden and operating system files."""
    archive = Archive(data, locked_entries=True)
    for name in archive.names_in_order:
        if name.endswith("/") or not is_shown(name):
            continue
        try:
            yield Member(_written_name(name), archive.read(name))
        except IngestError as error:
            yield Member(_written_name(name), b"", str(error))


def _written_name(name: str) -> str:
    """Repair UTF-8 names that lack the UTF-8 flag and were decoded as CP437."""
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def is_shown(name: str) -> bool:
    """Whether the same path in a folder would be ingested (not hidden)."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(part.startswith((".", "~$")) or part == "__MACOSX" for part in parts)


def member_name(given: str) -> str:
    """Sanitise a member name for display; it cannot point outside its folder."""
    text = "".join(char if char.isprintable() else " " for char in given.replace("\\", "/"))
    parts = [" ".join(part.split()) for part in text.split("/")]
    name = "/".join(part for part in parts if part.strip(".") and not part.endswith(":"))
    return name[-MAX_NAME:].lstrip("/") or "unnamed"

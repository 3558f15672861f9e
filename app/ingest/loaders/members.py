"""Files that hold files: a ZIP archive, the attachments of mail."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from app.ingest.loaders.archives import Archive
from app.ingest.parsed_document import IngestError, ParsedDocument

CONTAINERS: Final = (".zip", ".eml", ".msg", ".mbox")
MAX_NAME: Final = 200  # characters
MAX_DEPTH: Final = 3  # files in files in a file
MAX_MEMBERS: Final = 1_000  # of one file, at all depths
MAX_MEMBER_BYTES: Final = 400 * 2**20  # of all of them


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a file; `problem` says why it cannot be taken out."""

    name: str
    data: bytes
    problem: str | None = None


_PICTURES: Final = (
    *(b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\0", b"MM\0*"),
    *(b"\0\0\1\0", b"8BPS", b"\xd7\xcd\xc6\x9a"),
)
"""First bytes of image files."""
_PICTURE_NAMES: Final = (
    *(".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".gif", ".bmp", ".tif", ".tiff", ".webp", ".heic"),
    *(".heif", ".avif", ".svg", ".ico", ".emf", ".wmf", ".psd", ".xcf"),
)

Unpack = Callable[[bytes], Iterator[Member]]


def is_picture(name: str, data: bytes) -> bool:
    """By its name, or by its content when its name says nothing."""
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return suffix in _PICTURE_NAMES or (not suffix and data.startswith(_PICTURES))


def load_zip(data: bytes) -> ParsedDocument:
    """An archive has no text of its own."""
    raise IngestError("this is a ZIP archive; name it .zip, and the files in it are read")


def zip_members(data: bytes) -> Iterator[Member]:
    """As a folder: hidden files and what an operating system adds are left out."""
    archive = Archive(data, locked_entries=True)
    for name in archive.names_in_order:
        if name.endswith("/") or not is_shown(name):
            continue
        try:
            yield Member(_written_name(name), archive.read(name))
        except IngestError as error:
            yield Member(_written_name(name), b"", str(error))


def _written_name(name: str) -> str:
    """Some programs write UTF-8 without saying so, which is read as the alphabet of MS-DOS."""
    try:
        return name.encode("cp437").decode()
    except UnicodeError:
        return name


def is_shown(name: str) -> bool:
    """Whether a folder with this path in it would be read as having this file."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return not any(part.startswith((".", "~$")) or part == "__MACOSX" for part in parts)


def member_name(given: str) -> str:
    """As a path to show, which leads nowhere."""
    text = "".join(char if char.isprintable() else " " for char in given.replace("\\", "/"))
    parts = [" ".join(part.split()) for part in text.split("/")]
    name = "/".join(part for part in parts if part.strip(".") and not part.endswith(":"))
    return name[-MAX_NAME:].lstrip("/") or "unnamed"

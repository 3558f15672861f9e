"""Bytes to text. What is not text is said to be so, rather than ingested as noise."""

import re
from contextlib import suppress
from itertools import islice
from typing import Final

from charset_normalizer import from_bytes

from app.ingest.parsed_document import IngestError

_BINARY: Final = {
    b"%PDF-": "a PDF",
    b"PK\x03\x04": "a ZIP archive or an Office file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"ID3": "an audio file",
    b"OggS": "an audio file",
    b"\x1f\x8b": "a compressed file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
}
_MARKS: Final = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_UNREADABLE: Final = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_NEWLINES: Final = re.compile(r"\r\n?|\x0b|\x0c|\x85|\u2028|\u2029")
_UTF8: Final = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_TELLING: Final = 32_768  # bytes that an encoding is guessed by: each is tried on all of them
_TELLING_LINES: Final = 2_000
_FEW: Final = 3  # characters that may look like UTF-8 by chance
_NOISE: Final = 0.02  # share of control characters above which it is no text


def decode(data: bytes) -> str:
    """The text with `\\n` line ends. Raises `IngestError` for what is empty or no text."""
    if not data.strip():
        raise IngestError("the file is empty")
    for magic, what in _BINARY.items():
        if data.startswith(magic):
            raise IngestError(f"this is {what}, not text")
    text = _NEWLINES.sub("\n", _decoded(data))
    controls = len(_UNREADABLE.findall(text))
    if controls > _NOISE * len(text):
        raise IngestError("this is a binary file, not text")
    text = _UNREADABLE.sub("", text)
    if not text.strip():
        raise IngestError("the file is empty")
    return text


def _decoded(data: bytes) -> str:
    """UTF-8 when it can be, else what the bytes look like."""
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding != "utf-8":
            raise IngestError(f"the encoding is not the {encoding} it says") from error
    if b"\0" in data[:4096]:
        raise IngestError("this is a binary file, not text")
    if _is_mixed(data):
        raise IngestError("the file mixes encodings; save it as UTF-8")
    return _guessed(data)


def _guessed(data: bytes) -> str:
    """By the lines that are not ASCII, as many as it takes; by all of it when they mislead."""
    telling = b"\n".join(islice(filter(_HIGH.search, data.split(b"\n")), _TELLING_LINES))
    guess = from_bytes(telling[:_TELLING]).best()
    if guess is not None:
        with suppress(UnicodeDecodeError):
            return data.decode(guess.encoding)
    guess = from_bytes(data).best()
    if guess is None:
        raise IngestError("the encoding is unknown; save the file as UTF-8")
    return str(guess)


def _is_mixed(data: bytes) -> bool:
    """UTF-8 for the greater part, and something else in between.

    In other encodings, bytes look like UTF-8 now and then, but not more often than not.
    """
    rest, as_utf8 = _UTF8.subn(b"", data)
    return as_utf8 >= _FEW and as_utf8 > len(_HIGH.findall(rest))

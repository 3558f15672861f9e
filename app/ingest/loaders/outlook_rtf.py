"""Decompresses RTF bodies of Outlook messages ([MS-OXRTFCP])."""

import struct
from typing import Final

_HEADER: Final = struct.Struct("<IIII")
_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
_WINDOW: Final = 4096
_START: Final = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
"""The initial dictionary contents."""
_MAX_RATIO: Final = 9  # two bytes encode at most seventeen


def decompressed_rtf(data: bytes) -> bytes:
    """Decompress; empty for other data. A truncated stream is decoded up to its end."""
    if len(data) < _HEADER.size:
        return b""
    _, size, kind, _ = _HEADER.unpack_from(data)
    body = data[_HEADER.size :]
    if kind == _PLAIN:
        return body[:size]
    if kind != _COMPRESSED:
        return b""
    return _decompressed(body)[: min(size, _MAX_RATIO * len(body))]


def is_converted(rtf: bytes) -> bool:
    """Whether the RTF only wraps the message's original HTML or plain text."""
    head = rtf[:1000]
    return b"\\fromhtml" in head or b"\\fromtext" in head


def _decompressed(body: bytes) -> bytes:
    window = bytearray(_START.ljust(_WINDOW, b"\0"))
    write, at = len(_START), 0
    out = bytearray()
    while at < len(body):
        flags = body[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                found = body[at : at + 1]
                at += 1
            else:
                token = int.from_bytes(body[at : at + 2], "big")
                at += 2
                offset, length = token >> 4, (token & 0xF) + 2
                if offset == write or at > len(body):
                    return bytes(out)
                found = _copied(window, offset, write, length)
            for byte in found:
                window[write] = byte
                write = (write + 1) % _WINDOW
            out += found
    return bytes(out)


def _copied(window: bytearray, offset: int, write: int, length: int) -> bytes:
    """A copy may overlap its own output, which then repeats."""
    available = (write - offset) % _WINDOW
    found = bytes(window[(offset + at) % _WINDOW] for at in range(min(length, available)))
    return (found * (length // len(found) + 1))[:length] if found else b""

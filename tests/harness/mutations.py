"""Corrupts files like damaged disks, broken programs and attackers do."""

import random
import re
import zipfile
from io import BytesIO

from tests.harness.documents import archive

INSERTED = (
    *(b"<", b">", b"&", b'"', b"\0", b"\xff", b"-1", b"99999999999999999999", b"<a>", b"<!--"),
    *(b"<![CDATA[", b"]]>", b"[^", b"|", b"---\n", b"<table>", b"<ruby>", b'rowspan="9"'),
)
TAG = re.compile(rb"<[^<>]+>")
VALUE = re.compile(rb'"[^"]*"')


def altered(data: bytes, chance: random.Random) -> bytes:
    """Bytes changed, removed, put in, or repeated from the beginning of the file."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 2, 5, 20])):
        at = chance.randrange(len(out) or 1)
        match chance.randrange(4):
            case 0:
                out[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                del out[at : at + chance.choice([1, 5, 50])]
            case 2:
                out[at:at] = chance.choice(INSERTED)
            case _:
                out[at:at] = out[: chance.choice([3, 30, 300])]
    return bytes(out)


def altered_part(data: bytes, chance: random.Random) -> bytes:
    """An intact ZIP archive with one damaged part."""
    with zipfile.ZipFile(BytesIO(data)) as old:
        files: dict[str, str | bytes] = {name: old.read(name) for name in old.namelist()}
        name = chance.choice([one for one in old.namelist() if "." in one])
        part = old.read(name)
    tags, values = TAG.findall(part), VALUE.findall(part)
    match chance.randrange(3):
        case 0 if tags:
            part = part.replace(chance.choice(tags), chance.choice([*tags, b"", b"<x/>"]))
        case 1 if values:
            part = part.replace(chance.choice(values), chance.choice([b'""', b'"-1"', b'"9999"']))
        case _:
            part = altered(part, chance)
    return archive({**files, name: part})


def spliced(data: bytes, chance: random.Random) -> bytes:
    """Pieces of the file repeated, moved and removed, so that markup opens and closes anywhere."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 3, 10])):
        at, size = chance.randrange(len(out) or 1), chance.choice([1, 4, 20, 200])
        piece = bytes(out[at : at + size])
        if chance.random() < 0.5:
            del out[at : at + size]
        to = chance.randrange(len(out) + 1)
        out[to:to] = piece * chance.choice([1, 1, 2, 50])
    return bytes(out)


def overwritten(data: bytes, chance: random.Random) -> bytes:
    """Bytes replaced in place, so that lengths and offsets stay valid."""
    out = bytearray(data)
    for _ in range(chance.choice([1, 3, 10, 100])):
        at = chance.randrange(len(out) or 1)
        new = chance.choice(
            [chance.randbytes(1), chance.randbytes(4), b"0", b"e", b"\0\0", b"\xff"]
        )
        out[at : at + len(new)] = new[: len(out) - at]
    return bytes(out)


def mutated(data: bytes, chance: random.Random) -> bytes:
    """One of the mutations above, or the file truncated."""
    match chance.randrange(6):
        case 0:
            return data[: chance.randrange(len(data) or 1)]
        case 1:
            return altered(data, chance)
        case 2 | 3:
            return overwritten(data, chance)
        case _ if data.startswith(b"PK"):
            return altered_part(data, chance)
        case _ if data.startswith(b"\xd0\xcf"):
            return overwritten(data, chance)
        case _:
            return spliced(data, chance)

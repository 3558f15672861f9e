"""Generates compound files (OLE2) and Outlook messages."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias

Storage: TypeAlias = "dict[str, bytes | Storage]"

_SECTOR: Final = 512
_FREE, _END, _FAT_SECTOR = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_EMPTY: Final = b"\0" * 68 + b"\xff" * 12 + b"\0" * 48


def compound_file(root: "Mapping[str, bytes | Storage]") -> bytes:
    """Folders of streams by name; streams below 4,096 bytes are in the mini stream."""
    layout = _Layout()
    layout.add("Root Entry", dict(root), kind=5)
    return layout.file()


@dataclass
class _Layout:
    entries: list[bytes] = field(default_factory=list)
    sectors: list[bytes] = field(default_factory=list)
    fat: list[int] = field(default_factory=list)
    mini: bytearray = field(default_factory=bytearray)
    mini_fat: list[int] = field(default_factory=list)

    def add(self, name: str, content: "bytes | Storage", *, kind: int, right: int = _FREE) -> int:
        at = len(self.entries)
        self.entries.append(b"")
        child, start, size = _FREE, 0, 0
        if isinstance(content, dict):
            for one, inner in sorted(content.items(), reverse=True):
                child = self.add(one, inner, kind=2 if isinstance(inner, bytes) else 1, right=child)
        elif len(content) >= 4096:
            start, size = self._chain(content), len(content)
        else:
            start, size = self._mini_chain(content), len(content)
        self.entries[at] = _entry(name, kind, right, child, start, size)
        return at

    def _chain(self, content: bytes) -> int:
        start = len(self.sectors)
        parts = [content[at : at + _SECTOR] for at in range(0, len(content), _SECTOR)]
        self.sectors += [part.ljust(_SECTOR, b"\0") for part in parts]
        self.fat += [*range(start + 1, start + len(parts)), _END] if parts else []
        return start if parts else _END

    def _mini_chain(self, content: bytes) -> int:
        if not content:
            return _END
        start = len(self.mini_fat)
        count = -(-len(content) // 64)
        self.mini += content.ljust(count * 64, b"\0")
        self.mini_fat += [*range(start + 1, start + count), _END]
        return start

    def file(self) -> bytes:
        mini_start = self._chain(bytes(self.mini))
        self.entries[0] = _entry("Root Entry", 5, _FREE, self._child(), mini_start, len(self.mini))
        directory = self._chain(b"".join(self.entries + [_EMPTY] * (-len(self.entries) % 4)))
        mini_fat = self._chain(_table(self.mini_fat))
        first = len(self.sectors)
        count = len(self.fat) // (_SECTOR // 4 - 1) + 1
        head = struct.pack(
            "<8s16sHHHHH6xIIIIIIIII", bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
            0, count, directory, 0, 4096, mini_fat, len(_table(self.mini_fat)) // _SECTOR, _END, 0,
        )  # fmt: skip
        places = [*range(first, first + count), *[_FREE] * (109 - count)]
        fat = _table([*self.fat, *[_FAT_SECTOR] * count])
        return b"".join([head, struct.pack("<109I", *places), *self.sectors, fat])

    def _child(self) -> int:
        return int(struct.unpack_from("<I", self.entries[0], 76)[0])


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le")
    return struct.pack(
        "<64sHBBIII16sIQQIQ", encoded, len(encoded) + 2, kind, 1, _FREE, right, child, b"", 0, 0, 0,
        start, size,
    )  # fmt: skip


def _table(numbers: Sequence[int]) -> bytes:
    """In whole sectors."""
    padded = [*numbers, *[_FREE] * (-len(numbers) % (_SECTOR // 4))]
    return struct.pack(f"<{len(padded)}I", *padded)


def outlook(subject: str, text: str | None, **parts: Any) -> bytes:
    """As `tests.harness.mail.message`: a message from Ana to Ben."""
    return compound_file(outlook_storage(subject, text, header=32, **parts))


def outlook_storage(
    subject: str,
    text: str | None,
    *,
    html: bytes | None = None,
    rtf: bytes | None = None,
    attached: Mapping[str, bytes] | None = None,
    inner: "Storage | None" = None,
    more: "Mapping[str, bytes | Storage] | None" = None,
    unicode: bool = True,
    header: int = 24,
) -> "Storage":
    """The streams of a message; inside another one its header has 24 bytes."""
    sent = datetime(2026, 11, 2, 10, tzinfo=UTC) - datetime(1601, 1, 1, tzinfo=UTC)
    fixed = {0x0039: int(sent.total_seconds()) * 10**7, 0x3FFD: 1251, 0x3FDE: 1252}
    made: Storage = {"__properties_version1.0": properties(header, fixed)}
    words = {0x0037: subject, 0x1000: text, 0x0C1A: "Ana Ng", 0x5D01: "ana@example.org"}
    made |= _strings(words, unicode)
    made |= {"__substg1.0_10130102": html} if html is not None else {}
    made |= {"__substg1.0_10090102": rtf} if rtf is not None else {}
    made["__recip_version1.0_#00000000"] = recipient("Ben", "ben@example.org", 1)
    for number, (name, data) in enumerate((attached or {}).items()):
        made[f"__attach_version1.0_#{number:08X}"] = attachment(name, data)
    if inner is not None:
        made["__attach_version1.0_#000000FF"] = {
            "__properties_version1.0": properties(8, {0x3705: 5}),
            "__substg1.0_3701000D": inner,
        }
    return {**made, **(more or {})}


def attachment(name: str, data: bytes, **words: str) -> "Storage":
    """`words`: further texts by their property ids, for example `x370E="image/png"`."""
    texts = {int(one[1:], 16): value for one, value in words.items()}
    return {
        "__properties_version1.0": properties(8, {0x3705: 1}),
        "__substg1.0_37010102": data,
        **_strings({0x3707: name, **texts}, True),
    }


def recipient(name: str, address: str, kind: int) -> "Storage":
    """`kind`: 1 to, 2 copy."""
    return {
        "__properties_version1.0": properties(8, {0x0C15: kind}),
        **_strings({0x3001: name, 0x39FE: address}, True),
    }


def properties(header: int, fixed: Mapping[int, int]) -> bytes:
    """The stream of the values of fixed size."""
    entries = (struct.pack("<HHIQ", 3, one, 6, value) for one, value in fixed.items())
    return b"\0" * header + b"".join(entries)


def _strings(words: Mapping[int, str | None], unicode: bool) -> "Storage":
    kind, encoding = ("001F", "utf-16-le") if unicode else ("001E", "cp1251")
    return {
        f"__substg1.0_{one:04X}{kind}": text.encode(encoding)
        for one, text in words.items()
        if text is not None
    }

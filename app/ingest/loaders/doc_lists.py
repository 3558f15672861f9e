"""List numbering of a Word 97 to 2003 file ([MS-DOC])."""

from typing import Final

from app.ingest.loaders.doc_format import LIST_USES, LISTS, DocFile
from app.ingest.loaders.word_styles import Level, Numberings

_LIST_SIZE, _USE_SIZE, _LEVEL_SIZE = 28, 16, 28
_LEVELS: Final = 9
_FORMS: Final = {
    0: "decimal",
    1: "upperRoman",
    2: "lowerRoman",
    3: "upperLetter",
    4: "lowerLetter",
    22: "decimalZero",
    23: "bullet",
    255: "none",
}
_MAX_LISTS: Final = 10_000


def read_lists(doc: DocFile) -> Numberings:
    """Numberings by the list ids that paragraphs use."""
    stored = doc.structure(LISTS)
    count = min(_u16(stored, 0), (len(stored) - 2) // _LIST_SIZE, _MAX_LISTS) if stored else 0
    reader = _LevelReader(doc.table, doc.place_after(LISTS)) if count else None
    levels: dict[str, dict[int, Level]] = {}
    for number in range(count):
        at = 2 + number * _LIST_SIZE
        is_simple = stored[at + 26] & 1
        list_id = str(_u32(stored, at))
        assert reader is not None
        levels[list_id] = {one: reader.read() for one in range(1 if is_simple else _LEVELS)}
    uses, starts = _uses(doc.structure(LIST_USES))
    return Numberings(levels, uses, starts)


class _LevelReader:
    """Levels are stored consecutively; those past the end of the file use defaults."""

    def __init__(self, data: bytes, place: int) -> None:
        self._data = data
        self.place = place

    def read(self) -> Level:
        head = self._data[self.place : self.place + _LEVEL_SIZE].ljust(_LEVEL_SIZE, b"\0")
        at = self.place + _LEVEL_SIZE + head[24] + head[25]
        length = _u16(self._data, at)
        text = self._data[at + 2 : at + 2 + 2 * length].decode("utf-16-le", "replace")
        self.place = at + 2 + 2 * length
        shown = "".join(f"%{ord(one) + 1}" if ord(one) < _LEVELS else one for one in text)
        start = min(_u32(head, 0), 10**6)
        return Level(_FORMS.get(head[4], "decimal"), shown.strip(), start)


def _uses(stored: bytes) -> tuple[dict[str, str], dict[str, dict[int, int]]]:
    """The list of each list id, and the levels it restarts."""
    count = min(_u32(stored, 0), max(0, len(stored) - 4) // _USE_SIZE, _MAX_LISTS)
    uses, starts = {}, {}
    reader = _LevelReader(stored, 4 + count * _USE_SIZE)
    for number in range(count):
        at = 4 + number * _USE_SIZE
        uses[str(number + 1)] = str(_u32(stored, at))
        starts[str(number + 1)] = _starts(reader, stored, stored[at + 12])
    return uses, starts


def _starts(reader: _LevelReader, stored: bytes, count: int) -> dict[int, int]:
    found = {}
    reader.place += 4
    for _ in range(count):
        start, flags = _u32(stored, reader.place), _u32(stored, reader.place + 4)
        reader.place += 8
        if flags & 0x20:
            start = reader.read().start
        if flags & 0x10:
            found[flags & 0xF] = min(start, 10**6)
    return found


def _u16(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "little")


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")

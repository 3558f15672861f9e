"""RTF: paragraphs, headings, lists, tables and notes. Drawings and hidden text are skipped."""

import re
from dataclasses import dataclass, field, replace
from typing import Final

from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?[0-9]{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])"
    rb"|([^\\{}\r\n]+)|[\r\n]+|\\"
)
_MAX_DEPTH: Final = 2_000
_SKIPPED: Final = frozenset(
    {"colortbl", "listtable", "listoverridetable", "rsidtbl", "themedata", "datastore", "fldinst"}
    | {"nonshppict", "objdata", "objclass", "generator", "xmlnstbl", "revtbl", "filetbl"}
    | {"bkmkstart", "bkmkend", "latentstyles", "pgptbl", "sp", "sn", "sv", "template", "private"}
)
_INFO: Final = frozenset({"author", "operator", "company", "doccomm", "keywords", "subject"})
_ASIDES: Final = frozenset({"footnote", "annotation", "shptxt"})
_PAGE: Final = ("header", "footer")
_CHARACTERS: Final = {
    "tab": "\t",
    "line": "\n",
    "emdash": "—",
    "endash": "–",
    "bullet": "•",
    "lquote": "‘",
    "rquote": "’",
    "ldblquote": "“",
    "rdblquote": "”",
    "emspace": " ",
    "enspace": " ",
}
_SYMBOLS: Final = {"~": "\u00a0", "_": "\u2011", "{": "{", "}": "}", "\\": "\\"}
_CHARSETS: Final = {
    0: "cp1252",
    77: "mac_roman",
    128: "cp932",
    129: "cp949",
    134: "gb18030",
    136: "cp950",
    161: "cp1253",
    162: "cp1254",
    163: "cp1258",
    177: "cp1255",
    178: "cp1256",
    186: "cp1257",
    204: "cp1251",
    222: "cp874",
    238: "cp1250",
}
_HEADING: Final = re.compile(r"heading ([1-9])")

_TYPED_MARK: Final = re.compile(r"([•–▪·◦-]|[0-9a-z]{1,3}[.)])\t")


@dataclass(frozen=True, slots=True)
class _Group:
    """State within a pair of braces."""

    target: str = "text"
    encoding: str = "cp1252"
    fallbacks: int = 1  # fallback characters after each Unicode character
    hidden: bool = False


@dataclass(slots=True)
class _Paragraph:
    text: list[str] = field(default_factory=list)
    style: int = 0
    level: int | None = None
    in_table: bool = False
    mark: str | None = None


def load_rtf(data: bytes) -> ParsedDocument:
    """Title: the title property."""
    out = ExtractedText()
    title = add_rtf(out, data)
    return out.document(title)


def add_rtf(out: ExtractedText, data: bytes) -> str:
    """Append to `out` and return the title. Raises `IngestError` for other data."""
    data = data.lstrip()
    if not data.startswith(b"{\\rtf"):
        raise IngestError("this is not an RTF file")
    reader = _Reader(data, out)
    reader.read()
    return "".join(reader.title)


class _Reader:
    """Reads the tokens in one pass."""

    def __init__(self, data: bytes, out: ExtractedText) -> None:
        self.out = out
        self.title: list[str] = []
        self._data = data
        self._group = _Group()
        self._groups: list[_Group] = []
        self._pending = bytearray()  # undecoded bytes of one encoding
        self._skip = 0  # fallback characters left to skip
        self._starred = False
        self._fonts: dict[int, str] = {}
        self._font = 0
        self._styles: dict[int, list[str]] = {0: []}
        self._style = 0
        self._at = _Paragraph()
        self._cells: list[str] = []
        self._rows: list[list[str]] = []
        self._asides: list[str] = []
        self._pages: dict[str, None] = {}
        self._pictures = 0

    def read(self) -> None:
        """Read everything. A truncated file is read up to where it ends."""
        position = 0
        while found := _TOKEN.match(self._data, position):
            position = found.end()
            word, number, code, symbol, brace, text = found.groups()
            if brace:
                self._brace(brace)
            elif code:
                self._bytes(bytes([int(code, 16)]))
            elif text:
                self._bytes(text)
            elif word:
                value = int(number) if number else None
                if word == b"bin" and value:
                    position += max(0, value)
                else:
                    self._word(word.decode(), value)
            elif symbol:
                self._symbol(symbol.decode("latin-1"))
        self._end_paragraph()
        self._end_table()
        for line in self._pages:
            self.out.add_block(line)
        self.out.add_note("pictures", self._pictures)

    def _brace(self, brace: bytes) -> None:
        self._flush()
        self._starred = False
        self._skip = 0
        if brace == b"{":
            if len(self._groups) > _MAX_DEPTH:
                raise IngestError("the file is nested too deeply")
            self._groups.append(self._group)
        elif self._groups:
            ended, self._group = self._group, self._groups.pop()
            if ended.target in (*_ASIDES, "page") and self._group.target != ended.target:
                self._add("\n", ended.target)

    def _bytes(self, data: bytes) -> None:
        if self._skip:
            taken = min(self._skip, len(data))
            self._skip -= taken
            data = data[taken:]
        self._pending += data

    def _flush(self) -> None:
        if self._pending:
            data, self._pending = bytes(self._pending), bytearray()
            self._add(data.decode(self._group.encoding, "replace"), self._group.target)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif symbol in "\r\n":
            self._flush()
            self._end_paragraph()
        elif symbol in _SYMBOLS:
            self._flush()
            self._add(_SYMBOLS[symbol], self._group.target)

    def _word(self, word: str, value: int | None) -> None:
        self._flush()
        starred, self._starred = self._starred, False
        if word == "u" and value is not None:
            self._add(_character(value), self._group.target)
            self._skip = self._group.fallbacks
        elif word in _CHARACTERS:
            self._add(_CHARACTERS[word], self._group.target)
        elif not self._destination(word, starred=starred):
            self._format(word, value)
            self._layout(word, value)

    def _destination(self, word: str, *, starred: bool) -> bool:
        """Handle a control word that names a destination; False for other words."""
        target = None
        if self._group.target == "skipped":
            return True
        if (
            word in _SKIPPED
            or word in _INFO
            or (word == "pict" and self._group.target != "skipped")
        ):
            target = "skipped"
            self._pictures += word == "pict"
        elif word in ("fonttbl", "stylesheet", "title") or word in _ASIDES:
            target = word
        elif word.startswith(_PAGE) and word not in ("headery", "footery"):
            target = "page"
        elif word in ("listtext", "pntext"):
            target = "mark"
        elif starred and word not in ("shppict", "shpinst", "cs", "ts", "ds"):
            target = "skipped"
        if target is None:
            return False
        self._group = replace(self._group, target=target)
        return True

    def _format(self, word: str, value: int | None) -> None:
        """Apply formatting that holds until the end of the group."""
        group = self._group
        match word:
            case "ansicpg" if value:
                self._group = replace(group, encoding=_known(f"cp{value}"))
            case "mac":
                self._group = replace(group, encoding="mac_roman")
            case "uc" if value is not None:
                self._group = replace(group, fallbacks=max(0, value))
            case "f" if group.target == "fonttbl":
                self._font = value or 0
            case "fcharset" if value in _CHARSETS:
                self._fonts[self._font] = _CHARSETS[value]
            case "f" if value in self._fonts:
                self._group = replace(group, encoding=self._fonts[value])
            case "v" | "deleted":
                self._group = replace(group, hidden=value != 0)
            case "plain":
                self._group = replace(group, hidden=False)
            case _:
                return

    def _layout(self, word: str, value: int | None) -> None:
        if self._group.target == "stylesheet" and word == "s":
            self._style = value or 0
            self._styles[self._style] = []
        elif self._group.target != "text" and word == "par":
            self._add("\n", self._group.target)
        elif self._group.target == "text":
            self._paragraph_word(word, value)

    def _paragraph_word(self, word: str, value: int | None) -> None:
        match word:
            case "par" | "sect" | "page":
                self._end_paragraph()
            case "pard":
                self._at = _Paragraph(self._at.text, mark=self._at.mark)
            case "s":
                self._at.style = value or 0
            case "outlinelevel" if value is not None and value < 9:
                self._at.level = value + 1
            case "intbl":
                self._at.in_table = True
            case "cell" | "nestcell":
                self._cells.append(_joined(self._at.text))
                self._at.text = []
            case "row" | "nestrow":
                self._rows.append(self._cells)
                self._cells = []
            case _:
                return

    def _add(self, text: str, target: str) -> None:
        if self._group.hidden and target == "text":
            return
        match target:
            case "text":
                self._at.text.append(text)
            case "title":
                self.title.append(text)
            case "stylesheet":
                self._styles[self._style].append(text)
            case "mark":
                self._at.mark = (self._at.mark or "") + text
            case "page":
                line = " ".join(text.split())
                if any(map(str.isalpha, line)):
                    self._pages[line] = None
            case "skipped" | "fonttbl":
                return
            case _:
                self._asides.append(text)

    def _end_paragraph(self) -> None:
        self._flush()
        at, text = self._at, _joined(self._at.text)
        if at.in_table and self._groups:  # a cell may hold several
            self._at.text = [*at.text, "\n"] if text.strip() else []
            return
        self._at = replace(at, text=[], mark=None)
        if text.strip():
            self._end_table()
            self._add_paragraph(at, text)
        asides, self._asides = "".join(self._asides), []
        for line in asides.split("\n"):
            self.out.add_block(line)

    def _add_paragraph(self, at: _Paragraph, text: str) -> None:
        named = _HEADING.match("".join(self._styles.get(at.style, [])).strip().lower())
        level = at.level or (int(named[1]) if named else None)
        if (typed := _TYPED_MARK.match(text)) is not None and at.mark is None:
            at, text = replace(at, mark=typed[1]), text[typed.end() :]
        if level is not None:
            self.out.add_heading(" ".join(text.split()), level)
        elif at.mark is not None:
            mark = at.mark.strip()
            marked = f"{mark} " if any(map(str.isalnum, mark)) else "- "
            self.out.add_block(f"{marked}{text.strip()}", "item")
        else:
            self.out.add_block(text)

    def _end_table(self) -> None:
        if self._cells:
            self._rows.append(self._cells)
            self._cells = []
        rows, self._rows = self._rows, []
        if rows:
            add_table(self.out, rows, prior=0.0)


def _joined(parts: list[str]) -> str:
    """Join surrogate halves, which arrive as separate parts."""
    return "".join(parts).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _character(value: int) -> str:
    """RTF writes code units as signed 16-bit numbers."""
    code = value & 0xFFFF if value < 0x10000 else value
    return chr(code) if code < 0x110000 else ""


def _known(encoding: str) -> str:
    try:
        "".encode(encoding)
    except LookupError:
        return "utf-8" if encoding == "cp65001" else "cp1252"
    return encoding

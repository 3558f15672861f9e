"""Org (Emacs), read line by line. Nothing is included and no code is run."""

import re
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.markup_document import MarkupDocument
from app.ingest.loaders.org_inline import OrgInline
from app.ingest.parsed_document import ParsedDocument

_HEADING: Final = re.compile(r"(\*{1,100})[ \t]++(?=\S)")
_STATE: Final = re.compile(
    r"(?:TODO|DONE|NEXT|WAITING|HOLD|CANCELL?ED|STARTED|SOMEDAY)(?:[ \t]++|\Z)"
)
_PRIORITY: Final = re.compile(r"\[#[A-Z0-9]\][ \t]*+")
_TAGS: Final = re.compile(r":[\w@#%:]{1,200}:")
_KEYWORD: Final = re.compile(
    r"[ \t]*+#\+([\w-]{1,60})(?:\[[^\[\]]{0,200}\])?:[ \t]*+(.*)", re.DOTALL
)
_BLOCK: Final = re.compile(r"[ \t]*+#\+begin_([\w-]{1,60})[ \t]*+(.*)", re.IGNORECASE | re.DOTALL)
_END_OF_BLOCK: Final = re.compile(r"[ \t]*+#\+end_[\w-]{1,60}[ \t]*+", re.IGNORECASE)
_COMMENT_LINE: Final = re.compile(r"[ \t]*+#(?:[ \t]|\Z)")
_FIXED: Final = re.compile(r"[ \t]*+:(?: |\Z)")
_DRAWER: Final = re.compile(r"[ \t]*+:[\w-]{1,60}:[ \t]*+")
_DRAWER_END: Final = re.compile(r"[ \t]*+:end:[ \t]*+", re.IGNORECASE)
_ITEM: Final = re.compile(r"([ \t]*+)(?:([-+])|(\*)|([0-9]{1,4}|[a-zA-Z])[.)])(?:[ \t]++|\Z)")
_COUNTER: Final = re.compile(r"\[@[0-9a-z]{1,4}\][ \t]*+")
_CHECKBOX: Final = re.compile(r"\[[ xX-]\][ \t]++")
_PLANNING: Final = re.compile(r"[ \t]*+(?:SCHEDULED|DEADLINE|CLOSED|CLOCK):")
_RULE: Final = re.compile(r"[ \t]*+-{5,}+[ \t]*+")
_NOTE: Final = re.compile(r"\[fn:([\w-]{1,80})\][ \t]++(?=\S)")
_NUMBERED_NOTE: Final = re.compile(r"\[fn:([0-9]{1,6})\]")
_CODE: Final = ("src", "example", "verbatim")
_LEFT_OUT: Final = ("comment", "export")
_SHOWN_KEYWORDS: Final = ("author", "date", "description", "subtitle", "keywords", "email")


def load_org(data: bytes) -> ParsedDocument:
    """Title: `#+TITLE`, else a level-1 heading at the start of the file."""
    reader = _Reader(decode(data).expandtabs(8))
    reader.read()
    return reader.document.document()


class _Reader:
    def __init__(self, source: str) -> None:
        numbered = (int(one) for one in _NUMBERED_NOTE.findall(source))
        self.document = MarkupDocument(max(numbered, default=0))
        self._lines = [line.rstrip() for line in source.split("\n")]
        self._at = 0
        self._inline = OrgInline(self.document)
        self._paragraph: list[str] = []
        self._mark = ""  # mark of the open item
        self._indents: list[int] = []  # indentation of the open lists
        self._hidden = 0  # level of a commented-out heading; everything below it is skipped
        self._is_verse = False

    def read(self) -> None:
        titles = [
            found[2]
            for line in self._lines
            if (found := _KEYWORD.match(line)) and found[1].lower() == "title"
        ]
        self.document.set_title(self._inline.text(" ".join(titles)))
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            if found := _HEADING.match(line):
                self._heading(found, line)
            elif not self._hidden:
                self._line(line)
        self._close()

    def _heading(self, found: re.Match[str], line: str) -> None:
        self._close()
        self._indents = []
        level, text = len(found[1]), line[found.end() :]
        if self._hidden and level > self._hidden:
            return
        if state := _STATE.match(text):
            text = text[state.end() :]
        if priority := _PRIORITY.match(text):
            text = text[priority.end() :]
        self._hidden = level if text == "COMMENT" or text.startswith("COMMENT ") else 0
        words, _, last = text.rpartition(" ")
        if _TAGS.fullmatch(last):
            text = words
        if not self._hidden:
            self.document.heading(self._inline.text(text), level)

    def _line(self, line: str) -> None:
        if not line.strip() or _RULE.fullmatch(line):
            self._close()
        elif found := _BLOCK.match(line):
            self._close()
            self._block(found[1].lower())
        elif _END_OF_BLOCK.fullmatch(line):
            self._close()
            self._is_verse = False
        elif found := _KEYWORD.match(line):
            self._close()
            self._keyword(found[1].lower(), found[2])
        elif _COMMENT_LINE.match(line):
            return
        elif _DRAWER.fullmatch(line) and self._has_end():
            self._close()
            self._until(_DRAWER_END)
        elif _FIXED.match(line):
            self._close()
            self._fixed()
        elif line.lstrip().startswith("|"):
            self._close()
            self._table()
        elif not self._begins_item(line):
            self._text(line)

    def _keyword(self, name: str, value: str) -> None:
        if name in _SHOWN_KEYWORDS and value:
            self.document.row(f"{name}: {self._inline.text(value)}")
        elif name in ("caption", "html_head_title"):
            self.document.paragraph(self._inline.text(value))

    def _block(self, name: str) -> None:
        """Blocks that contain prose are read like other text."""
        if name in _CODE or name in _LEFT_OUT:
            lines = self._until(f"#+end_{name}")
            if name in _CODE:
                self.document.code(_dedented(lines))
        self._is_verse = name == "verse"

    def _until(self, end: "re.Pattern[str] | str") -> list[str]:
        start = self._at
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            is_end = line.strip().lower() == end if isinstance(end, str) else end.fullmatch(line)
            if is_end:
                return self._lines[start : self._at - 1]
        return self._lines[start:]

    def _has_end(self) -> bool:
        """Whether the drawer is closed before the next heading."""
        for line in self._lines[self._at : self._at + 1_000]:
            if _DRAWER_END.fullmatch(line):
                return True
            if _HEADING.match(line) or _DRAWER.fullmatch(line):
                return False
        return False

    def _fixed(self) -> None:
        self._at -= 1
        lines = []
        while self._at < len(self._lines) and _FIXED.match(self._lines[self._at]):
            lines.append(self._lines[self._at].lstrip()[2:])
            self._at += 1
        self.document.code("\n".join(lines))

    def _table(self) -> None:
        self._at -= 1
        rows: list[list[str]] = []
        has_header = False
        while self._at < len(self._lines) and self._lines[self._at].lstrip().startswith("|"):
            line = self._lines[self._at].strip()
            self._at += 1
            if line.startswith("|-"):
                has_header = has_header or len(rows) == 1
            else:
                cells = line.removeprefix("|").removesuffix("|").split("|")
                rows.append([" ".join(self._inline.text(cell).split()) for cell in cells])
        self.document.table(rows, has_header=has_header)

    def _begins_item(self, line: str) -> bool:
        found = _ITEM.match(line)
        if found is None or (found[3] and not found[1]):
            return False
        self._close()
        indent = len(found[1])
        while self._indents and self._indents[-1] > indent:
            self._indents.pop()
        if not self._indents or self._indents[-1] < indent:
            self._indents.append(indent)
        text = line[found.end() :]
        for pattern in (_COUNTER, _CHECKBOX):
            if skipped := pattern.match(text):
                text = text[skipped.end() :]
        self._mark = "-" if found[4] is None else line[found.start(4) : found.end()].strip()
        term, separator, rest = text.partition(" :: ")
        self._paragraph = [f"{term}: {rest}" if separator else text.removesuffix(" ::")]
        return True

    def _text(self, line: str) -> None:
        if _PLANNING.match(line):
            self._close()
            self.document.row(line.strip())
            return
        indent = len(line) - len(line.lstrip())
        if not self._paragraph and self._indents:
            while self._indents and self._indents[-1] >= indent:
                self._indents.pop()
        if found := _NOTE.match(line):
            self._close()
            line = f"[{found[1]}] {line[found.end() :]}"
        self._paragraph.append(line.strip())

    def _close(self) -> None:
        lines, self._paragraph = self._paragraph, []
        mark, self._mark = self._mark, ""
        if not lines:
            return
        text = self._inline.text(("\n" if self._is_verse else " ").join(lines))
        if self._indents:
            self.document.item(text, mark, len(self._indents) - 1)
        else:
            self.document.paragraph(text)


def _dedented(lines: list[str]) -> str:
    filled = [line for line in lines if line.strip()]
    indent = min((len(line) - len(line.lstrip()) for line in filled), default=0)
    return "\n".join(line[indent:] for line in lines)

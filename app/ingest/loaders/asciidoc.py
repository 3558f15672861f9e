"""AsciiDoc, read line by line. Nothing is included; attributes of the host are unknown."""

import re
from dataclasses import dataclass, field
from typing import Final

from app.ingest.loaders.asciidoc_inline import Inline
from app.ingest.loaders.asciidoc_table import table_rows
from app.ingest.loaders.decoding import decode
from app.ingest.loaders.markup_document import MarkupDocument
from app.ingest.parsed_document import ParsedDocument

_HEADING: Final = re.compile(r"(={1,6}|#{1,6})[ \t]++(?=\S)")
_UNDERLINE: Final = re.compile(r"([=~^+-])\1{3,}+")
_UNDERLINES: Final = "=-~^+"
_ATTRIBUTE: Final = re.compile(r":(!?[\w-]{1,80}!?):(?:[ \t]|\Z)")
_DELIMITER: Final = re.compile(
    r"-{4,}+|\.{4,}+|={4,}+|\*{4,}+|_{4,}+|\+{4,}+|/{4,}+|--|`{3}[\w+-]{0,40}|[|,:!]={3,}+"
)
_CONTAINERS: Final = re.compile(r"--|={4,}+|\*{4,}+|_{4,}+")
_ITEM: Final = re.compile(
    r"[ \t]*+(?:(?P<bullet>\*{1,6}|-|•)|(?P<dots>\.{1,6})|(?P<number>[0-9]{1,4}|[a-zA-Z])\."
    r"|<(?P<callout>[0-9]{1,3}|\.)>)[ \t]++(?=\S)"
)
_TERM_END: Final = re.compile(r"(?::{2,4}|;;)(?:[ \t]++|\Z)")
_CHECKBOX: Final = re.compile(r"\[[ xX*]\][ \t]++")
_MACRO: Final = re.compile(
    r"(include|image|video|audio|toc|ifdef|ifndef|ifeval|stem|latexmath|asciimath)::"
)
_NEVER_TEXT: Final = re.compile(
    r"(?:include|ifdef|ifndef|ifeval|endif)::[^\[\]]{0,500}\[[^\[\] ]*+\]"
)
"""Both branches of a condition are read. The text of a single-line condition has spaces."""
_ADMONITIONS: Final = ("NOTE", "TIP", "IMPORTANT", "WARNING", "CAUTION")
_CODE_STYLES: Final = ("source", "listing", "literal")
_MATH: Final = ("stem", "latexmath", "asciimath")
_QUOTES: Final = ("quote", "verse")
_MAX_CONTAINERS: Final = 50
_RULES: Final = ("'''", "<<<", "---", "***")


@dataclass(slots=True)
class _Open:
    """The paragraph, list item or description that the next lines may continue."""

    kind: str  # "paragraph", "item", "term", or "more" for a continued item
    label: str = ""  # the list mark, or the term being described
    lines: list[str] = field(default_factory=list)


def load_asciidoc(data: bytes) -> ParsedDocument:
    """Title: the document title."""
    reader = _Reader(decode(data).expandtabs(4))
    reader.read()
    return reader.document.document()


class _Reader:
    def __init__(self, source: str) -> None:
        self.document = MarkupDocument()
        self._lines = [line.rstrip() for line in source.split("\n")]
        self._at = 0
        self._inline = Inline(self.document)
        self._style = ""  # attributes of the next block
        self._open: _Open | None = None
        self._containers: list[str] = []  # closing lines of the open containers
        self._marks: list[str] = []  # marks of the open lists
        self._numbers: list[int] = []

    def read(self) -> None:
        self._read_header()
        while self._at < len(self._lines):
            line = self._lines[self._at]
            self._at += 1
            self._line(line)
        self._close()

    def _read_header(self) -> None:
        """Read attributes, the title, and the author and revision lines below it."""
        while self._at < len(self._lines):
            line = self._lines[self._at]
            if line.startswith("= ") and self.document.title is None:
                self._at += 1
                self.document.set_title(self._inline.text(line[2:]))
                self._read_author("author")
                self._read_author("revision")
            elif not line or _is_comment(line) or self._attribute(line):
                self._at += 1
            else:
                return

    def _read_author(self, name: str) -> None:
        line = self._lines[self._at] if self._at < len(self._lines) else ""
        if line and not line.startswith((":", "//", "=", "[", "include::")):
            self._at += 1
            self.document.row(f"{name}: {line}")

    def _attribute(self, line: str) -> bool:
        found = _ATTRIBUTE.match(line)
        if found is None:
            return False
        value = line[found.end() :].strip()
        while value.endswith("\\") and self._at + 1 < len(self._lines):
            self._at += 1
            value = f"{value[:-1].rstrip()} {self._lines[self._at].strip()}"
        self._inline.define(found[1], value)
        return True

    def _line(self, line: str) -> None:
        if not line:
            self._close()
        elif _is_comment(line) or _NEVER_TEXT.match(line):
            return
        elif line in self._containers:
            self._close()
            del self._containers[self._containers.index(line) :]
        elif self._is_underline(line):
            assert self._open is not None
            text, self._open = self._open.lines[0], None
            self._end_lists()
            self.document.heading(self._inline.text(text), _UNDERLINES.index(line[0]) + 1)
        elif line == "+" and self._marks:
            self._close()
            self._open = _Open("more")
        elif _DELIMITER.fullmatch(line):
            self._close()
            self._block(line)
        elif (self._open is None or not self._open.lines) and self._begins_block(line):
            return
        elif not self._begins_item(line):
            self._open = self._open or _Open("paragraph")
            self._open.lines.append(line)

    def _is_underline(self, line: str) -> bool:
        """Whether the line underlines a two-line title; both lines have about the same length."""
        if self._open is None or self._open.kind != "paragraph" or len(self._open.lines) != 1:
            return False
        return bool(_UNDERLINE.fullmatch(line)) and abs(len(line) - len(self._open.lines[0])) < 3

    def _begins_block(self, line: str) -> bool:
        if self._attribute(line) or line in _RULES:
            return True
        if line.startswith("[") and line.endswith("]"):
            self._style = self._style if line.startswith("[[") else line[1:-1]
            return True
        if line.startswith(".") and len(line) > 1 and line[1] not in ". ":
            self._end_lists()
            self.document.paragraph(self._inline.text(line[1:]))
            return True
        if found := _HEADING.match(line):
            self._end_lists()
            self._style = ""
            text = line[found.end() :].removesuffix(f" {found[1]}")
            self.document.heading(self._inline.text(text), len(found[1]))
            return True
        if found := _MACRO.match(line):
            self._macro(found[1], line[found.end() :])
            return True
        return False

    def _macro(self, name: str, rest: str) -> None:
        label = rest.partition("[")[2].rpartition("]")[0]
        if name in ("image", "video", "audio"):
            self.document.out.add_note("pictures", int(name == "image"))
            self.document.paragraph(self._inline.text(label.partition(",")[0].strip('"')))
        elif name in _MATH or name in ("ifdef", "ifndef"):
            self.document.paragraph(label)

    def _begins_item(self, line: str) -> bool:
        in_paragraph = self._open is not None and self._open.kind == "paragraph"
        if in_paragraph and self._open is not None and self._open.lines:
            return False
        if found := _ITEM.match(line):
            self._close()
            self._begin_item(found, line[found.end() :])
            return True
        end = _TERM_END.search(line)
        if end is None or not line[: end.start()].strip():
            return False
        self._close()
        self._marks = self._marks or ["::"]
        self._numbers = self._numbers or [0]
        self._open = _Open("term", self._inline.text(line[: end.start()].strip()))
        if rest := line[end.end() :].strip():
            self._open.lines.append(rest)
        return True

    def _begin_item(self, found: re.Match[str], text: str) -> None:
        key = found["bullet"] or found["dots"] or ("<1>" if found["callout"] else "1.")
        depth = self._marks.index(key) if key in self._marks else len(self._marks)
        del self._marks[depth:], self._numbers[depth + 1 :]
        self._marks.append(key)
        self._numbers += [0] * (depth + 1 - len(self._numbers))
        self._numbers[depth] += 1
        written = found["number"] or (found["callout"] or "").strip(".")
        mark = "-" if found["bullet"] else f"{written or self._numbers[depth]}."
        box = _CHECKBOX.match(text)
        self._open = _Open("item", mark, [text[box.end() :] if box else text])

    def _block(self, delimiter: str) -> None:
        """Read the text between two identical delimiter lines."""
        style, self._style = self._style, ""
        name, *more = [part.strip() for part in style.split(",")]
        if _CONTAINERS.fullmatch(delimiter):
            if name.lower() in _QUOTES and any(more):
                self.document.paragraph(self._inline.text(", ".join(filter(None, more))))
            self._style = style if name.upper() in _ADMONITIONS else ""
            self._containers = [*self._containers[-_MAX_CONTAINERS:], delimiter]
            return
        content = self._until("```" if delimiter.startswith("`") else delimiter)
        if delimiter.startswith("/"):
            return
        if delimiter[1:2] == "=" and delimiter[0] != "=":
            rows, has_header = table_rows(content, delimiter[0], style, self._inline)
            self.document.table(rows, has_header=has_header)
        elif delimiter.startswith("+"):
            text = "\n".join(content)
            self.document.paragraph(text if name in _MATH else self._inline.text(text))
        else:
            self.document.code("\n".join(content))

    def _until(self, closing: str) -> list[str]:
        """The lines up to the one that closes the block, or to the end of the file."""
        start = self._at
        while self._at < len(self._lines):
            self._at += 1
            if self._lines[self._at - 1] == closing:
                return self._lines[start : self._at - 1]
        return self._lines[start:]

    def _close(self) -> None:
        """End the open block; lists continue."""
        found, self._open = self._open, None
        if found is None or (not found.lines and found.kind != "term"):
            return
        style, self._style = self._style.partition(",")[0].strip(), ""
        text = self._joined(found.lines)
        if found.kind == "item":
            self.document.item(text, found.label, len(self._marks) - 1)
        elif found.kind == "more":
            self.document.item(text, "", len(self._marks) - 1)
        elif found.kind == "term":
            self.document.row(f"{found.label}: {text}" if text else found.label)
        else:
            self._end_lists()
            self._paragraph(found.lines, text, style)

    def _paragraph(self, lines: list[str], text: str, style: str) -> None:
        if style.lower() in _CODE_STYLES or lines[0].startswith(" "):
            self.document.code("\n".join(lines))
        elif style.lower() == "verse":
            self.document.paragraph("\n".join(map(self._inline.text, lines)))
        elif style.lower() in _MATH:
            self.document.paragraph("\n".join(lines))
        elif style.upper() in _ADMONITIONS:
            self.document.paragraph(f"{style.capitalize()}: {text}")
        else:
            self.document.paragraph(text)

    def _joined(self, lines: list[str]) -> str:
        """Join into one line, except at lines that end with ` +`."""
        parts = [f"{line[:-2]}\n" if line.endswith(" +") else f"{line.strip()} " for line in lines]
        return self._inline.text("".join(parts).strip())

    def _end_lists(self) -> None:
        self._marks, self._numbers = [], []


def _is_comment(line: str) -> bool:
    return line.startswith("//") and not line.startswith("///")

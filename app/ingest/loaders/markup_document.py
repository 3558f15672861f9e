"""Builds documents from line-based markup (AsciiDoc, Org, TeX): lists, notes, titles."""

from typing import Final

from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.table_headers import HeaderRow
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import ParsedDocument

MAX_DEPTH: Final = 8  # list depth; deeper items are shown at this depth


class MarkupDocument:
    """Receives what a scanner finds, in file order."""

    def __init__(self, notes: int = 0) -> None:
        """`notes` is the highest footnote number that the file assigns itself."""
        self.out = ExtractedText()
        self.title: str | None = None
        self._begun = False
        self._notes: list[str] = []
        self._number = notes

    def set_title(self, text: str) -> None:
        """Set the document's title and add it as a line here."""
        text = " ".join(text.split())
        if text and self.title is None:
            self.title = text
            self.out.add_heading(text, 1, named=False)

    def heading(self, text: str, level: int) -> None:
        """Level 1 is the highest. A heading at the start becomes the title if there is none."""
        text = " ".join(text.split())
        if not text:
            return
        if level == 1 and not self._begun and self.title is None:
            self.set_title(text)
        else:
            self.out.add_heading(text, level)
        self._begun = True
        self._add_notes()

    def paragraph(self, text: str) -> None:
        """Line feeds are kept."""
        lines = (" ".join(line.split()) for line in text.split("\n"))
        self._add("\n".join(line for line in lines if line))

    def item(self, text: str, mark: str, depth: int) -> None:
        """`depth` 0 is the outermost. An empty `mark` continues an item."""
        text = " ".join(text.split())
        indent = "  " * min(depth, MAX_DEPTH)
        if text:
            self._begun = True
            self.out.add_block(f"{indent}{mark} {text}" if mark else f"{indent}  {text}", "item")
        self._add_notes()

    def row(self, text: str) -> None:
        """Add a label with its value."""
        self._begun = self._begun or bool(text.strip())
        self.out.add_block(" ".join(text.split()), "row")
        self._add_notes()

    def code(self, text: str) -> None:
        self._begun = self._begun or bool(text.strip())
        self.out.add_block(text, "code")

    def table(self, rows: list[list[str]], *, has_header: bool) -> None:
        self._begun = self._begun or any(map(any, rows))
        if has_header and rows:
            rows = [HeaderRow(rows[0]), *rows[1:]]
        add_table(self.out, rows)
        self._add_notes()

    def note(self, text: str) -> str:
        """Record an inline footnote. Returns the mark to show in its place."""
        self._number += 1
        if text := " ".join(text.split()):
            self._notes.append(f"Footnote {self._number}: {text}")
        return f" [{self._number}]" if text else ""

    def aside(self, text: str) -> None:
        """Queue a paragraph anchored in running text; it is added below that text."""
        self._notes.append(" ".join(text.split()))

    def document(self) -> ParsedDocument:
        self._add_notes()
        return self.out.document(self.title)

    def _add(self, text: str) -> None:
        self._begun = self._begun or bool(text.strip())
        self.out.add_block(text)
        self._add_notes()

    def _add_notes(self) -> None:
        notes, self._notes = self._notes, []
        for note in notes:
            self.out.add_block(note)

"""CSV and TSV, with whatever separates their values."""

import csv
from collections.abc import Iterator
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

_SEPARATORS: Final = ",;\t|"
_SAMPLE: Final = 20  # lines


def load_csv(data: bytes) -> ParsedDocument:
    """One line of text per row."""
    text = decode(data)
    out = ExtractedText()
    add_table(out, _rows(text, _separator(text)))
    return out.document(None)


def _separator(text: str) -> str:
    """What occurs equally often in most of the first lines, and most often."""
    lines = [line for line in text.split("\n", _SAMPLE)[:_SAMPLE] if line.strip()]

    def evenness(separator: str) -> tuple[int, int]:
        counts = [line.count(separator) for line in lines]
        common = max(set(counts), key=lambda count: (count > 0, counts.count(count)))
        return (counts.count(common) if common else 0, common)

    return max(_SEPARATORS, key=evenness)


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(text.splitlines(keepends=True), delimiter=separator)
    except csv.Error as error:
        raise IngestError("this is not a table of separated values") from error

"""CSV and TSV with any common separator."""

import csv
import re
from collections.abc import Iterator
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.tables import add_table
from app.ingest.parsed_document import IngestError, ParsedDocument

_SEPARATORS: Final = "\t;|,"  # least likely to be part of a value first
_SAMPLE: Final = 50  # lines examined
_LONG: Final = 100_000  # characters examined per line
_EVEN: Final = 0.8  # share of lines that must have the most common number of separators
_DECLARED: Final = re.compile(r"sep=(.)\n", re.IGNORECASE)


def load_csv(data: bytes) -> ParsedDocument:
    """One line of text per row."""
    text = decode(data)
    declared = _DECLARED.match(text)
    if declared is not None:
        text = text[declared.end() :]
    out = ExtractedText()
    add_table(out, _rows(text, declared[1] if declared else _separator(text)))
    return out.document(None)


def _separator(text: str) -> str:
    """The separator with the most consistent count per line; a comma may also be in numbers."""
    lines = [line for line in text.split("\n", _SAMPLE)[:_SAMPLE] if line.strip()]

    def evenness(separator: str) -> tuple[float, int]:
        counts = [len(next(csv.reader([line[:_LONG]], delimiter=separator))) - 1 for line in lines]
        common = max(set(counts), key=lambda count: (count > 0, counts.count(count)))
        return (counts.count(common) / len(lines) if common else 0.0, common)

    found = {separator: evenness(separator) for separator in _SEPARATORS}
    even = (separator for separator in _SEPARATORS if found[separator][0] >= _EVEN)
    return next(even, None) or max(_SEPARATORS, key=lambda separator: found[separator])


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from csv.reader(
            text.splitlines(keepends=True), delimiter=separator, skipinitialspace=True
        )
    except csv.Error as error:
        raise IngestError("this is not a table of separated values") from error

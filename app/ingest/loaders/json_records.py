"""JSON that is not a transcript: each record is a line "key: value; key: value" under its path."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.json_segments import first_text
from app.ingest.loaders.json_transcript import UNKNOWN, load_json_transcript, parse_json
from app.ingest.parsed_document import IngestError, ParsedDocument

_DEEPEST: Final = 40
_LONG: Final = 200  # characters from which a value becomes a paragraph


def load_json(data: bytes) -> ParsedDocument:
    """Read a transcript if the file is one, else its records."""
    try:
        return load_json_transcript(data)
    except IngestError as error:
        if str(error) != UNKNOWN:
            raise
    content = parse_json(data)
    out = ExtractedText()
    _add(out, content, path="", level=1)
    title = first_text(content, ("title", "name")) if isinstance(content, Mapping) else None
    return out.document(title)


def load_json_lines(data: bytes) -> ParsedDocument:
    """Read one record per line (.jsonl, .ndjson)."""
    out = ExtractedText()
    for number, line in enumerate(decode(data).split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise IngestError(f"this is not JSON (line {number})") from error
            _add(out, record, path="", level=1)
    return out.document(None)


def _add(out: ExtractedText, value: object, *, path: str, level: int) -> None:
    """Short values share a line; long and nested ones follow it."""
    if level > _DEEPEST:
        raise IngestError("the file is nested too deeply")
    if isinstance(value, Mapping):
        _add_record(out, value, path=path, level=level)
    elif isinstance(value, list) and _is_flat(value):
        out.add_block(", ".join(map(_shown, value)), "row")
    elif isinstance(value, list):
        for one in value:
            _add(out, one, path=path, level=level)
    else:
        out.add_block(_shown(value), "row")


def _add_record(out: ExtractedText, record: Mapping[str, object], *, path: str, level: int) -> None:
    pairs = list(_pairs(record, ""))
    short = [(key, value) for key, value in pairs if len(value) <= _LONG]
    out.add_block("; ".join(f"{key}: {value}" for key, value in short), "row")
    for key, text in pairs:
        if len(text) > _LONG:
            out.add_block(f"{key}: {text}")
    for name, value in record.items():
        if isinstance(value, list) and not _is_flat(value):
            inner = f"{path}.{name}" if path else name
            out.add_heading(inner, level + 1)
            _add(out, value, path=inner, level=level + 1)


def _pairs(record: Mapping[str, object], prefix: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Displayable keys and values; nested keys are joined as in `address.city`."""
    if depth > _DEEPEST:
        raise IngestError("the file is nested too deeply")
    for key, value in record.items():
        if isinstance(value, Mapping):
            yield from _pairs(value, f"{prefix}{key}.", depth + 1)
        elif not isinstance(value, list) or _is_flat(value):
            text = ", ".join(map(_shown, value)) if isinstance(value, list) else _shown(value)
            if text:
                yield f"{prefix}{key}", text


def _is_flat(value: Sequence[object]) -> bool:
    return not any(isinstance(one, list | Mapping) for one in value)


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return format(value, ".12g")
        case _:
            return " ".join(str(value).split()) if isinstance(value, str) else str(value)

"""IPYNB: cells in order, Markdown with its structure, code and its output as code."""

from collections.abc import Mapping
from typing import Final

from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.json_transcript import parse_json
from app.ingest.loaders.markdown import add_markdown
from app.ingest.loaders.source_code import add_code
from app.ingest.parsed_document import IngestError, ParsedDocument

_MAX_OUTPUT: Final = 20_000  # characters of output per cell


def load_notebook(data: bytes) -> ParsedDocument:
    """Title: the metadata title, else a level-1 heading at the start."""
    notebook = parse_json(data)
    cells = _cells(notebook)
    if cells is None:
        raise IngestError("this is not a notebook (it has no cells)")
    title = _title(notebook)
    out = ExtractedText()
    pictures = 0
    for cell in cells:
        source = _joined(cell.get("source") or cell.get("input"))
        if cell.get("cell_type") in ("code", None):
            add_code(out, source)
            pictures += _add_outputs(out, cell.get("outputs"))
        elif cell.get("cell_type") == "markdown":
            title = add_markdown(out, source, title)
        else:
            out.add_block(source)
    out.add_note("pictures", pictures)
    return out.document(title)


def _cells(notebook: object) -> list[Mapping[str, object]] | None:
    """Also supports nbformat 3, which has worksheets."""
    if not isinstance(notebook, Mapping):
        return None
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        sheets = notebook.get("worksheets")
        if not isinstance(sheets, list):
            return None
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, Mapping)]
        cells = [cell for part in parts if isinstance(part, list) for cell in part]
    return [cell for cell in cells if isinstance(cell, Mapping)]


def _title(notebook: object) -> str | None:
    metadata = notebook.get("metadata") if isinstance(notebook, Mapping) else None
    title = metadata.get("title") if isinstance(metadata, Mapping) else None
    return title if isinstance(title, str) else None


def _add_outputs(out: ExtractedText, outputs: object) -> int:
    """Returns the number of images among the outputs."""
    pictures = 0
    for output in outputs if isinstance(outputs, list) else ():
        if not isinstance(output, Mapping):
            continue
        data = output.get("data")
        shown = data if isinstance(data, Mapping) else output
        pictures += any(str(kind).startswith("image/") for kind in shown)
        text = _joined(shown.get("text/plain") or output.get("text"))
        if output.get("output_type") in ("error", "pyerr"):
            text = f"{output.get('ename') or ''}: {output.get('evalue') or ''}".strip(": ")
        add_code(out, text[:_MAX_OUTPUT])
    return pictures


def _joined(source: object) -> str:
    """Join a source stored as a string or as a list of lines."""
    if isinstance(source, list):
        return "".join(line for line in source if isinstance(line, str))
    return source if isinstance(source, str) else ""

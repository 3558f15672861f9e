"""Notebooks: text with its structure, code, and printed output."""

import json

import pytest

from app.domain.models import FidelityNote
from app.ingest.loaders.notebook import load_notebook
from app.ingest.parsed_document import IngestError


def notebook(*cells: dict[str, object]) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()


def test_cells_are_read_in_order_with_their_outputs() -> None:
    picture = {"output_type": "display_data", "data": {"image/png": "iVBO"}}
    outputs = [
        {"output_type": "stream", "text": ["boiling\n", "done"]},
        {"output_type": "execute_result", "data": {"text/plain": "42", "text/html": "<b>42</b>"}},
        {"output_type": "error", "ename": "ValueError", "evalue": "dry", "traceback": ["x"]},
        picture,
    ]
    source = load_notebook(
        notebook(
            {"cell_type": "markdown", "source": ["# Kettles\n", "\n", "All of *them*."]},
            {"cell_type": "code", "source": "def boil():\n    return 42", "outputs": outputs},
            {"cell_type": "markdown", "source": "## Cups\n\n- one"},
            {"cell_type": "raw", "source": "as it is"},
        )
    )
    assert source.title == "Kettles"
    assert [(b.kind, b.heading, source.text[b.start : b.end]) for b in source.blocks] == [
        ("paragraph", None, "All of them."),
        ("code", None, "def boil():\n    return 42"),
        ("code", None, "boiling\ndone"),
        ("code", None, "42"),
        ("code", None, "ValueError: dry"),
        ("item", "Cups", "- one"),
        ("paragraph", "Cups", "as it is"),
    ]
    assert source.notes == (FidelityNote("pictures", 1),)


def test_the_third_edition_of_the_format_is_read() -> None:
    cells = [{"cell_type": "code", "input": "x = 1", "outputs": [{"text": ["1"]}]}]
    data = json.dumps({"worksheets": [{"cells": cells}], "nbformat": 3}).encode()
    assert load_notebook(data).text == "x = 1\n\n1"


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"cells": 3}', b'{"worksheets": [3]}', b"{"])
def test_what_is_no_notebook_says_so(data: bytes) -> None:
    with pytest.raises(IngestError):
        load_notebook(data)

"""Sections of docs/measurements.md that benchmarks replace."""

import re
from collections.abc import Sequence
from pathlib import Path


def replace_section(file: Path, name: str, heading: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of that name; a new section goes to the end of the file."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    section = "\n".join((begin, *lines, end))
    text = file.read_text() if file.exists() else "# Measurements\n"
    found = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if found.search(text):
        text = found.sub(lambda _: section, text)
    else:
        text = f"{text.rstrip()}\n\n## {heading}\n\n{section}\n"
    file.write_text(text)


def markdown_table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The first row is the header."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return [lines[0], "|---" * len(rows[0]) + "|", *lines[1:]]

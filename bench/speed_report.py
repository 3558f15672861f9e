"""The table of the figures, on the screen and in the documentation."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.speed_figures import Row

HEAD: Final = ("", "figure", "baseline", "ours", "ratio", "gate", "goal", "met", "busy")
BEGIN: Final = "<!-- speed: begin -->"
END: Final = "<!-- speed: end -->"
_MET: Final = {None: "", True: "yes", False: "NO"}


def table(rows: Sequence[Row]) -> list[Sequence[str]]:
    """The rows of the table, with its head."""
    lines: list[Sequence[str]] = [HEAD]
    for row in rows:
        ratios = (row.ratio, row.gate, row.goal, _MET[row.ok], row.busy)
        lines.append((row.figure, row.what, row.baseline, row.ours, *ratios))
    return lines


def passed(rows: Sequence[Row]) -> bool:
    """Whether all gates were met."""
    return not any(row.ok is False for row in rows)


def write_section(file: Path, record: dict[str, Any]) -> None:
    """Put the table into a Markdown file, in place of the one before."""
    made, rows = record["made"], record["rows"]
    lines = [
        BEGIN,
        f"Measured {made['at'][:10]} by `make bench` on {made['machine']}, {made['seconds']:g} s "
        f"each, with {made['versions']}. *busy*: shares of a processor.",
        "",
        *(f"| {' | '.join(row)} |" for row in rows),
        END,
    ]
    lines.insert(4, "|---" * len(HEAD) + "|")
    section = "\n".join(lines)
    text = file.read_text() if file.exists() else "# Measurements\n"
    found = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if found.search(text):
        text = found.sub(lambda _: section, text)
    else:
        text = f"{text.rstrip()}\n\n## Speed\n\n{section}\n"
    file.write_text(text)

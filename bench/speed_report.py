"""The table of the figures, on the screen and in the documentation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from bench.measurement_sections import markdown_table, replace_section
from bench.speed_figures import Row

HEAD: Final = ("", "figure", "baseline", "ours", "ratio", "gate", "goal", "met", "busy")
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
    """Replace the table in a Markdown file."""
    made = record["made"]
    about = (
        f"Measured {made['at'][:10]} by `make bench` on {made['machine']}, {made['seconds']:g} s "
        f"each, with {made['versions']}. *busy*: shares of a processor."
    )
    replace_section(file, "speed", "Speed", [about, "", *markdown_table(record["rows"])])

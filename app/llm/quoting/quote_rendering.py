"""Writes the chosen units as Markdown: sentences, lists, tables and code with their markers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from app.llm.quoting.quotable_units import Part, Unit
from app.text.markers import escape_markers, find_markers

MAX_PARTS: Final = 40
"""A longer list or table is visibly shortened."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """A unit to be quoted: all of its parts, or these."""

    unit: Unit
    parts: tuple[int, ...] | None = None

    @property
    def quoted(self) -> tuple[Part, ...]:
        if self.parts is None:
            return self.unit.parts
        return tuple(self.unit.parts[number] for number in self.parts)

    @property
    def omits(self) -> bool:
        """Whether the reader has to be told that the source says more."""
        is_list = self.unit.kind == "list" and not self.unit.header
        return is_list and self.unit.lead is not None and self.parts is not None


def cited_passages(chosen: Sequence[Chosen]) -> list[int]:
    """The passages in the order in which the answer cites them first."""
    cited: dict[int, None] = {}
    for one in chosen:
        if one.unit.kind == "code":
            cited.setdefault((one.unit.lead or one.unit.parts[0]).passage)
        else:
            cited |= dict.fromkeys(part.passage for part in one.quoted[:MAX_PARTS])
    return list(cited)


def render(chosen: Sequence[Chosen], numbers: Mapping[int, int]) -> str:
    """The answer; `numbers` are the markers of the passages."""
    blocks: list[str] = []
    for kind, group in groupby(chosen, key=_group):
        members = list(group)
        match kind[0]:
            case "sentence":
                blocks.append(_sentences(members, numbers))
            case "table":
                blocks += _table(members, numbers)
            case "list":
                blocks += _list(members, numbers)
            case _:
                blocks += _code(members[0].unit, numbers)
    return "\n\n".join(blocks)


def _group(one: Chosen) -> tuple[object, ...]:
    """Neighbours of one group are written together."""
    unit = one.unit
    match unit.kind:
        case "sentence":
            return "sentence", unit.passage if unit.label is None else unit.block
        case "table":
            return "table", unit.header, unit.lead
        case "list":
            return "list", unit.lead, unit.header, _is_numbered(unit)
        case _:
            return "code", id(unit)


def _is_numbered(unit: Unit) -> bool:
    return unit.is_procedure


def _sentences(chosen: Sequence[Chosen], numbers: Mapping[int, int]) -> str:
    label = chosen[0].unit.label
    said = " ".join(
        f"{plain(part.text)}{_marker(part, numbers)}" for one in chosen for part in one.quoted
    )
    is_said = label is not None and said.lower().startswith(label.lower())
    return f"{label}: {said}" if label and not is_said else said


def _list(chosen: Sequence[Chosen], numbers: Mapping[int, int]) -> list[str]:
    first = chosen[0].unit
    lines: list[str] = []
    hidden = 0
    for one in chosen:
        parts = one.quoted[: MAX_PARTS - len(lines)]
        lines += [_item(part, numbers) for part in parts]
        hidden += len(one.quoted) - len(parts)
        hidden += len(one.unit.parts) - len(one.quoted) if one.omits else 0
    if hidden > 0:
        lines.append(f"- … {hidden} more in the source")
    lead = [plain(first.lead.text)] if first.lead else []
    return [*lead, *(plain(name) for name in first.header), "\n".join(lines)]


def _item(part: Part, numbers: Mapping[int, int]) -> str:
    if part.is_code:
        code = "\n".join(f"   {line}" for line in _fenced(part.text).split("\n"))
        return f"{code}\n"
    indent = " " * (3 * (part.depth // 2))
    text = plain(" ".join(part.text.split()))
    return f"{indent}{part.mark or '-'} {text}{_marker(part, numbers)}"


def _table(chosen: Sequence[Chosen], numbers: Mapping[int, int]) -> list[str]:
    unit = chosen[0].unit
    rows = [part for one in chosen for part in one.quoted]
    width = max(len(unit.header), *(len(row.cells) for row in rows))
    lines = [_row(unit.header, width), f"|{'---|' * width}"]
    for part in rows[:MAX_PARTS]:
        row = _row(part.cells, width).removesuffix(" |").rstrip()
        lines.append(f"{row}{_marker(part, numbers)} |")
    if (hidden := len(rows) - MAX_PARTS) > 0:
        lines.append(_row([f"… {hidden} more in the source"], width))
    return [*([plain(unit.lead.text)] if unit.lead else []), "\n".join(lines)]


def _row(row: Sequence[str], width: int) -> str:
    """Bars and bracketed numbers in cells are text."""
    filled = [*row, *[""] * (width - len(row))]
    cells = (escape_markers(cell).replace("|", "\\|") for cell in filled)
    return f"| {' | '.join(cells)} |"


def _code(unit: Unit, numbers: Mapping[int, int]) -> list[str]:
    text = _fenced("\n\n".join(part.text for part in unit.parts))
    if unit.lead is not None:
        return [f"{plain(unit.lead.text)}{_marker(unit.lead, numbers)}", text]
    return [text, _marker(unit.parts[0], numbers).strip()]


def _fenced(text: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}\n{text}\n{fence}"


def _marker(part: Part, numbers: Mapping[int, int]) -> str:
    return f" [{numbers[part.passage]}]"


def plain(text: str) -> str:
    """Without bracketed numbers of the source, which would be read as markers."""
    for marker in reversed(find_markers(text)):
        text = text[: marker.start].rstrip() + text[marker.end :]
    return text

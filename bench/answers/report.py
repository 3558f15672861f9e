"""Tables of the verdicts, on the screen and in the documentation."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.answers.judging import VERDICTS, Reply, Verdict
from bench.answers.questions import Item
from bench.measurement_sections import markdown_table, replace_section

LISTS: Final = ("list", "procedure")


@dataclass(frozen=True, slots=True)
class Judged:
    """One question in one mode."""

    item: Item
    mode: str
    reply: Reply
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """A share that has to be reached, or may not be exceeded."""

    what: str
    kinds: tuple[str, ...]
    verdict: Verdict
    limit: float
    is_most: bool = False

    def met(self, share: float) -> bool:
        return share <= self.limit if self.is_most else share >= self.limit


GATES: Final = (
    Gate("lookups right", ("lookup",), "right", 0.85),
    Gate("lookups wrong", ("lookup",), "wrong", 0.03, is_most=True),
    Gate("lookups wrongly refused", ("lookup",), "wrongly refused", 0.05, is_most=True),
    Gate("lists and procedures complete", LISTS, "right", 0.95),
    Gate("foreign questions declined", ("outside",), "right", 0.95),
)
"""Of quoting mode; with a model, its own answers decide."""


def kind_rows(judged: Sequence[Judged]) -> list[Sequence[str]]:
    """A row per mode, set and kind."""
    rows: list[Sequence[str]] = [("mode", "set", "kind", "questions", *VERDICTS)]
    for mode, part, kind in sorted({(one.mode, one.item.part, one.item.kind) for one in judged}):
        group = [
            one.verdict
            for one in judged
            if (one.mode, one.item.part, one.item.kind) == (mode, part, kind)
        ]
        counts = Counter(group)
        rows.append((mode, part, kind, str(len(group)), *(str(counts[one]) for one in VERDICTS)))
    return rows


def gate_rows(judged: Sequence[Judged], mode: str) -> list[Sequence[str]]:
    """Each gate of a mode: its share in each set that has such questions, and in all."""
    rows: list[Sequence[str]] = [("of quoting mode", "set", "questions", "share", "gate", "met")]
    for gate in GATES:
        for part, group in _groups(judged, gate, mode):
            share = sum(one.verdict == gate.verdict for one in group) / len(group)
            limit = f"{'≤' if gate.is_most else '≥'} {gate.limit:.0%}"
            met = "yes" if gate.met(share) else "NO"
            rows.append((gate.what, part, str(len(group)), f"{share:.1%}", limit, met))
    return rows


def _groups(
    judged: Sequence[Judged], gate: Gate, mode: str
) -> Iterator[tuple[str, Sequence[Judged]]]:
    asked = [one for one in judged if one.mode == mode and one.item.kind in gate.kinds]
    parts = sorted({one.item.part for one in asked})
    for part in parts:
        yield part, [one for one in asked if one.item.part == part]
    if len(parts) > 1:
        yield "all", asked


def passed(rows: Sequence[Sequence[str]]) -> bool:
    """Whether all gates were met over all sets."""
    last = {row[0]: row[-1] for row in rows[1:]}
    return "NO" not in last.values()


def shortfalls(judged: Sequence[Judged]) -> Iterator[str]:
    """Every answer that is not right, but those of the held-out set."""
    for one in judged:
        if one.verdict != "right" and one.item.part != "held_out":
            asked = " ⏎ ".join(one.item.turns)
            yield f"== {one.verdict} ({one.mode}, {one.item.kind}, {one.item.library}): {asked}"
            yield f"   must say: {' | '.join(' // '.join(wordings) for wordings in one.item.must)}"
            yield f"{one.reply.text}\n"


def write_section(file: Path, made: dict[str, str], tables: Sequence[Sequence[Any]]) -> None:
    """Replace the tables in a Markdown file."""
    lines = [f"Measured {made['at'][:10]} by `{made['command']}` with {made['versions']}."]
    for rows in tables:
        lines += ["", *markdown_table(rows)]
    replace_section(file, "answers", "Answers", lines)

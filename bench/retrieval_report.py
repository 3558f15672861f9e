"""Tables of a record, on the screen and in the documentation, and comparisons of two records."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.measurement_sections import markdown_table, replace_section
from bench.retrieval_measures import difference
from bench.retrieval_results import MEASURES

Rows = list[Sequence[str]]
Record = dict[str, Any]

_GATES: Final = {  # of nDCG@10: must not fall below, and the goal
    "medquad": (0.83, 0.87),
    "scifact": (0.735, 0.755),
    "squad2": (0.925, 0.94),
    "qmsum": (0.60, 0.64),
}


def ranking_rows(record: Record) -> Rows:
    """One row per collection and system."""
    rows: Rows = [("collection", "system", *MEASURES, "gate / goal")]
    for name, results in record["collections"].items():
        for system, measures in results["systems"].items():
            limits = _GATES.get(name) if system == "reranked" else None
            rows.append(
                (
                    name,
                    system,
                    *(_interval(measures[measure]) for measure in MEASURES),
                    "{:.3f} / {:.3f}".format(*limits) if limits else "",
                )
            )
    return rows


def latency_rows(record: Record) -> Rows:
    """Search (with the embedding of the question) and reranking, in ms."""
    rows: Rows = [("collection", "passages", "search p50 / p95", "rerank p50 / p95", "both")]
    for name, results in record["collections"].items():
        times = results["latency_ms"]
        parts = ("search", "rerank", "both")
        cells = (f"{times[part]['p50']:.1f} / {times[part]['p95']:.1f}" for part in parts)
        rows.append((name, f"{results['passages']:,}", *cells))
    return rows


def answer_rows(record: Record) -> Rows:
    """Content and citations of the quoting mode's answers."""
    rows: Rows = [("collection", "of the answers to answerable questions", "share", "questions")]
    for name, results in record["collections"].items():
        for what, share in results["answers"].items():
            rows.append((name, what, _percent(share), str(share["count"])))
    return rows


def false_refusal_rows(record: Record) -> Rows:
    """The share of answerable questions that are refused."""
    rows: Rows = [("collection", "falsely refused", "of the held-out half", "questions")]
    for name, results in record["collections"].items():
        told = results["falsely refused"]
        if told["count"]:
            held_out = _percent(results["falsely refused, held out"])
            rows.append((name, _percent(told), held_out, str(told["count"])))
    return rows


def refusal_rows(record: Record) -> Rows:
    """How well questions without an answer are separated from answerable ones."""
    rows: Rows = [
        ("library", "to be refused", "AUC", "refused", "falsely refused", "refused at 5 % falsely")
    ]
    for name, results in record["collections"].items():
        for what, told in results["refusals"].items():
            best = told["at most 5 % false"]
            rows.append(
                (
                    name,
                    what,
                    f"{told['AUC']:.3f}",
                    _percent(told["refused"]),
                    _percent(told["false refusals"]),
                    f"{best['refused']:.1%}",
                )
            )
    return rows


def comparison_rows(record: Record, other: Record) -> Rows:
    """Differences paired by question; significant when the interval excludes 0."""
    rows: Rows = [("collection", "system", "measure", "difference (95 %)", "questions", "clear")]
    for name, results in record["collections"].items():
        theirs = other["collections"].get(name, {"systems": {}})["systems"]
        for system in results["systems"].keys() & theirs.keys():
            for measure in MEASURES:
                told = difference(
                    results["systems"][system][measure]["each"], theirs[system][measure]["each"]
                )
                clear = "yes" if told.low > 0 or told.high < 0 else ""
                shown = f"{told.mean:+.4f} ({told.low:+.4f} … {told.high:+.4f})"
                rows.append((name, system, measure, shown, str(told.count), clear))
    return [rows[0], *sorted(rows[1:], key=tuple)]


def tables(record: Record) -> Iterator[Rows]:
    """Every table of a record that has rows."""
    for make in (ranking_rows, latency_rows, answer_rows, false_refusal_rows, refusal_rows):
        rows = make(record)
        if len(rows) > 1:
            yield rows


def show(console: Console, rows: Rows) -> None:
    table = Table(*rows[0])
    for row in rows[1:]:
        table.add_row(*row)
    console.print(table)


def write_section(file: Path, name: str, record: Record) -> None:
    """Put the record's tables into a Markdown file, in place of the section of that name."""
    made = record["made"]
    lines = [f"Measured {made['at'][:10]} by `{made['command']}` with {made['versions']}."]
    for rows in tables(record):
        lines += ["", *markdown_table(rows)]
    replace_section(file, name, f"Retrieval: {name}", lines)


def _interval(told: dict[str, float]) -> str:
    return f"{told['mean']:.3f} ({told['low']:.3f}–{told['high']:.3f})"


def _percent(told: dict[str, float]) -> str:
    return f"{told['mean']:.1%} ({told['low']:.1%}–{told['high']:.1%})"

"""Draws the dashboard's panels and a trace as one SVG page, for `dashboard_report`."""

import html
import json
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from opentelemetry.proto.trace.v1.trace_pb2 import Span

DASHBOARD = Path(__file__).resolve().parents[2] / "deploy" / "grafana" / "citestream.json"
COLUMN, ROW, GAP = 52, 30, 8  # pixels of Grafana's grid, of which 24 columns make a row
COLOURS = ("#2563a8", "#b45309", "#15803d", "#9333ea", "#be123c", "#0e7490", "#4d7c0f", "#57534e")
STYLE = """
body { margin: 8px; font: 12px system-ui, sans-serif; color: #1f2937; background: #f3f4f6 }
svg.panel { position: absolute; background: #fff; border: 1px solid #d1d5db; border-radius: 4px }
text { font: 11px system-ui, sans-serif; fill: #374151 } .title { font-weight: 600; fill: #111827 }
.stat { font-size: 26px; font-weight: 600 } .row { font-size: 13px; font-weight: 700 }
"""


@dataclass(frozen=True)
class Series:
    """One line: its labels, and (second, value) in order."""

    labels: dict[str, str]
    points: tuple[tuple[float, float], ...]

    @property
    def drawn(self) -> tuple[tuple[float, float], ...]:
        """Drops NaN (a rate without samples)."""
        return tuple((at, value) for at, value in self.points if value == value)


def told(value: float, unit: str) -> str:
    """A number formatted in its panel's unit."""
    if unit == "s":
        return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
    if unit == "bytes":
        return f"{value / 2**20:.0f} MB"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    return f"{value:.3g}" + ("/s" if unit in {"ops", "reqps"} else "")


def legend(template: str, labels: dict[str, str]) -> str:
    """The legend, such as `{{status}} {{reason}}`, with its labels."""
    filled = re.sub(r"{{(\w+)}}", lambda found: labels.get(found[1], ""), template).strip()
    return filled or ", ".join(labels.values())


async def dashboard(ask: Callable[[str], Awaitable[list[Series]]]) -> tuple[str, int]:
    """The page and its height. Runs the queries of all panels."""
    drawn = []
    panels = json.loads(DASHBOARD.read_text())["panels"]
    for panel in panels:
        named: list[tuple[str, Series]] = []
        for target in panel.get("targets", []):
            found = await ask(target["expr"])
            template = target.get("legendFormat", "")
            named += [(legend(template, series.labels), series) for series in found]
        drawn.append(panel_drawn(panel, named))
    bottom = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    return page("".join(drawn)), bottom * ROW + 24


def page(body: str) -> str:
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><body>{body}</body>"


def panel_drawn(panel: dict[str, Any], named: list[tuple[str, Series]]) -> str:
    at = panel["gridPos"]
    width, height = at["w"] * COLUMN - GAP, at["h"] * ROW - GAP
    unit = panel.get("fieldConfig", {}).get("defaults", {}).get("unit", "short")
    place = f"left:{at['x'] * COLUMN + GAP}px;top:{at['y'] * ROW + GAP}px"
    title = html.escape(panel["title"])
    if panel["type"] == "row":
        return f'<b class=row style="position:absolute;{place}">{title}</b>'
    inside = stat(named, unit) if panel["type"] == "stat" else lines(named, unit, width, height)
    return (
        f'<svg class=panel style="{place}" width={width} height={height}>'
        f"<text class=title x=8 y=16>{title}</text>{inside}</svg>"
    )


def stat(named: list[tuple[str, Series]], unit: str) -> str:
    """The maximum over time, because the load is zero at the end."""
    values = [value for _, series in named for _, value in series.drawn]
    text = told(max(values), unit) if values else "none"
    return f"<text class=stat x=8 y=64>{text}</text><text x=8 y=86>most of the time shown</text>"


def lines(named: list[tuple[str, Series]], unit: str, width: int, height: int) -> str:
    shown = [(name, series) for name, series in named if series.drawn]
    if not shown:
        return f"<text x={width // 2 - 20} y={height // 2}>none</text>"
    points = [point for _, series in shown for point in series.drawn]
    first, last = min(at for at, _ in points), max(at for at, _ in points)
    top = max((value for _, value in points), default=0) or 1.0
    abreast = max(1, width // 180)
    left, up, low = 60, 26, height - 20 - 15 * -(-len(shown) // abreast)

    def x(at: float) -> float:
        return left + (at - first) / ((last - first) or 1) * (width - left - 12)

    def y(value: float) -> float:
        return low - value / top * (low - up)

    parts = []
    for part in (0.0, 0.5, 1.0):
        level = y(part * top)
        parts.append(f'<path d="M{left} {level:.1f}H{width - 12}" stroke="#e5e7eb"/>')
        parts.append(f"<text x={left - 6} y={level + 4:.1f} text-anchor=end>")
        parts.append(f"{told(part * top, unit)}</text>")
    for number, (name, series) in enumerate(shown):
        colour = COLOURS[number % len(COLOURS)]
        way = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in series.drawn)
        parts.append(f'<polyline points="{way}" fill=none stroke="{colour}" stroke-width=1.5 />')
        row, column = divmod(number, abreast)
        key_x, key_y = left + column * (width - left) // abreast, low + 16 + 15 * row
        parts.append(f'<rect x={key_x} y={key_y - 8} width=10 height=8 fill="{colour}"/>')
        parts.append(f"<text x={key_x + 14} y={key_y}>{html.escape(name[:40])}</text>")
    return "".join(parts)


def trace(spans: Sequence[Span]) -> tuple[str, int]:
    """The whole answer with the most spans, as bars over time."""
    of: dict[bytes, list[Span]] = defaultdict(list)
    for span in spans:
        of[span.trace_id].append(span)
    whole = [one for one in of.values() if any(span.name == "answer" for span in one)]
    most = max(len(one) for one in whole)
    chosen = next(one for one in whole if len(one) == most)
    chosen.sort(key=lambda span: span.start_time_unix_nano)
    began = chosen[0].start_time_unix_nano
    total = max(span.end_time_unix_nano for span in chosen) - began
    parents = {span.span_id: span.parent_span_id for span in chosen}
    parts = [f"<text class=title x=8 y=18>trace {chosen[0].trace_id.hex()}</text>"]
    for number, span in enumerate(chosen):
        depth, above = 0, span.parent_span_id
        while above in parents:
            depth, above = depth + 1, parents[above]
        y = 40 + 26 * number
        x = 260 + (span.start_time_unix_nano - began) / total * 850
        took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        width = max(2.0, took * 1e6 / total * 850)
        parts.append(f"<text x={16 + 18 * depth} y={y + 12}>{html.escape(span.name)}</text>")
        parts.append(
            f'<rect x={x:.1f} y={y} width={width:.1f} height=16 rx=2 fill="{COLOURS[depth % 8]}"/>'
        )
        parts.append(f"<text x={1120} y={y + 12}>{took:.1f} ms</text>")
        for event in span.events:
            at = 260 + (event.time_unix_nano - began) / total * 850
            parts.append(f'<path d="M{at:.1f} {y - 3}v22" stroke="#111827" stroke-width=2 />')
            parts.append(f"<text x={at + 4:.1f} y={y + 12} fill=#fff>")
            parts.append(f'<tspan fill="#fff">{html.escape(event.name)}</tspan></text>')
    height = 52 + 26 * len(chosen)
    svg = f"<svg class=panel width=1248 height={height}>{''.join(parts)}</svg>"
    return page(svg), height + 24

"""The text and values of charts and SmartArt diagrams in Office files."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from app.ingest.loaders.formulas import office_formula
from app.ingest.loaders.open_xml import Element, child, descendants, kind
from app.ingest.loaders.raised_text import LOOK_BACK, lowered, raised

MAX_POINTS: Final = 10_000  # per chart
_VALUES: Final = ("c:val", "c:yVal", "c:bubbleSize")
_CATEGORIES: Final = ("c:cat", "c:xVal")


def chart_titles(chart: Element) -> list[str]:
    """Titles of the chart and its axes."""
    titles = (paragraph_texts(one) for one in descendants(chart, "c:title", "cx:title"))
    return [text for title in titles if (text := " ".join(title))]


def chart_rows(chart: Element) -> list[str]:
    """One row per category: `North; Tonnes of apples: 34`."""
    cells: dict[str, list[str]] = defaultdict(list)
    for series in descendants(chart, "c:ser"):
        name = " ".join(_points(child(series, "c:tx")).values())
        categories = next((_categories(found) for found in _having(series, _CATEGORIES)), {})
        for part in _having(series, _VALUES):
            for index, figure in _points(part).items():
                shown = f"{name}: {figure}" if name else figure
                cells[categories.get(index, index)].append(shown)
    labelled = any(not name.isdigit() for name in cells)
    rows = ["; ".join([name, *row] if labelled else row) for name, row in cells.items()]
    return rows or _extended(chart)


def _having(series: Element, names: tuple[str, ...]) -> Iterator[Element]:
    return (found for name in names if (found := child(series, name)) is not None)


def _categories(part: Element) -> dict[str, str]:
    """Categories with their groups, which the file names only at the first category."""
    inner, *groups = [*map(_points, descendants(part, "c:lvl"))] or [_points(part)]
    names: list[str] = [""] * len(groups)
    found: dict[str, str] = {}
    for index, name in inner.items():
        names = [group.get(index, known) for group, known in zip(groups, names, strict=True)]
        found[index] = " ".join(filter(None, [*reversed(names), name]))
    return found


def _points(part: Element | None) -> dict[str, str]:
    """Displayed values of a series by point index."""
    if part is None:
        return {}
    format_code = next((one.text or "" for one in descendants(part, "c:formatCode")), "")
    found: dict[str, list[str]] = defaultdict(list)
    for point in islice(descendants(part, "c:pt", "c:v"), MAX_POINTS):
        text = point if kind(point) == "c:v" else child(point, "c:v")
        if text is not None and (text.text or "").strip():
            found[point.get("idx") or "0"].append(_shown(text.text.strip(), format_code))
    return {index: " ".join(reversed(texts)) for index, texts in found.items()}


def _shown(text: str, format_code: str) -> str:
    try:
        number = float(text)
    except ValueError:
        return text
    if format_code.endswith("%"):
        decimals = len(format_code.partition(".")[2].rstrip("%"))
        return f"{number:.{min(decimals, 10)}%}"
    return format(number, ".12g")


def _extended(chart: Element) -> list[str]:
    """Newer chart types (waterfall, tree map): labels, then values."""
    levels = (
        [one.text.strip() for one in islice(level, MAX_POINTS) if (one.text or "").strip()]
        for level in descendants(chart, "cx:lvl")
    )
    return ["; ".join(level) for level in levels if level]


def diagram_items(model: Element) -> list[tuple[int, str]]:
    """Diagram texts with their depth, in display order."""
    points = {one.get("modelId"): one for one in descendants(model, "dgm:pt")}
    below: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for link in descendants(model, "dgm:cxn"):
        if link.get("type") in (None, "parOf"):
            order = link.get("srcOrd") or ""
            below[link.get("srcId")].append((_number(order), link.get("destId")))
    roots = [id_ for id_, point in points.items() if point.get("type") == "doc"]
    waiting = [(0, id_) for id_ in roots]
    order_of: dict[str, int] = {}
    while waiting:
        depth, id_ = waiting.pop()
        if id_ in points and id_ not in order_of:
            order_of[id_] = depth
            waiting += [(depth + 1, one) for _, one in sorted(below[id_], reverse=True)]
    rest = [id_ for id_ in points if id_ not in order_of]
    ordered = [*order_of.items(), *((id_, 1) for id_ in rest)]
    found = ((depth, " ".join(paragraph_texts(points[id_]))) for id_, depth in ordered)
    return [(max(0, depth - 1), text) for depth, text in found if text]


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def paragraph_texts(node: Element) -> list[str]:
    """Texts of the DrawingML paragraphs below the node, or its plain value."""
    lines = (drawn_text(one) for one in descendants(node, "a:p"))
    texts = [" ".join(line.split()) for line in lines]
    if not any(texts):
        texts = [(one.text or "").strip() for one in descendants(node, "c:v", "cx:v")]
    return [text for text in texts if text]


_BREAKS: Final = {"a:br": "\n", "a:tab": "\t"}


def drawn_text(paragraph: Element) -> str:
    """The text of one DrawingML paragraph."""
    words: list[str] = []
    shown: Callable[[str, str], str] | None = None
    for one in descendants(paragraph, "a:t", "a:br", "m:oMath", "a:pPr", "a:rPr"):
        name = kind(one)
        if name == "a:t":
            text = one.text or ""
            words.append(shown("".join(words[-LOOK_BACK:]), text) if shown and words else text)
        elif name == "a:rPr":
            baseline = (one.get("baseline") or "0").strip("0%")
            shown = None if baseline in ("", "-") else raised
            shown = lowered if shown and baseline.startswith("-") else shown
        elif name == "m:oMath":
            words.append(office_formula(one))
        else:
            words.append(_BREAKS.get(name, ""))
    return "".join(words)


def paragraph_level(paragraph: Element) -> int:
    """The indentation level."""
    properties = child(paragraph, "a:pPr")
    level = "" if properties is None else properties.get("lvl") or ""
    return min(_number(level), 8)

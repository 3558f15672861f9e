"""Removes tags from markup in one pass, also when some are never closed."""

import re
from collections.abc import Iterator
from typing import Final

_ELEMENTS: Final = frozenset(
    {"a", "abbr", "acronym", "address", "applet", "area", "article", "aside", "audio", "b"}
    | {"base", "bdi", "bdo", "big", "blink", "blockquote", "body", "br", "button", "canvas"}
    | {"caption", "center", "circle", "cite", "code", "col", "colgroup", "data", "datalist"}
    | {"dd", "del", "details", "dfn", "dialog", "dir", "div", "dl", "dt", "ellipse", "em"}
    | {"embed", "fieldset", "figcaption", "figure", "font", "footer", "form", "frame"}
    | {"frameset", "g", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hgroup", "hr"}
    | {"html", "i", "iframe", "img", "input", "ins", "kbd", "label", "legend", "li", "line"}
    | {"link", "main", "map", "mark", "marquee", "math", "menu", "meta", "meter", "mi", "mn"}
    | {"mo", "mrow", "nav", "nobr", "noframes", "noscript", "object", "ol", "optgroup"}
    | {"option", "output", "p", "param", "path", "picture", "polygon", "polyline", "pre"}
    | {"progress", "q", "rect", "rp", "rt", "ruby", "s", "samp", "script", "search", "section"}
    | {"select", "slot", "small", "source", "span", "strike", "strong", "style", "sub"}
    | {"summary", "sup", "svg", "table", "tbody", "td", "template", "text", "textarea"}
    | {"tfoot", "th", "thead", "time", "title", "tr", "track", "tt", "u", "ul", "use", "var"}
    | {"video", "wbr"}
)
_NAME: Final = re.compile(r"</?([A-Za-z][\w:-]*)")
_ALTERNATIVE: Final = re.compile(r"\balt=(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+))", re.IGNORECASE)
_HIDDEN: Final = ("script", "style")


def without_tags(markup: str, *, gap: str = "") -> str:
    """Replace each comment and tag by `gap`; unclosed ones stay as text."""
    return "".join(gap if is_tag else piece for piece, is_tag in _pieces(markup))


def shown_text(markup: str, *, gap: str = "") -> str:
    """Like `without_tags`, but keeps line breaks, alternative text and `<placeholders>`.

    A tag that is not an HTML element is kept: its author meant it to be read.
    """
    shown: list[str] = []
    hidden = ""  # the open element (script, style) whose content is skipped
    for piece, is_tag in _pieces(markup):
        name = _NAME.match(piece) if is_tag else None
        element = name[1].lower() if name is not None else ""
        if hidden:
            hidden = "" if element == hidden and piece.startswith("</") else hidden
        elif not is_tag or _is_placeholder(piece):
            shown.append(piece)
        elif element in _HIDDEN and not piece.startswith("</"):
            hidden = element
        else:
            shown.append(_instead(element, piece, gap))
    return "".join(shown)


def with_placeholders(markup: str) -> str:
    """Escape the `<` of tags that are not HTML elements."""
    return "".join(
        piece.replace("<", "&lt;") if is_tag and _is_placeholder(piece) else piece
        for piece, is_tag in _pieces(markup)
    )


def _is_placeholder(tag: str) -> bool:
    name = _NAME.match(tag)
    return name is not None and name[1].lower() not in _ELEMENTS


def _instead(element: str, tag: str, gap: str) -> str:
    if element == "br":
        return "\n"
    if element == "img" and (found := _ALTERNATIVE.search(tag)):
        return f"{gap}{found[1] or found[2] or found[3] or ''}{gap}"
    return gap


def _pieces(markup: str) -> Iterator[tuple[str, bool]]:
    """All pieces in order, each with whether it is a tag or comment."""
    begin = 0
    comments = True
    while (start := markup.find("<", begin)) >= 0:
        end = -1
        if comments and markup.startswith("<!--", start):
            end = markup.find("-->", start + 4)
            comments = end >= 0  # if there is no comment end now, there is none further on
            end = end + 3 if comments else -1
        if end < 0:
            end = markup.find(">", start) + 1
        if end <= 0:
            break
        yield markup[begin:start], False
        yield markup[start:end], True
        begin = end
    yield markup[begin:], False

"""Inline Org markup reduced to its text."""

import re
from typing import Final

from app.ingest.loaders.markup_document import MarkupDocument

_TOKEN: Final = re.compile(
    r"\[\[(?P<target>[^\[\]\n]{1,2000})\](?:\[(?P<label>[^\[\]]{1,2000})\])?\]"
    r"|\[fn:(?P<note>[\w-]{0,80})(?P<inline>:[^\[\]]{0,5000})?\]"
    r"|(?P<target_mark><<<?[^<>\n]{1,200}>>>?)|(?P<break>\\\\(?=\s|\Z))"
    r"|(?P<opening>\\[(\[])|(?P<math>\$\$[^$]{1,2000}\$\$|\$[^$\s](?:[^$\n]{0,500}[^$\s])?\$(?!\w))"
    r"|(?P<macro>\{\{\{\w{1,60}(?:\((?P<arguments>[^{}()]{0,500})\))?\}\}\})"
    r"|(?P<verbatim>(?<![\w])[=~](?=\S)[^\n=~]{1,1000}[=~](?!\w))"
    r"|(?P<mark>[*/_+])",
    re.DOTALL,
)
_CLOSING: Final = {"\\(": "\\)", "\\[": "\\]"}
_MAX_MATH: Final = 2_000
_PICTURES: Final = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".pdf")
_BEFORE: Final = frozenset(" \t\n-('\"{*/_+“‘")
_AFTER: Final = frozenset(" \t\n-.,;:!?'\")}[*/_+\\”’")


class OrgInline:
    """Strips inline markup. Inline footnotes are added to the document."""

    def __init__(self, document: MarkupDocument) -> None:
        self._document = document

    def text(self, source: str, depth: int = 0) -> str:
        out: list[str] = []
        at = done = 0
        open_marks: dict[str, int] = {}  # positions in `out` of marks that may open emphasis
        while found := _TOKEN.search(source, at):
            at = found.end()
            mark = found["mark"]
            if found["opening"]:
                end = source.find(_CLOSING[found["opening"]], at, at + _MAX_MATH)
                if end >= 0:
                    out += [source[done : found.start()], source[at:end].strip()]
                    done = at = end + 2
                continue
            if mark is None:
                out += [source[done : found.start()], self._shown(found, depth)]
            else:
                out += [source[done : found.start()], mark]
                self._mark(source, found.start(), mark, out, open_marks)
            done = at
        return "".join([*out, source[done:]])

    def _mark(
        self, source: str, at: int, mark: str, out: list[str], open_marks: dict[str, int]
    ) -> None:
        """Drop a pair of marks when emphasis opens before a word and closes after one."""
        before, after = source[at - 1 : at] if at else " ", source[at + 1 : at + 2] or " "
        if mark in open_marks and not before.isspace() and after in _AFTER:
            out[open_marks.pop(mark)] = out[-1] = ""
        elif before in _BEFORE and not after.isspace():
            open_marks[mark] = len(out) - 1

    def _shown(self, found: re.Match[str], depth: int) -> str:
        if found["target"]:
            return self._link(found["target"], found["label"], depth)
        if found["note"] is not None:
            if found["inline"] and depth < 2:
                return self._document.note(self.text(found["inline"][1:], depth + 1))
            return f"[{found['note']}]"
        if found["break"]:
            return "\n"
        if found["math"]:
            size = 1 if found["math"].startswith("$") and found["math"][1] != "$" else 2
            return found["math"][size:-size]
        if found["macro"]:
            return found["arguments"] or ""
        if found["verbatim"]:
            return found["verbatim"][1:-1]
        return ""

    def _link(self, target: str, label: str | None, depth: int) -> str:
        is_picture = target.lower().endswith(_PICTURES)
        if label:
            if is_picture and target == label:
                self._document.out.add_note("pictures", 1)
                return ""
            return self.text(label, depth + 1) if depth < 2 else label
        if is_picture:
            self._document.out.add_note("pictures", 1)
            return ""
        return target.removeprefix("file:").removeprefix("*").removeprefix("#")

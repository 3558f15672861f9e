"""Inline AsciiDoc markup reduced to its text."""

import re
from typing import Final

from app.ingest.loaders.markup_document import MarkupDocument

_TOKEN: Final = re.compile(
    r"(?P<macro>(?<![\w])(?:footnoteref|footnote|link|xref|mailto|image|icon|kbd|btn|menu|pass|stem"
    r"|latexmath|asciimath|anchor|indexterm2|indexterm|https?|ftp|irc)(?=:))"
    r"|(?P<anchor>\[\[[^\[\]\n]{0,200}\]\])|(?P<reference><<[^<>\n]{1,300}>>)"
    r"|(?P<hidden>\(\(\([^()\n]{0,300}\)\)\))|(?P<index>\(\((?P<term>[^()\n]{1,300})\)\))"
    r"|\{(?P<attribute>[\w-]{1,80})\}|(?P<role>\[[\w.# -]{0,80}\](?=[#*_`]))"
    r"|(?P<mark>\*{1,2}|_{1,2}|`{1,2}|#{1,2}|\^|~|\+{1,3})"
)
_REST_OF_MACRO: Final = re.compile(
    r":(?P<target>[^\s\[\]]{0,2000})(?:\[(?P<label>[^\[\]]{0,5000})\])?"
)
_BUILT_IN: Final = {
    "nbsp": "\u00a0",
    "amp": "&",
    "lt": "<",
    "gt": ">",
    "plus": "+",
    "asterisk": "*",
    "backtick": "`",
    "caret": "^",
    "tilde": "~",
    "vbar": "|",
    "startsb": "[",
    "endsb": "]",
    "apos": "'",
    "quot": '"',
    "deg": "°",
    "cpp": "C++",
    "empty": "",
    "blank": "",
    "sp": " ",
    "two-colons": "::",
    "two-semicolons": ";;",
    "backslash": "\\",
    "zwsp": "",
    "wj": "",
    "lsquo": "‘",
    "rsquo": "’",
    "ldquo": "“",
    "rdquo": "”",
    "pp": "++",
    "cxx": "C++",
}
_ADDRESSES: Final = ("http", "https", "ftp", "irc")
_MAX_VALUE: Final = 2_000  # characters of an attribute value that are inserted into text
_WORD: Final = re.compile(r"\w")


class Inline:
    """Reads inline markup using the attributes defined so far."""

    def __init__(self, document: MarkupDocument) -> None:
        self._document = document
        self._attributes = dict(_BUILT_IN)

    def define(self, name: str, value: str) -> None:
        """`!name` undefines it. References in the value are resolved immediately."""
        if name.startswith("!") or name.endswith("!"):
            self._attributes.pop(name.strip("!").lower(), None)
        else:
            self._attributes[name.lower()] = self.text(value)[:_MAX_VALUE]

    def text(self, source: str, depth: int = 0) -> str:
        """Strip markup. Footnotes are added to the document."""
        out: list[str] = []
        at = done = 0
        literal = ""  # an escaped mark, whose closing mark is text too
        while found := _TOKEN.search(source, at):
            at = found.end()
            if source[found.start() - 1 : found.start()] == "\\" and found.start():
                out.append(source[done : found.start() - 1])
                done = found.start()
                literal = found["mark"] or ""
                continue
            if found["mark"] and found["mark"] == literal:
                literal = ""
                continue
            shown, end = self._shown(found, source, depth)
            if shown is not None:
                out += [source[done : found.start()], shown]
                at = done = end
        return "".join([*out, source[done:]])

    def _shown(self, found: re.Match[str], source: str, depth: int) -> tuple[str | None, int]:
        """The replacement and where the source continues; None for plain text."""
        end = found.end()
        if found["macro"]:
            return self._macro(found["macro"], source, end, depth)
        if found["reference"]:
            target, _, label = found["reference"][2:-2].partition(",")
            return label.strip() or target.lstrip("#").replace("_", " ").strip(), end
        if found["index"]:
            return found["term"], end
        if found["attribute"]:
            return self._attributes.get(found["attribute"].lower()), end
        if found["mark"] and not _is_mark(source, found.start(), end):
            return None, end
        return "", end

    def _macro(self, name: str, source: str, at: int, depth: int) -> tuple[str | None, int]:
        rest = _REST_OF_MACRO.match(source, at)
        if rest is None or (rest["label"] is None and name not in _ADDRESSES):
            return None, at
        target, label = rest["target"], rest["label"]
        if name in _ADDRESSES:
            if not target.startswith("//"):
                return None, at
            if not label:
                return f"{name}:{target}", rest.end()
            return self._inner(label.partition(",")[0].removesuffix("^"), depth), rest.end()
        label = label or ""
        match name:
            case "footnote" | "footnoteref":
                return self._document.note(self._inner(label, depth)), rest.end()
            case "image":
                self._document.out.add_note("pictures", 1)
                return label.partition(",")[0].strip('"'), rest.end()
            case "icon" | "anchor" | "indexterm":
                return "", rest.end()
            case "menu":
                return " > ".join(part for part in (target, label) if part), rest.end()
            case "kbd" | "btn" | "stem" | "latexmath" | "asciimath" | "pass" | "indexterm2":
                return label, rest.end()
            case _:
                shown = self._inner(label.partition(",")[0].removesuffix("^"), depth)
                return shown or target.lstrip("#"), rest.end()

    def _inner(self, text: str, depth: int) -> str:
        return self.text(text, depth + 1) if depth < 2 else text


def _is_mark(source: str, start: int, end: int) -> bool:
    """Whether a mark opens or closes emphasis. Single marks must be at a word boundary."""
    before = bool(start) and bool(_WORD.match(source[start - 1]))
    after = bool(_WORD.match(source, end))
    sign = source[start:end]
    if sign in ("^", "~"):
        return before or after
    if len(sign) > 1:
        return before or after or source[end : end + 1] in ("`", "*", "_", '"', "(")
    if sign == "+":
        return before != after and not source[start - 1 : start].isalnum()
    left_blank = not start or source[start - 1].isspace()
    right_blank = end >= len(source) or source[end].isspace()
    return before != after or (left_blank != right_blank and not (before and after))

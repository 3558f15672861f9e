"""Tokenizes TeX source: commands, symbols, text and raw arguments."""

import re
from array import array
from bisect import bisect_left
from functools import cached_property
from typing import Final

_TOKEN: Final = re.compile(
    r"\\(?P<word>[a-zA-Z@]++)\*?[ \t]*+|\\(?P<sign>[^a-zA-Z@])|(?P<comment>%[^\n]*+(?:\n[ \t]*+)?)"
    r"|(?P<blank>\n[ \t]*+\n\s*+)|(?P<mark>[{}$&~])|(?P<text>[^\\%{}$&~\n]++|\n|\\)",
    re.DOTALL,
)
_BLANKS: Final = re.compile(r"[ \t]*+(?:\n[ \t]*+(?!\n))?")
_EDGE: Final = re.compile(r"[\\{}%\[\]]")
_MATH_LABEL: Final = re.compile(r"\\(?:label|tag|nonumber|notag)\b\*?(?:\{[^{}]{0,500}\})?")
_BRACE: Final = re.compile(r"[{}]|\\.|%[^\n]*+", re.DOTALL)
_EMPTY_LINE: Final = re.compile(r"\n[ \t]*+\n")
_MAX_OPTION: Final = 5_000  # characters


class TexSource:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._missing: set[str] = set()  # end markers known not to occur in the rest of the file

    def next(self) -> "re.Match[str] | None":
        """The next piece; None at the end."""
        found = _TOKEN.match(self.text, self.at)
        if found is not None:
            self.at = found.end()
        return found

    def argument(self) -> str:
        """The next argument: a braced group, a character or a command. May be empty."""
        self._skip_blanks()
        if self.text.startswith("{", self.at):
            return self._in_braces() or ""
        found = self.next()
        if found is None or found["blank"] or found["mark"] == "}":
            self.at = self.at if found is None else found.start()
            return ""
        if found["text"]:
            self.at = found.start() + 1
            return found["text"][0]
        return found[0]

    def braced(self) -> str | None:
        """Like `argument`, but None unless it is braced."""
        at = self.at
        self._skip_blanks()
        found = self._in_braces() if self.text.startswith("{", self.at) else None
        if found is None:
            self.at = at
        return found

    def optional(self) -> str | None:
        """The optional argument in brackets at this position."""
        if not self.text.startswith("[", self.at):
            return None
        start = at = self.at + 1
        limit = min(len(self.text), start + _MAX_OPTION)
        while found := _EDGE.search(self.text, at, limit):
            match found[0]:
                case "]":
                    self.at = found.end()
                    return self.text[start : found.start()]
                case "\\":
                    at = found.end() + 1
                case "%":
                    at = self.text.find("\n", found.end(), limit) + 1 or limit
                case "{" if (end := self._closing(found.start())) is not None:
                    at = end + 1
                case _:
                    return None
        return None

    def parameters(self) -> bool:
        """Skip the `#1#2` of a definition. Returns whether there was any."""
        start = self.at
        while self.text.startswith("#", self.at):
            self.at += 2
        return self.at > start

    def parenthesis(self) -> None:
        """Skip a `(lr)` at this position."""
        if self.text.startswith("(", self.at):
            self.until(")")

    def until(self, end: str) -> str:
        """The raw text up to `end` or the end of the file. Continues after `end`."""
        found = self.text.find(end, self.at)
        stop = found if found >= 0 else len(self.text)
        passed = self.text[self.at : stop]
        self.at = min(len(self.text), stop + len(end))
        return passed

    def formula(self, end: str) -> str | None:
        """The text up to `end` in the same paragraph; None, without advancing, if it is missing."""
        if end in self._missing:
            return None
        found = self.text.find(end, self.at)
        if found < 0:
            self._missing.add(end)
            return None
        if found == self.at or _EMPTY_LINE.search(self.text, self.at, found):
            return None
        inside = self.text[self.at : found]
        self.at = found + len(end)
        return on_one_line(inside)

    def _skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def _in_braces(self) -> str | None:
        """The braced text; None, without advancing, when the brace is never closed."""
        end = self._closing(self.at)
        if end is None:
            return None
        inside = self.text[self.at + 1 : end]
        self.at = end + 1
        return inside

    def _closing(self, at: int) -> int | None:
        """The position of the brace that closes the one at `at`."""
        opened, closed = self._braces
        index = bisect_left(opened, at)
        if index == len(opened) or opened[index] != at or not closed[index]:
            return None
        return closed[index]

    @cached_property
    def _braces(self) -> "tuple[array[int], array[int]]":
        """Positions of opening braces and of their closing braces (0 for none)."""
        opened, closed = array("Q"), array("Q")
        waiting: list[int] = []
        for found in _BRACE.finditer(self.text):
            if found[0] == "{":
                waiting.append(len(opened))
                opened.append(found.start())
                closed.append(0)
            elif found[0] == "}" and waiting:
                closed[waiting.pop()] = found.start()
        return opened, closed


def on_one_line(source: str) -> str:
    """A formula's source on one line, without labels."""
    return " ".join(_MATH_LABEL.sub("", source).split())

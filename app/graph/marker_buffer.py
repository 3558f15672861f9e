"""Normalizes citation markers in a streamed answer and never splits one.

Models write `【1†source】`, `[1-3]`, `[1; 2]`, `[^1]`, `[citation:1]` or `[ 1 ]`, also in wide
brackets, instead of `[1]`. Numbers in range become `[1]` or `[1][2]` before they are emitted;
everything else is unchanged. A trailing, possibly incomplete marker outside code is withheld until
it is complete, cannot become a marker, or the text ends.
"""

import re
from typing import Final

_OPENING: Final = "[\u3010\uff3b\u3014"
_CLOSING: Final = "]\u3011\uff3d\u3015"
_WORDS: Final = (
    *("sources", "source", "citations", "citation", "cite", "passages", "passage"),
    *("references", "reference", "refs", "ref", "documents", "document", "docs", "doc"),
)
_BLANK: Final = "[ \t\u00a0]{0,3}"
_NUMBER: Final = r"\d{1,3}"
_LABEL: Final = rf"(?:(?:{'|'.join(_WORDS)}){_BLANK}[:#.]?{_BLANK}|[#^])"
_ITEM: Final = rf"{_LABEL}?{_NUMBER}"
_RANGE: Final = "[-\u2010-\u2015~]"
_JOINT: Final = rf"{_BLANK}(?:[,;&\u3001\uff0c\uff1b]|and|{_RANGE}){_BLANK}"
_TAIL: Final = rf"(?:\^|(?::{_NUMBER})?†[^{re.escape(_OPENING + _CLOSING)}\n]{{0,40}})?"
_LIST: Final = rf"{_ITEM}(?:{_JOINT}{_ITEM}){{0,15}}"
_OPENER: Final = re.compile(f"[{re.escape(_OPENING)}]")
_FORM: Final = re.compile(
    rf"[{re.escape(_OPENING)}]{_BLANK}({_LIST}){_TAIL}{_BLANK}[{re.escape(_CLOSING)}]",
    re.IGNORECASE,
)
_PLAIN: Final = re.compile(r"\[[0-9]{1,3}\]")
_PARTS: Final = re.compile(rf"({_RANGE})|({_NUMBER})")
_PARTIAL_WORDS: Final = "|".join(
    sorted({word[:n] for word in (*_WORDS, "and") for n in range(1, 11)})
)
_UNFINISHED: Final = re.compile(
    rf"[{re.escape(_OPENING)}]{_BLANK}(?:{_LIST})?"
    rf"(?:{_JOINT})?(?:{_BLANK}(?:{_PARTIAL_WORDS})|{_LABEL}|{_TAIL}|:{_NUMBER}|:)?{_BLANK}\Z",
    re.IGNORECASE,
)
_MAX_MARKER_LENGTH: Final = 200
"""Longer text is not a marker."""


class MarkerBuffer:
    """Feed pieces in order, then `flush`. `passages`: the number of passages; 0 changes nothing."""

    def __init__(self, passages: int = 0) -> None:
        self.passages = passages
        self._rest = ""
        self._in_code = False
        self._last = "\n"  # the character before `_rest`

    @property
    def withheld(self) -> str:
        """The withheld text, as `flush` would return it."""
        return self._read(self._rest, whole=True)[0]

    def feed(self, piece: str) -> str:
        """The text that can be emitted now; may be empty."""
        if not self._rest and _OPENER.search(piece) is None:
            self._track(piece)
            return piece
        shown, self._rest = self._read(self._rest + piece, whole=False)
        return shown

    def flush(self) -> str:
        """What is still withheld."""
        withheld, self._rest = self.withheld, ""
        return withheld

    def _track(self, text: str) -> None:
        if text:
            self._in_code = _in_code(text, self._in_code)
            self._last = text[-1]

    def _read(self, text: str, *, whole: bool) -> tuple[str, str]:
        """Text to emit, and a possible start of a marker (none if `whole`)."""
        shown: list[str] = []
        done, in_code, last = 0, self._in_code, self._last
        while (opener := _OPENER.search(text, done)) is not None:
            at = opener.start()
            in_code = _in_code(text[done:at], in_code)
            last = text[at - 1] if at > done else last
            shown.append(text[done:at])
            form = None if in_code or last == "\\" else _FORM.match(text, at)
            if form is not None and (whole or _is_complete(form)):
                shown.append(self._marker(form, is_line_start=last == "\n"))
                done, last = form.end(), text[form.end() - 1]
            elif not whole and not in_code and last != "\\" and _may_be_marker(form, text, at):
                self._in_code, self._last = in_code, last
                return "".join(shown), text[at:]
            else:
                shown.append(text[at])
                done, last = at + 1, text[at]
        shown.append(text[done:])
        if not whole:
            self._in_code = _in_code(text[done:], in_code)
            self._last = text[-1] if text else last
        return "".join(shown), ""

    def _marker(self, form: re.Match[str], *, is_line_start: bool) -> str:
        after = form.string[form.end() : form.end() + 1]
        is_note = is_line_start and after == ":"  # what explains a footnote cites nothing
        numbers = _numbers(form.group(1), self.passages)
        if _PLAIN.fullmatch(form.group()) or after == "(" or is_note or numbers is None:
            return form.group()
        return "".join(f"[{number}]" for number in numbers)


def _is_complete(form: re.Match[str]) -> bool:
    """Whether the following text cannot turn it into a link or a footnote definition."""
    return form.end() < len(form.string) or _PLAIN.fullmatch(form.group()) is not None


def _may_be_marker(form: re.Match[str] | None, text: str, at: int) -> bool:
    if len(text) - at > _MAX_MARKER_LENGTH:
        return False
    return form is not None or _UNFINISHED.match(text, at) is not None


def _in_code(text: str, before: bool) -> bool:
    """Whether code is open after `text`."""
    return before ^ (text.count("`") % 2 == 1)


def _numbers(listed: str, max_number: int) -> list[int] | None:
    """The distinct numbers in order; None when one is out of range."""
    numbers: list[int] = []
    is_range = False
    for dash, number in _PARTS.findall(listed):
        if dash:
            is_range = True
            continue
        value = int(number)
        first = numbers[-1] + 1 if is_range and numbers else value
        if not 1 <= value <= max_number or (is_range and value < first):
            return None
        numbers += range(first, value + 1)
        is_range = False
    return list(dict.fromkeys(numbers))

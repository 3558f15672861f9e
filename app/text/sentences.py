"""Splits prose, Markdown, transcripts and CJK text into sentences. The only sentence splitter."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple


class Span(NamedTuple):
    """Characters `start`..`end` (exclusive) of a text."""

    start: int
    end: int

    def of(self, text: str) -> str:
        return text[self.start : self.end]


_LIST_MARK: Final = r"(?:[-*+•–]|\d{1,3}[.)])"
_BLOCK_START: Final = re.compile(
    rf"""\n(?=[ \t]*(?:
        \n                                      # an empty line
        | {_LIST_MARK}[ \t]+\S                  # a list item
        | \#{{1,6}}[ \t] | > | \| | ```         # Markdown heading, quotation, table, fence
        | [^\s:|][^\n:|]{{0,58}}[^\s:|]:[ \t]+\S  # "Speaker: words"
    ))""",
    re.VERBOSE,
)
_LEAD_IN: Final = re.compile(rf"\s*(?:>\s*)*(?:{_LIST_MARK}[ \t]+)?")
_HEADING: Final = re.compile(r"\s*#{1,6}[ \t][^\n]*")
# A run of full stops is matched once, from its start: restarting inside it would be quadratic.
_END: Final = re.compile(
    r"""(?<![.!?…])(?P<stop>[.!?…]++)["'”’»)\]*_]*+(?=\s|$)
    | [\u3002\uff01\uff1f\uff61]+[”’\u300d\u300f\uff09\u3011]*  # CJK full stops need no space""",
    re.VERBOSE,
)
_NEVER_LAST: Final = re.compile(
    r"""(?:dr|mrs?|ms|prof|st|sr|jr|vs|e\.g|i\.e|cf|figs?|nos?|vol|pp|eds?|approx|ca|art|sec|refs?
    |resp|incl|excl|esp|viz|gen|col|capt|rev|hon
    |inkl|exkl|zzgl|bzw|ggf|evtl|vgl|nr|str|abs|bspw|sog|gem|hr|fr|tel|mio|mrd|geb|dipl|ing|lt)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Abbreviations whose full stop never ends a sentence."""
_ORDINAL: Final = re.compile(r"\d{1,2}")
_BEFORE_ORDINAL: Final = frozenset(
    """am im zum vom beim bis ab seit der die das den dem des ein eine einem einen einer und jeden
    jedem jeder""".split()  # noqa: SIM905 - one word a line is harder to read
)
_MONTH: Final = re.compile(
    r"(?:jan|feb|mär|maerz|apr|mai\b|jun|jul|aug|sep|okt|nov|dez|oct|dec|mar|may\b)", re.IGNORECASE
)
_ONE_LETTER: Final = re.compile(r"\w\.")
_INITIAL: Final = re.compile(r"[A-Z]\.")
_BEFORE_INITIAL: Final = frozenset(
    "by from with and to of for von und mit für par de et & mr mrs".split()  # noqa: SIM905
)
_ACRONYM: Final = re.compile(r"(?:[A-Za-z]\.)+[A-Za-z]")
_BEFORE_NEXT: Final = re.compile(r"\s*+[\"'“‘«(\[*_]*+")
_LOOK_BACK: Final = 256
"""Characters read before a full stop; abbreviations and initials are far shorter."""


def split_sentences(text: str) -> tuple[Span, ...]:
    """The sentences in order, without list marks, headings and surrounding white space.

    A line break ends a sentence only before a list item, a heading, an empty line or a speaker's
    name, so hard-wrapped lines stay together.
    """
    return tuple(span for block in _blocks(text) for span in _sentences(text, block))


def _blocks(text: str) -> Iterator[Span]:
    starts = [0, *(match.end() for match in _BLOCK_START.finditer(text)), len(text)]
    for start, end in pairwise(starts):
        heading = _HEADING.match(text, start, end)
        begin = heading.end() if heading else start
        lead = _LEAD_IN.match(text, begin, end)
        yield Span(lead.end() if lead else begin, end)


def _sentences(text: str, block: Span) -> Iterator[Span]:
    start = block.start
    for end in _END.finditer(text, block.start, block.end):
        if end["stop"] and not _ends(text, end, Span(start, block.end)):
            continue
        yield from _trimmed(text, start, end.end())
        start = end.end()
    yield from _trimmed(text, start, block.end)


def _ends(text: str, end: re.Match[str], rest: Span) -> bool:
    """Whether this full stop ends its sentence, given the words around it."""
    following = _BEFORE_NEXT.match(text, end.end(), rest.end)
    at = following.end() if following else end.end()
    if at >= rest.end:
        return True
    if text[at].islower():
        return False
    if end["stop"] != ".":
        return True
    before = text[max(rest.start, end.start() - _LOOK_BACK) : end.start()].rsplit(None, 2)
    if not before:
        return False
    word = before[-1].lstrip("\"'“‘«([*_")
    previous = before[-2] if len(before) > 1 else ""
    if _NEVER_LAST.fullmatch(word) or _ACRONYM.fullmatch(word):
        return False
    if _ORDINAL.fullmatch(word):
        # German writes "am 31. März" and "der 2. Stock".
        return not (_MONTH.match(text, at) or previous.lower() in _BEFORE_ORDINAL)
    if len(word) == 1 and word.isalpha():
        return _ends_with_letter(word, previous, text[at : at + 2])
    return True


def _ends_with_letter(letter: str, previous: str, following: str) -> bool:
    """Whether "vitamin D." ends its sentence, unlike "by J. R. Smith", "J. Smith" and "z. B."."""
    if _INITIAL.match(following) or _ONE_LETTER.fullmatch(previous):
        return False
    if letter.islower():
        return True
    return bool(previous) and not previous[:1].isupper() and previous not in _BEFORE_INITIAL


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    finish = start + len(piece.rstrip())
    if any(map(str.isalnum, text[begin:finish])):
        yield Span(begin, finish)

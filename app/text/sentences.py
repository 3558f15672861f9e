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
    |resp|incl|excl|esp|viz|gen|col|capt|rev|hon)""",
    re.VERBOSE | re.IGNORECASE,
)
"""Abbreviations whose full stop never ends a sentence."""
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
    if _NEVER_LAST.fullmatch(word):
        return False
    if len(word) == 1 and word.isupper():
        # An initial ("J. Smith") follows a name or nothing; "vitamin D." ends its sentence.
        return len(before) > 1 and not before[-2][:1].isupper()
    return not _ACRONYM.fullmatch(word)


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    piece = text[start:end]
    begin = start + len(piece) - len(piece.lstrip())
    finish = start + len(piece.rstrip())
    if any(map(str.isalnum, text[begin:finish])):
        yield Span(begin, finish)

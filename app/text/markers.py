"""Citation markers `[n]` in answers: where they are, and where brackets are something else."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

_MARKER: Final = re.compile(r"(?<!\\)\[(\d{1,3}(?:\s*,\s*\d{1,3})*)\](?!\()")
_FENCE: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*$", re.MULTILINE)
_DIRECTIONS: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
_TICKS: Final = re.compile(r"`+")


class Marker(NamedTuple):
    """`[1]` or `[1, 2]` at characters `start`..`end` of an answer."""

    start: int
    end: int
    numbers: tuple[int, ...]


def find_markers(text: str) -> tuple[Marker, ...]:
    """The markers in order of appearance, except in code, escaped, or as the text of a link."""
    return tuple(iter_markers(text))


def iter_markers(text: str) -> Iterator[Marker]:
    """Like `find_markers`, but lazy: a runaway answer may contain very many."""
    if "[" not in text:
        return
    code = code_spans(text)
    begins = [begin for begin, _ in code]

    def in_code(position: int) -> bool:
        index = bisect_right(begins, position) - 1
        return index >= 0 and position < code[index][1]

    for match in _MARKER.finditer(text):
        if not in_code(match.start()):
            yield Marker(match.start(), match.end(), tuple(map(int, match[1].split(","))))


def renumbered(text: str, numbers: Mapping[int, int]) -> str:
    """The text with other numbers in its markers; one with an unknown number stays as it is."""
    pieces: list[str] = []
    position = 0
    for marker in find_markers(text):
        if all(number in numbers for number in marker.numbers):
            shown = ", ".join(str(numbers[number]) for number in marker.numbers)
            pieces += (text[position : marker.start], f"[{shown}]")
            position = marker.end
    return "".join((*pieces, text[position:]))


def escape_markers(text: str) -> str:
    """The text with `\\[7]` for `[7]`, which shows the same and is no marker."""
    for marker in reversed(find_markers(text)):
        text = f"{text[: marker.start]}\\{text[marker.start :]}"
    return text


def shown_name(name: str) -> str:
    """A source's title for use in a sentence: no markers, no bidirectional controls."""
    return escape_markers(_DIRECTIONS.sub("", name))


def code_spans(text: str) -> list[tuple[int, int]]:
    """Sorted offsets of fenced blocks (an open one extends to the end) and inline code."""
    spans: list[tuple[int, int]] = []
    position = 0
    while (fence := _FENCE.search(text, position)) is not None:
        spans += _inline_code(text, position, fence.start())
        end = _fence_end(text, fence)
        spans.append((fence.start(), end))
        position = end
    return spans + _inline_code(text, position, len(text))


def _fence_end(text: str, fence: re.Match[str]) -> int:
    for line in _FENCE.finditer(text, fence.end()):
        if line[1][0] == fence[1][0] and len(line[1]) >= len(fence[1]):
            return line.end()
    return len(text)


def _inline_code(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Backtick runs closed by a run of the same length; an unclosed run is plain text."""
    runs = list(_TICKS.finditer(text, start, end))
    closing = _closing_runs([len(run[0]) for run in runs])
    spans: list[tuple[int, int]] = []
    index = 0
    while index < len(runs):
        if (closed_by := closing[index]) is not None:
            spans.append((runs[index].start(), runs[closed_by].end()))
            index = closed_by
        index += 1
    return spans


def _closing_runs(lengths: Sequence[int]) -> list[int | None]:
    """For each run the next run of the same length, in one pass from the end."""
    closing: list[int | None] = [None] * len(lengths)
    following: dict[int, int] = {}
    for index in range(len(lengths) - 1, -1, -1):
        closing[index] = following.get(lengths[index])
        following[lengths[index]] = index
    return closing

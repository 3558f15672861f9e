"""Cues of WebVTT and SubRip files: times and the lines between them.

Both formats are parsed by their timing lines. This is more lenient than their grammars, because
real files have empty lines inside cues, no fractions of a second, or commas for points.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from app.ingest.loaders.transcripts import Spoken

_STAMP: Final = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})(?:[,.](\d{1,9}))?"
_TIMES: Final = re.compile(rf"^[ \t]*{_STAMP}[ \t]*--+>[ \t]*{_STAMP}(?![^\s]).*$")
_TAG: Final = re.compile(r"</?[a-z0-9][^<>]*>|\{\\[^{}]*\}", re.IGNORECASE)
_DASH: Final = re.compile(r"[-–]\s+")
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]*+)?+[ \t]([^<>]++)>")
_NAME: Final = re.compile(r"(?:>> ?)?([^\W_][^:：\[\]<>|=/\"“”]{0,47})[:：](?:\s+|$)")
_UNNAMED_TURN: Final = re.compile(  # starts a turn of an unnamed speaker
    r"(?:>>|[-–]\s)?\s*(?:\[[^\[\]]{0,40}\]|\([^()]{0,40}\)|\?{1,5})?\s?[:：]\s+|>>\s*|[-–]\s+"
)
_NAME_WORDS: Final = 5
_SOUND: Final = re.compile(r"[\[(♪][^\])♪]*[\])♪]?")
_OVERLAP_WORDS: Final = 64  # words of two cues that are compared
_ROLLING: Final = 0.4  # share of cues that repeat the one before


@dataclass(frozen=True, slots=True)
class Cue:
    """A cue with its lines as written, without empty ones."""

    start_s: float
    end_s: float
    lines: tuple[str, ...]


def read_cues(text: str) -> list[Cue]:
    """Parse cues in file order, without their numbers and identifiers."""
    lines = text.split("\n")
    timed = [(at, times) for at, line in enumerate(lines) if (times := _TIMES.match(line))]
    numbered = bool(timed) and timed[0][0] > 0 and _is_number(lines[timed[0][0] - 1])
    ends = [*(at for at, _ in timed[1:]), len(lines)]
    cues = []
    for (at, times), end in zip(timed, ends, strict=False):
        body = lines[at + 1 : end]
        if end < len(lines):
            body = _without_identifier(body, numbered=numbered)
        kept = tuple(line.strip() for line in _without_comments(body) if line.strip())
        stamps = times.groups()
        cues.append(Cue(_seconds(stamps[:4]), _seconds(stamps[4:]), kept))
    return cues


def is_cue_times(line: str) -> bool:
    """Whether this is a line `00:00:01,000 --> 00:00:02,000`."""
    return _TIMES.match(line) is not None


def spoken_of(cues: Sequence[Cue]) -> list[Spoken]:
    """Extract speech: tags removed, rolling captions merged, speakers set where named."""
    parts = [part for cue in cues for part in _voices(cue)]
    return _named(_unrolled(parts))


def _is_number(line: str) -> bool:
    return line.strip(" \t\ufeff").isdecimal()


def _without_identifier(body: list[str], *, numbered: bool) -> list[str]:
    """The lines between two timing lines, without the number or identifier of the next cue."""
    if not body or not body[-1].strip():
        return body
    if numbered:
        return body[:-1] if _is_number(body[-1]) else body
    apart = len(body) == 1 or not body[-2].strip()
    alone = not any(line.strip() for line in body[:-1])
    return body[:-1] if apart and not (alone and " " in body[-1].strip()) else body


def _without_comments(body: Sequence[str]) -> Iterator[str]:
    """The lines outside NOTE, STYLE and REGION blocks."""
    inside, after_blank = False, False
    for line in body:
        blank = not line.strip()
        if after_blank and line.split(" ", 1)[0].strip() in ("NOTE", "STYLE", "REGION"):
            inside = True
        inside = inside and not blank
        after_blank = blank
        if not inside:
            yield line


def _voices(cue: Cue) -> list[Spoken]:
    """Split a cue by its `<v Name>` tags. Its time is divided in proportion to length."""
    raw = "\n".join(cue.lines)
    pieces = _VOICE.split(raw)  # words before the first voice, then alternating voice and words
    if len(pieces) > 1:
        said = [(pieces[0], None), *zip(pieces[2::2], pieces[1::2], strict=True)]
    else:
        said = [(raw, None)]
    cleaned = [(_clean(words), name.strip() if name else None) for words, name in said]
    return _shared_out([(words, name) for words, name in cleaned if words], cue)


def _shared_out(voices: Sequence[tuple[str, str | None]], cue: Cue | Spoken) -> list[Spoken]:
    total = sum(len(words) for words, _ in voices)
    parts, spent = [], 0
    for words, name in voices:
        start_s = cue.start_s + (cue.end_s - cue.start_s) * spent / total
        spent += len(words)
        end_s = cue.start_s + (cue.end_s - cue.start_s) * spent / total
        parts.append(Spoken(words, name, start_s, end_s))
    return parts


def _clean(words: str) -> str:
    """Remove tags and entities; line breaks stay."""
    lines = (html.unescape(_TAG.sub("", line)).strip() for line in words.split("\n"))
    return "\n".join(" ".join(line.split()) for line in lines if line)


def _unrolled(parts: list[Spoken]) -> list[Spoken]:
    """Merge rolling captions, which repeat words still on screen, so that each word occurs once."""
    words = [part.words.split() for part in parts]
    overlaps = [0, *(_overlap(words[at - 1], words[at]) for at in range(1, len(parts)))]
    repeats = [
        at
        for at in range(1, len(parts))
        if overlaps[at] >= min(2, len(words[at - 1])) and _adjoin(parts[at - 1], parts[at])
    ]
    if len(repeats) < 2 or len(repeats) < _ROLLING * (len(parts) - 1):
        return parts
    unrolled: list[Spoken] = []
    rolling = set(repeats)
    for at, part in enumerate(parts):
        if at not in rolling:
            unrolled.append(part)
        elif rest := words[at][overlaps[at] :]:
            unrolled.append(replace(part, words=" ".join(rest)))
        elif unrolled:
            unrolled[-1] = replace(unrolled[-1], end_s=max(unrolled[-1].end_s, part.end_s))
    return unrolled


def _adjoin(before: Spoken, after: Spoken) -> bool:
    return before.speaker == after.speaker and after.start_s - before.end_s <= 1


def _overlap(before: Sequence[str], after: Sequence[str]) -> int:
    """The number of words that end `before` and begin `after`."""
    most = min(len(before), len(after), _OVERLAP_WORDS)
    return next((n for n in range(most, 0, -1) if before[-n:] == after[:n]), 0)


def _named(parts: list[Spoken]) -> list[Spoken]:
    """Take speakers from lines such as "Ann Berg: Good morning" if the file uses them throughout.

    A cue without a name continues the previous speaker unless it marks another one (">> ", "- ",
    "[unknown]:").
    """
    if any(part.speaker for part in parts):
        return parts
    lines = [line for part in parts for line in part.words.split("\n")]
    names = [name for line in lines if (name := _name_of(line)) is not None]
    often = len(set(names)) < len(names) or len(names) == len(lines)
    if len(names) < 2 or len(names) < 0.25 * len(lines) or not often:
        return [replace(part, words=_undashed(part.words)) for part in parts]
    named: list[Spoken] = []
    speaker = None
    for part in parts:
        turns: list[tuple[str, str | None]] = []
        for line in part.words.split("\n"):
            name = _name_of(line)
            unnamed = _UNNAMED_TURN.match(line) if name is None else None
            speaker = None if unnamed else name or speaker
            words = line[unnamed.end() :] if unnamed else line
            if name is not None:
                words = line.split(":" if ":" in line else "：", 1)[1]
            turns.append((words.strip(), None if _SOUND.fullmatch(line) else speaker))
        named += _shared_out([turn for turn in turns if turn[0]], part)
    return named


def _undashed(words: str) -> str:
    return "\n".join(
        line[dash.end() :] if (dash := _DASH.match(line)) else line for line in words.split("\n")
    )


def _name_of(line: str) -> str | None:
    """The name that a line begins with: a few words, the first and most of them capitalised."""
    match = _NAME.match(_undashed(line))
    if match is None or line[match.end() - 1 :].startswith("//"):
        return None
    name = match[1].strip()
    words = name.split()
    if not 0 < len(words) <= _NAME_WORDS or words[0][0].isdecimal():
        return None
    lower = sum(word[0].islower() for word in words)
    return None if words[0][0].islower() or lower > len(words) // 2 else name


def _seconds(stamp: Sequence[str | None]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in stamp)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")

"""Reads one segment or word of a JSON transcript with any known speech recogniser's keys."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

_TEXTS: Final = (
    "punctuated_word",
    "text",
    "transcript",
    "words",
    "content",
    "body",
    "display",
    "Display",
    "DisplayText",
    "value",
    "word",
    "utf8",
)
# Keys of times, and how many of their units make a second.
_STARTS: Final = {
    "start": 1,
    "start_s": 1,
    "start_time": 1,
    "startTime": 1,
    "startOffset": 1,
    "start_timestamp": 1,
    "begin": 1,
    "from": 1,
    "ts": 1,
    "offsetMilliseconds": 1_000,
    "tStartMs": 1_000,
    "start_ms": 1_000,
    "offsetInTicks": 10_000_000,
    "Offset": 10_000_000,
    "offset": 1,
}
_ENDS: Final = {
    "end": 1,
    "end_s": 1,
    "end_time": 1,
    "endTime": 1,
    "endOffset": 1,
    "end_timestamp": 1,
    "to": 1,
    "end_ts": 1,
    "end_ms": 1_000,
    "resultEndTime": 1,
    "resultEndOffset": 1,
}
_DURATIONS: Final = {
    "duration": 1,
    "dur": 1,
    "durationMilliseconds": 1_000,
    "dDurationMs": 1_000,
    "durationInTicks": 10_000_000,
    "Duration": 10_000_000,
}
_PAIRS: Final = ("timestamp", "timestamps", "time", "offsets")
_SPEAKERS: Final = (
    "speaker",
    "speaker_label",
    "speaker_name",
    "speakerName",
    "speakerLabel",
    "speaker_id",
    "speakerTag",
    "speakerId",
    "participant",
)
_STAMP: Final = re.compile(r"(?:(?:(\d{1,6}):)?(\d{1,6}):)?(\d{1,12}(?:[.,]\d{1,12})?)s?")
_PERIOD: Final = re.compile(
    r"PT(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,12}(?:\.\d{1,12})?)S)?", re.IGNORECASE
)
_END_OF_SENTENCE: Final = re.compile(r"[.!?。！？؟।…][\"'”’)\]]*$")
_CLOSING: Final = re.compile(r"[.,;:!?%)\]}…。、，！？；：؟،।’”]")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_PAUSE_S: Final = 2.0
_LONG: Final = 400  # characters in a segment assembled from words


@dataclass(frozen=True, slots=True)
class Segment:
    """One utterance. Times are in seconds, or in milliseconds if the file uses whole numbers so."""

    words: str
    speaker: str | None
    start: float | None
    end: float | None
    attached: bool = False  # punctuation that follows the previous word
    unnamed: bool = False  # the file marks the speaker as unknown


def first_text(content: Mapping[str, object], names: Sequence[str] = _TEXTS) -> str | None:
    """The value of the first of `names` that is a string."""
    return next((value for name in names if isinstance(value := content.get(name), str)), None)


def read_segment(one: Mapping[str, object]) -> Segment:
    """The element's own text, times and speaker, without nested elements."""
    start, end = _times(one)
    return Segment(
        words=first_text(one) or "",
        speaker=_speaker(one),
        start=start,
        end=end,
        attached=str(one.get("type")).startswith("punct"),
        unnamed=any(name in one and one[name] in (None, "") for name in _SPEAKERS),
    )


def joined(words: Sequence[Segment]) -> Iterator[Segment]:
    """Join words into sentences of one speaker. Spaces are added if the words contain none."""
    spaced = any(one.words[:1].isspace() for one in words)
    current: list[Segment] = []
    length = 0
    for one in words:
        if current and not one.attached and _ends(current[-1], one, length):
            yield _sentence(current, spaced=spaced)
            current, length = [], 0
        if current and one.speaker is None and not _is_unnamed(one):
            one = replace(one, speaker=current[-1].speaker)
        if current or one.words.strip():
            current.append(one)
            length += len(one.words)
    if current:
        yield _sentence(current, spaced=spaced)


def _is_unnamed(one: Segment) -> bool:
    """Whether the speaker is marked as unknown; spaces and punctuation have no speaker."""
    return one.unnamed and any(map(str.isalnum, one.words))


def _ends(last: Segment, one: Segment, length: int) -> bool:
    if not one.words.strip():
        return False
    if (one.speaker is not None or _is_unnamed(one)) and one.speaker != last.speaker:
        return True
    if _END_OF_SENTENCE.search(last.words.rstrip()) or length > _LONG:
        return True
    unit = 1000 if _is_whole(one.start) and _is_whole(last.end) else 1
    if one.start is None or last.end is None:
        return False
    return one.start - last.end > _PAUSE_S * unit


def _is_whole(time: object) -> bool:
    return isinstance(time, int)


def _sentence(words: Sequence[Segment], *, spaced: bool) -> Segment:
    text = ""
    for one in words:
        bare = spaced or not text or one.attached or _CLOSING.match(one.words) is not None
        if not bare and _UNSPACED.match(one.words) and _UNSPACED.match(text[-1]):
            bare = True
        text += one.words if bare else " " + one.words.strip()
    timed = [one for one in words if one.words.strip()]
    starts = (one.start for one in timed if one.start is not None)
    ends = (one.end for one in reversed(timed) if one.end is not None)
    return Segment(
        text.strip(),
        words[0].speaker,
        next(starts, None),
        next(ends, None),
        unnamed=words[0].speaker is None and words[0].unnamed,
    )


def _speaker(one: Mapping[str, object]) -> str | None:
    speaker = next((one[name] for name in _SPEAKERS if one.get(name) is not None), None)
    if isinstance(speaker, Mapping):
        speaker = first_text(speaker, ("name", "label", "id"))
    if isinstance(speaker, int) and not isinstance(speaker, bool):
        speaker = f"Speaker {speaker}"
    return speaker if isinstance(speaker, str) else None


def _times(one: Mapping[str, object]) -> tuple[float | None, float | None]:
    for name in _PAIRS:
        pair = one.get(name)
        if isinstance(pair, Mapping):
            return _named_time(pair, _STARTS), _named_time(pair, _ENDS)
        if isinstance(pair, list) and len(pair) == 2:
            return _number(pair[0]), _number(pair[1])
    start, end = _named_time(one, _STARTS), _named_time(one, _ENDS)
    if end is None and start is not None:
        duration = _named_time(one, _DURATIONS)
        end = None if duration is None else start + duration
    return start, end


def _named_time(one: Mapping[str, object], names: Mapping[str, int]) -> float | None:
    name = next((name for name in names if one.get(name) is not None), None)
    if name is None:
        return None
    value = _number(one[name])
    return value if value is None or names[name] == 1 else value / names[name]


def _number(value: object) -> float | None:
    """Seconds from a number, "1.5s", "00:01:02,5", "PT1.5S" or {"seconds", "nanos"}."""
    if isinstance(value, str):
        value = _seconds(value.strip())
    elif isinstance(value, Mapping):
        whole, nanos = value.get("seconds", 0), value.get("nanos", value.get("nanoseconds", 0))
        if "relative" in value:
            whole, nanos = value["relative"], 0
        parts = (_number(whole), _number(nanos))
        value = None if None in parts else (parts[0] or 0) + (parts[1] or 0) / 1e9
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 1e12 and math.isfinite(value) else None


def _seconds(text: str) -> float | None:
    stamp = _STAMP.fullmatch(text) or _PERIOD.fullmatch(text)
    if stamp is None or not any(stamp.groups()):
        return None
    hours, minutes, seconds = (part or "0" for part in stamp.groups())
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))

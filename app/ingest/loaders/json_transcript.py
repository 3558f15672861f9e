"""Transcripts as JSON: a list of segments with words, times and, where known, speakers.

Reads what speech recognisers write: `segments` (Whisper, WhisperX), `utterances` (AssemblyAI,
Deepgram), `results.audio_segments` (AWS), or the list alone.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.transcripts import Spoken, line_start, recording
from app.ingest.parsed_document import IngestError, ParsedDocument

_LISTS: Final = (
    "segments",
    "utterances",
    "audio_segments",
    "transcript",
    "transcription",
    "monologues",
    "cues",
)
_WRAPPERS: Final = ("results", "result", "data")
_WORDS: Final = ("text", "transcript", "words", "content")
_STARTS: Final = ("start", "start_s", "start_time", "startTime", "begin", "from")
_ENDS: Final = ("end", "end_s", "end_time", "endTime", "to")
_SPEAKERS: Final = ("speaker", "speaker_label", "speaker_name", "speakerName", "speaker_id")
_STAMP: Final = re.compile(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:[.,]\d+)?)s?")
_SLOWEST: Final = 0.5  # characters a second; speech has about fifteen

UNKNOWN: Final = (
    "this JSON is not a transcript that is known: it takes a list of segments, or an object with "
    '"segments", each {"start", "end", "text", "speaker"?}'
)


@dataclass(frozen=True, slots=True)
class _Segment:
    words: str
    speaker: str | None
    start: float | None
    end: float | None


def load_json_transcript(data: bytes) -> ParsedDocument:
    """Title: `title` or `name` beside the segments.

    A missing start is the end before it, a missing end the start that follows. Without any time it
    is a document of what was said. Whole numbers that would mean absurdly slow speech are
    milliseconds.
    """
    try:
        content = json.loads(decode(data))
    except json.JSONDecodeError as error:
        raise IngestError(f"this is not JSON (line {error.lineno})") from error
    except RecursionError as error:
        raise IngestError("the file is nested too deeply") from error
    except ValueError as error:  # a number of thousands of digits
        raise IngestError("this is not JSON") from error
    segments = [_segment(one) for one in _segments(content)]
    title = _first(content, ("title", "name"), str) if isinstance(content, Mapping) else None
    if all(one.start is None and one.end is None for one in segments):
        return _as_document(segments, title)
    return recording(_timed(segments), title)


def _segments(content: object) -> Sequence[Mapping[str, object]]:
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if isinstance(content, Mapping):
        named = (content[name] for name in _LISTS if isinstance(content.get(name), list))
        content = next(named, None)
    if not isinstance(content, list) or not content:
        raise IngestError(UNKNOWN)
    segments = [one for one in content if isinstance(one, Mapping)]
    if len(segments) < len(content) or not any(_first(s, _WORDS, str) for s in segments):
        raise IngestError(UNKNOWN)
    return segments


def _segment(one: Mapping[str, object]) -> _Segment:
    speaker = next((one[name] for name in _SPEAKERS if one.get(name) is not None), None)
    if isinstance(speaker, Mapping):
        speaker = speaker.get("name")
    if isinstance(speaker, int) and not isinstance(speaker, bool):
        speaker = f"Speaker {speaker}"
    return _Segment(
        words=_first(one, _WORDS, str) or "",
        speaker=speaker if isinstance(speaker, str) else None,
        start=_time(one, _STARTS),
        end=_time(one, _ENDS),
    )


def _first(content: Mapping[str, object], names: Sequence[str], kind: type[str]) -> str | None:
    return next((value for name in names if isinstance(value := content.get(name), kind)), None)


def _time(one: Mapping[str, object], names: Sequence[str]) -> float | None:
    value = next((one[name] for name in names if one.get(name) is not None), None)
    if isinstance(value, str) and (stamp := _STAMP.fullmatch(value.strip())):
        hours, minutes, seconds = (part or "0" for part in stamp.groups())
        value = int(hours[:6]) * 3600 + int(minutes[:6]) * 60 + float(seconds.replace(",", "."))
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if 0 <= value < 1e12 and math.isfinite(value) else None


def _timed(segments: Sequence[_Segment]) -> list[Spoken]:
    unit = 1000 if _in_milliseconds(segments) else 1
    spoken: list[Spoken] = []
    before = 0.0
    for one, following in zip(segments, [*segments[1:], None], strict=True):
        start = before if one.start is None else one.start / unit
        end = one.end / unit if one.end is not None else start
        if one.end is None and following is not None and following.start is not None:
            end = max(start, following.start / unit)
        spoken.append(Spoken(one.words, one.speaker, start, end))
        before = max(start, end)
    return spoken


def _in_milliseconds(segments: Sequence[_Segment]) -> bool:
    times = [time for one in segments for time in (one.start, one.end) if time is not None]
    if not all(isinstance(time, int) for time in times):
        return False
    spans = [
        (one.end - one.start, len(one.words))
        for one in segments
        if one.start is not None and one.end is not None and one.end > one.start
    ]
    return sum(length for _, length in spans) < _SLOWEST * sum(span for span, _ in spans)


def _as_document(segments: Sequence[_Segment], title: str | None) -> ParsedDocument:
    out = ExtractedText()
    for one in segments:
        if one.words.strip():
            out.add_block(line_start(one.speaker) + " ".join(one.words.split()))
    return out.document(title)

"""SubRip (.srt): cues with times; speakers only where the words name them."""

import html
import re
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.transcripts import Spoken, recording
from app.ingest.parsed_document import IngestError, ParsedDocument

_STAMP: Final = r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES: Final = re.compile(rf"^[ \t]*{_STAMP}[ \t]*-->[ \t]*{_STAMP}.*$", re.MULTILINE)
_TAG: Final = re.compile(r"</?[a-z][^<>\n]*>|\{\\[^{}\n]*\}", re.IGNORECASE)
_DASH: Final = re.compile(r"^\s*[-–]\s+")
_FIRST_CUE: Final = re.compile(rf"\s*\d+[ \t]*\r?\n[ \t]*{_STAMP}[ \t]*-->")


def load_srt(data: bytes) -> ParsedDocument:
    """Without a title: the format has none."""
    text = decode(data)
    times = list(_TIMES.finditer(text))
    if not times:
        raise IngestError("this is not an SRT transcript (it has no line 00:00:01,000 --> …)")
    ends = [*(match.start() for match in times[1:]), len(text)]
    return recording(
        [_cue(match, text[match.end() : end]) for match, end in zip(times, ends, strict=True)], None
    )


def is_srt(head: str) -> bool:
    """Whether text begins like SubRip."""
    return _FIRST_CUE.match(head) is not None


def _cue(times: "re.Match[str]", body: str) -> Spoken:
    words = _TAG.sub("", html.unescape(_without_number(body)))
    lines = (_DASH.sub("", line) for line in words.splitlines())
    stamps = times.groups()
    return Spoken(" ".join(lines), None, _seconds(stamps[:4]), _seconds(stamps[4:]))


def _without_number(body: str) -> str:
    """The words of a cue without the number of the one that follows."""
    words, line_end, last = body.rstrip().rpartition("\n")
    return words if line_end and last.strip(" \t").isdecimal() else body


def _seconds(stamp: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in stamp)
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction}")

"""WebVTT: a transcript with times and, in `<v Name>` tags, speakers."""

import html
import re
from typing import Final

from webvtt import WebVTT
from webvtt.errors import MalformedCaptionError, MalformedFileError
from webvtt.models import Caption

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.transcripts import Spoken, recording
from app.ingest.parsed_document import IngestError, ParsedDocument

HEADER: Final = "WEBVTT"
_TITLE: Final = re.compile(r"^NOTE[ \t]+title:(.*)$", re.MULTILINE | re.IGNORECASE)
_VOICE: Final = re.compile(r"<v(?:\.[^\s<>]*+)?+[ \t]([^<>]++)>")


def load_webvtt(data: bytes) -> ParsedDocument:
    """Title: a comment `NOTE title: …`. Consecutive cues of one speaker share a line."""
    content = decode(data)
    try:
        captions = WebVTT.from_string(content).captions
    except (MalformedFileError, MalformedCaptionError) as error:
        raise IngestError("this is not WebVTT (it begins with a line WEBVTT)") from error
    spoken = [part for caption in captions for part in _parts(caption)]
    title = _TITLE.search(content)
    return recording(spoken, title[1] if title else None)


def _parts(caption: Caption) -> list[Spoken]:
    """Words, speaker and seconds; a cue with several voices is shared out by length."""
    raw = " ".join(caption.lines)
    begin, end = _seconds(caption.start), _seconds(caption.end)
    pieces = _VOICE.split(raw)  # words before any voice, then voice, words, voice, words …
    said = [(pieces[0], None), *zip(pieces[2::2], pieces[1::2], strict=True)]
    cleaned = [(_clean(words), name.strip() if name else None) for words, name in said]
    voices = [(words, name) for words, name in cleaned if words]
    total = sum(len(words) for words, _ in voices)
    parts, spent = [], 0
    for words, name in voices:
        start_s = begin + (end - begin) * spent / total
        spent += len(words)
        parts.append(Spoken(words, name, start_s, begin + (end - begin) * spent / total))
    return parts


def _clean(words: str) -> str:
    return " ".join(html.unescape(Caption(text=words).text).split())


def _seconds(stamp: str) -> float:
    hours, minutes, seconds = stamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)

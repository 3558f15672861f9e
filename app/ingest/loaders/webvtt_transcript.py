"""WebVTT: a transcript with times, and speakers from `<v Name>` tags or before a colon."""

import re
from typing import Final

from app.ingest.loaders.cues import read_cues, spoken_of
from app.ingest.loaders.decoding import decode
from app.ingest.loaders.transcripts import recording
from app.ingest.parsed_document import IngestError, ParsedDocument

HEADER: Final = "WEBVTT"
_TITLE: Final = re.compile(r"^NOTE[ \t]+title:(.*)$", re.MULTILINE | re.IGNORECASE)


def load_webvtt(data: bytes) -> ParsedDocument:
    """Title: a comment `NOTE title: …`. Consecutive cues of one speaker share a line."""
    content = decode(data)
    if not content.lstrip("\ufeff \n\t").startswith(HEADER):
        raise IngestError("this is not WebVTT (it begins with a line WEBVTT)")
    title = _TITLE.search(content)
    return recording(spoken_of(read_cues(content)), title[1] if title else None)

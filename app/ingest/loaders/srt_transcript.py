"""SubRip (.srt): cues with times. Speakers are known only where the text names them."""

from app.ingest.loaders.cues import is_cue_times, read_cues, spoken_of
from app.ingest.loaders.decoding import decode
from app.ingest.loaders.transcripts import recording
from app.ingest.parsed_document import IngestError, ParsedDocument


def load_srt(data: bytes) -> ParsedDocument:
    """There is no title: the format has none."""
    cues = read_cues(decode(data))
    if not cues:
        raise IngestError("this is not an SRT transcript (it has no line 00:00:01,000 --> …)")
    return recording(spoken_of(cues), None)


def is_srt(head: str) -> bool:
    """Whether the text begins with a cue number and a line of times below it."""
    lines = head.lstrip().replace("\r\n", "\n").split("\n", 2)
    return len(lines) > 1 and lines[0].strip().isdecimal() and is_cue_times(lines[1])

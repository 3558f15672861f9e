"""JSON transcripts: a list of segments or words with times and, where known, speakers.

Reads the output of Whisper, WhisperX, whisper.cpp, Hugging Face, AssemblyAI, Deepgram, AWS,
Google, Azure, Rev, ElevenLabs, Speechmatics, Vosk, YouTube and Podcasting 2.0, and lists that
use the same keys.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from app.ingest.loaders.decoding import decode
from app.ingest.loaders.extracted_text import ExtractedText
from app.ingest.loaders.json_segments import Segment, first_text, joined, read_segment
from app.ingest.loaders.transcripts import Spoken, line_start, recording
from app.ingest.parsed_document import IngestError, ParsedDocument

# Keys that hold segments, finest sentence-level lists first. Words come last.
_LISTS: Final = (
    "segments",
    "utterances",
    "audio_segments",
    "monologues",
    "paragraphs",
    "sentences",
    "phrases",
    "recognizedPhrases",
    "transcription",
    "transcript",
    "cues",
    "chunks",
    "events",
    "entries",
    "channels",
    "results",
    "result",
    "data",
    "response",
)
_WORDS: Final = ("words", "items", "elements", "segs", "tokens")
_CHOICES: Final = ("alternatives", "nBest", "NBest")  # best alternative first
_SPOKEN_KEYS: Final = {"text", "speaker", "id", "start", "end", "words", "content", "transcript"}
_DEEPEST: Final = 12
_SLOWEST: Final = 0.5  # characters per second; speech has about fifteen

UNKNOWN: Final = (
    "this JSON is not a known transcript format: takes a list of segments, or an object with "
    '"segments", each {"start", "end", "text", "speaker"?}'
)


def load_json_transcript(data: bytes) -> ParsedDocument:
    """Title: `title` or `name` beside the segments.

    A missing start is the previous end; a missing end is the next start. Without any times the
    result is a plain document. Whole numbers that imply implausibly slow speech are read as
    milliseconds.
    """
    content = parse_json(data)
    segments = _renamed(list(_segments(content, 0)), content)
    if not segments or not _is_transcript(content, segments):
        raise IngestError(UNKNOWN)
    title = first_text(content, ("title", "name")) if isinstance(content, Mapping) else None
    if all(one.start is None and one.end is None for one in segments):
        return _as_document(segments, title)
    return recording(_timed(segments), title)


def parse_json(data: bytes) -> object:
    """Parse JSON. Raises `IngestError` when it is invalid."""
    try:
        return json.loads(decode(data))
    except json.JSONDecodeError as error:
        raise IngestError(f"this is not JSON (line {error.lineno})") from error
    except RecursionError as error:
        raise IngestError("the file is nested too deeply") from error
    except ValueError as error:  # a number with thousands of digits
        raise IngestError("this is not JSON") from error


def _is_transcript(content: object, segments: Sequence[Segment]) -> bool:
    """Times make a transcript; so do elements with nothing but words and speakers."""
    if any(one.start is not None or one.end is not None for one in segments):
        return True
    spoken = any(one.words.strip() for one in segments)
    lists = [content] if isinstance(content, list) else []
    if isinstance(content, Mapping):
        lists = [content[name] for name in _LISTS if isinstance(content.get(name), list)][:1]
    keys = {key for one in lists for each in one if isinstance(each, Mapping) for key in each}
    return spoken and bool(lists) and keys <= _SPOKEN_KEYS


def _segments(content: object, depth: int) -> Iterator[Segment]:
    """Segments of the first list in `content` that has any; empty when there is none."""
    if depth > _DEEPEST:
        return
    if isinstance(content, list):
        yield from _of_list(content, depth)
    elif isinstance(content, Mapping):
        for name in (*_LISTS, *_WORDS):
            nested = content.get(name)
            if not isinstance(nested, list | Mapping):
                continue
            found = list(_labelled(nested, content, depth))
            if any(one.words.strip() or one.start is not None for one in found):
                yield from joined(found) if name in _WORDS else found
                return


def _labelled(nested: object, beside: Mapping[str, object], depth: int) -> Iterator[Segment]:
    """The segments, with AWS speaker labels (listed separately) joined by start time."""
    labels = beside.get("speaker_labels")
    turns = labels.get("segments") if isinstance(labels, Mapping) else None
    said_by: dict[object, object] = {}
    for turn in turns if isinstance(turns, list) else ():
        for word in turn.get("items", ()) if isinstance(turn, Mapping) else ():
            if isinstance(word, Mapping) and isinstance(word.get("start_time"), str):
                said_by[word["start_time"]] = word.get("speaker_label")
    if said_by and isinstance(nested, list):
        nested = [
            {"speaker_label": said_by.get(str(one.get("start_time"))), **one}
            if isinstance(one, Mapping)
            else one
            for one in nested
        ]
    yield from _segments(nested, depth + 1)


def _of_list(content: Sequence[object], depth: int) -> Iterator[Segment]:
    elements = [one for one in content if isinstance(one, Mapping)]
    if len(elements) < len(content):
        return
    flat = [_flattened(one) for one in elements]
    last = flat[-1:] if _is_summary(flat) else flat
    read = [list(_of_element(one, depth)) for one in last]
    single = all(" " not in one.words.strip() for words in read for one in words)
    whole = [one for words in read for one in words]
    yield from joined(whole) if single and len(whole) > 1 and _as_words(last) else whole


def _flattened(one: Mapping[str, object]) -> Mapping[str, object]:
    """The element merged with its best alternative."""
    for name in _CHOICES:
        choices = one.get(name)
        if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
            rest = {key: value for key, value in one.items() if key != name}
            return {**choices[0], **rest}
    return one


def _is_summary(elements: Sequence[Mapping[str, object]]) -> bool:
    """Google repeats all words in a final result, the only one with speakers."""
    counts = [len(words) if isinstance(words := one.get("words"), list) else 0 for one in elements]
    return len(counts) > 1 and counts[-1] > 0 and counts[-1] >= sum(counts[:-1]) > 0


def _as_words(elements: Sequence[Mapping[str, object]]) -> bool:
    """Whether the elements are single words rather than short sentences."""
    return any("word" in one or str(one.get("type")) in _KINDS for one in elements)


_KINDS: Final = ("word", "punctuation", "pronunciation", "spacing", "text", "punct")


def _of_element(one: Mapping[str, object], depth: int) -> Iterator[Segment]:
    """The element itself, or its children when only they have times or several speakers."""
    own = read_segment(one)
    nested = [
        replace(inner, speaker=inner.speaker or own.speaker) for inner in _segments(one, depth + 1)
    ]
    timed = [inner for inner in nested if inner.start is not None]
    if nested and not timed and own.start is not None and not own.words.strip():
        yield replace(own, words=" ".join(inner.words for inner in nested))
        return
    several = len({inner.speaker for inner in nested if inner.speaker}) > 1
    if nested and (not own.words.strip() or several or (own.start is None and timed)):
        yield from nested
    else:
        yield own


def _renamed(segments: Sequence[Segment], content: object) -> Sequence[Segment]:
    """Replace speaker ids by the names in a `speakers` list."""
    speakers = content.get("speakers") if isinstance(content, Mapping) else None
    names = {}
    for one in speakers if isinstance(speakers, list) else ():
        if isinstance(one, Mapping) and (name := first_text(one, ("name", "label"))):
            key = one.get("id", one.get("speaker"))
            names[f"Speaker {key}" if isinstance(key, int) else key] = name
    return [replace(one, speaker=names.get(one.speaker, one.speaker)) for one in segments]


def _timed(segments: Sequence[Segment]) -> list[Spoken]:
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


def _in_milliseconds(segments: Sequence[Segment]) -> bool:
    times = [time for one in segments for time in (one.start, one.end) if time is not None]
    if not all(isinstance(time, int) for time in times):
        return False
    spans = [
        (one.end - one.start, len(one.words))
        for one in segments
        if one.start is not None and one.end is not None and one.end > one.start
    ]
    return sum(length for _, length in spans) < _SLOWEST * sum(span for span, _ in spans)


def _as_document(segments: Sequence[Segment], title: str | None) -> ParsedDocument:
    out = ExtractedText()
    for one in segments:
        if one.words.strip():
            out.add_block(line_start(one.speaker) + " ".join(one.words.split()))
    return out.document(title)

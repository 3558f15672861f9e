"""Splits a loaded source into passages that fit the embedding model, title included."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain, groupby, islice
from operator import attrgetter
from typing import Final

from app.domain.library_ports import NewPassage
from app.domain.models import Cue, Span
from app.ingest.loaders.transcripts import line_start
from app.ingest.parsed_document import Block, ParsedDocument, Utterance
from app.ingest.segmentation import FORCED, cut, cut_evenly

Count = Callable[[str], int]

TARGET: Final = 220  # word pieces of title, heading and text
CONTEXT_SHARE: Final = 0.4  # maximum share of title and heading in the target
_BETWEEN_PARAGRAPHS: Final = 0.0
_INSIDE_LIST: Final = 1.5
_BEFORE_LIST: Final = 3.0  # keeps "The following are needed:" with its list
_BETWEEN_SENTENCES: Final = 2.0
_SAME_SPEAKER: Final = 0.4
_MID_SENTENCE: Final = 1.5
_BEFORE_ANSWER: Final = 1.0
_ENDS: Final = frozenset(".!?\u2026\u3002\uff01\uff1f\"')")
_CHARS_PER_PIECE: Final = 20
"""Characters per piece at most: a tokenizer counts an unknown word of any length as one piece."""
_UNSPACED: Final = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]+"
)
_UNSPACED_CHARS_PER_PIECE: Final = 2
"""For scripts written without spaces. A tokenizer that does not know the script counts a whole
line as one unknown piece, so its count is useless."""
_SHORT: Final = 24  # maximum characters of a string whose count is cached
_MAX_RUN: Final = 20_000
"""Characters scanned at once for the end of a sentence."""
_MAX_PARTS: Final = 10_000
"""Parts optimised together. A larger section is also split at this number."""
_BREAK: Final = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)|(?<=[\u3002\uff01\uff1f])|\n+")
"""Where a part may end. Not `app.text.sentences`, which omits headings, list marks and code and
joins wrapped lines: passages must cover their blocks, and rows and lines must stay whole, so every
line end is a break."""
_CHUNK: Final = re.compile(r"\S+\s*")  # text between white space, not a word of `app.text.tokens`


def cut_passages(source: ParsedDocument, *, title: str, count: Count) -> list[NewPassage]:
    """The passages in order. `count` counts word pieces and must be additive over words."""
    count = _cached(count)
    if source.kind == "recording":
        return _cut_recording(source, TARGET - count(context(title, None, count)), count)
    return _cut_document(source, title, count)


def _cached(count: Count) -> Count:
    """Cache counts: words repeat, most of all in tables of numbers."""
    word = lru_cache(maxsize=20_000)(count)
    return lambda text: word(text) if len(text) <= _SHORT else count(text)


def context(title: str, heading: str | None, count: Count) -> str:
    """Title and heading, embedded before the text and truncated to their share."""
    limit = int(TARGET * CONTEXT_SHARE)
    lines = [title, *([heading] if heading else [])]
    if count("\n".join(lines)) <= limit:
        return "\n".join(lines)
    last = heading.rsplit(" > ", 1)[-1] if heading else ""
    return "\n".join(_shortened(line, limit // len(lines), count) for line in [title, last] if line)


def embedded_text(title: str, heading: str | None, text: str, count: Count) -> str:
    """The text that is embedded for a passage."""
    return f"{context(title, heading, count)}\n{text}"


def _shortened(line: str, limit: int, count: Count) -> str:
    words = line.split()
    while len(words) > 1 and count(" ".join(words)) > limit:
        words = words[: max(1, len(words) * 3 // 4)]
    short = " ".join(words)
    return short if count(short) <= limit else short[:limit]


@dataclass(frozen=True, slots=True)
class _Part:
    """An indivisible range of text, and the cost of a cut before it."""

    start: int
    end: int
    size: int
    price: float
    block: Block


def _cut_document(source: ParsedDocument, title: str, count: Count) -> list[NewPassage]:
    passages: list[NewPassage] = []
    for section in _sections(source):
        limit = TARGET - count(context(title, section[0].heading, count))
        parts = _parts(source.text, section, limit, count)
        while some := list(islice(parts, _MAX_PARTS)):
            passages += _cut_parts(source.text, some, limit)
    return passages


def _cut_parts(text: str, parts: Sequence[_Part], limit: int) -> Iterator[NewPassage]:
    for begin, end in cut([p.size for p in parts], [p.price for p in parts], limit=limit):
        first, last = parts[begin], parts[end - 1]
        yield NewPassage(
            text=text[first.start : last.end],
            char_start=first.start,
            char_end=last.end,
            heading=_common_heading(parts[begin:end]),
            page=first.block.page,
            structure=tuple(_spans(parts[begin:end])),
        )


def _spans(parts: Sequence[_Part]) -> Iterator[Span]:
    """One span per block that is not a paragraph, relative to the first part."""
    base = parts[0].start
    for block, group in groupby(parts, key=attrgetter("block")):
        of_block = list(group)
        if block.kind != "paragraph":
            yield Span(block.kind, of_block[0].start - base, of_block[-1].end - base)


def _common_heading(parts: Sequence[_Part]) -> str | None:
    """The longest heading path common to all parts."""
    path = parts[0].block.heading
    for part in parts[1:]:
        while path is not None and not _is_under(part.block.heading, path):
            path = path.rpartition(" > ")[0] or None
    return path


def _is_in(heading: str | None, path: str | None) -> bool:
    return path is None or _is_under(heading, path)


def _is_under(heading: str | None, path: str) -> bool:
    return heading is not None and f"{heading} > ".startswith(f"{path} > ")


def _size(text: str, count: Count) -> int:
    """Word pieces, at least one: parts of size 0 could be joined without limit."""
    least = len(text) // _CHARS_PER_PIECE
    if not text.isascii():
        unspaced = sum(map(len, _UNSPACED.findall(text)))
        least += unspaced // _UNSPACED_CHARS_PER_PIECE
    return max(1, count(text), least)


def _sections(source: ParsedDocument) -> Iterator[list[Block]]:
    """Runs of blocks without a heading between them.

    A heading that is itself a block (without text of its own) may share a run with the blocks
    before or after it, as long as all are under the first block's heading. Code of another
    definition is a section of its own.
    """
    section: list[Block] = []
    for block in source.blocks:
        leaves = section and (
            not _is_in(block.heading, section[0].heading)
            or _is_heading(source.text, block)
            or (block.kind == "code" and block.heading != section[-1].heading)
        )
        if leaves or (section and source.text[section[-1].end : block.start].strip()):
            yield section
            section = []
        section.append(block)
    if section:
        yield section


def _is_heading(text: str, block: Block) -> bool:
    """Whether the block is its own heading."""
    return block.heading is not None and block.heading.endswith(text[block.start : block.end])


def _parts(text: str, section: Sequence[Block], limit: int, count: Count) -> Iterator[_Part]:
    for i, block in enumerate(section):
        before = section[i - 1] if i else None
        price = _price_before(text, before, block)
        for start, end in _parts_of(text, block, limit, count):
            yield _Part(start, end, _size(text[start:end], count), price, block)
            price = _BETWEEN_SENTENCES


def _price_before(text: str, before: Block | None, block: Block) -> float:
    if before is None or before.page != block.page:  # a citation names exactly one page
        return FORCED
    if text[block.start] == " ":  # a continued or nested list item
        return _BEFORE_LIST
    if block.kind in ("item", "row") and before.kind == block.kind:
        return _INSIDE_LIST
    if _is_heading(text, before):
        return _BEFORE_LIST
    introduces = text[before.start : before.end].endswith((":", "\uff1a"))
    return _BEFORE_LIST if introduces else _BETWEEN_PARAGRAPHS


def _parts_of(text: str, block: Block, limit: int, count: Count) -> Iterator[tuple[int, int]]:
    """The block's sentences (lines of code); those larger than a passage are split into words."""
    begin = block.start
    for end in _break_points(text, block):
        sentence = text[begin:end]
        if sentence.strip():
            for start, stop in _pieces(sentence, limit, count):
                yield begin + start, begin + stop
        begin = end


def _break_points(text: str, block: Block) -> Iterator[int]:
    """Sentence ends in order. Text without any is split at a space, or anywhere."""
    begin = block.start
    ends = (match.end() for match in _BREAK.finditer(text, block.start, block.end))
    for end in chain(ends, (block.end,)):
        while end - begin > _MAX_RUN:
            blank = text.rfind(" ", begin, begin + _MAX_RUN) + 1
            begin = blank or begin + _MAX_RUN
            yield begin
        yield end
        begin = end


def _pieces(sentence: str, limit: int, count: Count) -> Iterator[tuple[int, int]]:
    """The sentence without trailing white space, split between words if it is too large."""
    if len(sentence) <= limit * _CHARS_PER_PIECE and _size(sentence, count) <= limit:
        yield 0, len(sentence.rstrip())
        return
    words = [
        (match.start() + begin, match.start() + begin + len(chunk.rstrip()), _size(chunk, count))
        for match in _CHUNK.finditer(sentence)
        for begin, chunk in _chunks(match[0], limit, count)
    ]
    for first, last in cut_evenly([w[2] for w in words], limit=limit):
        yield words[first][0], words[last - 1][1]


def _chunks(word: str, limit: int, count: Count) -> Iterator[tuple[int, str]]:
    """Splits a word larger than a passage (data URL, unspaced script) into equal lengths."""
    if len(word) <= limit * _CHARS_PER_PIECE and _size(word, count) <= limit:
        step = len(word)
    elif _UNSPACED.search(word):
        step = max(1, limit // 2)
    else:  # an unknown word is one piece, a known one may have a piece per character
        known = count(word[:limit]) > 1
        step = max(1, limit // 2 if known else limit * _CHARS_PER_PIECE // 4)
    for begin in range(0, len(word), step):
        yield begin, word[begin : begin + step]


def _cut_recording(source: ParsedDocument, limit: int, count: Count) -> list[NewPassage]:
    said = [
        part for u in source.utterances for part in _short_utterances(u, source.text, limit, count)
    ]
    starts = {speaker: count(line_start(speaker)) for speaker in {u.speaker for u in said}}
    room = limit - max(starts.values())  # a passage may start within a line
    sizes, prices = [], []
    for i, one in enumerate(said):
        changes = i > 0 and one.speaker != said[i - 1].speaker
        size = _size(source.text[one.start : one.end], count)
        sizes.append(size + starts[one.speaker] * changes)
        prices.append(_price_between(source.text, said[i - 1], one) if i else FORCED)
    return [_window(source.text, said[b:e]) for b, e in cut(sizes, prices, limit=room)]


def _price_between(text: str, before: Utterance, after: Utterance) -> float:
    last = text[before.end - 1]
    if last not in _ENDS:
        return _MID_SENTENCE
    if last in "?\uff1f":
        return _BEFORE_ANSWER
    return _SAME_SPEAKER if before.speaker == after.speaker else 0.0


def _short_utterances(
    utterance: Utterance, text: str, limit: int, count: Count
) -> Iterator[Utterance]:
    """The utterance, or parts that fit, with times in proportion to their length."""
    words = text[utterance.start : utterance.end]
    per_char = (utterance.end_s - utterance.start_s) / len(words)
    for start, end in _pieces(words, limit // 2, count):
        yield replace(
            utterance,
            start=utterance.start + start,
            end=utterance.start + end,
            start_s=utterance.start_s + start * per_char,
            end_s=utterance.start_s + end * per_char,
        )


def _window(text: str, said: Sequence[Utterance]) -> NewPassage:
    """Write "Speaker: words" lines with the times of their characters."""
    written, cues = "", []
    last: Utterance | None = None
    for one in said:
        if last and one.speaker == last.speaker:
            written += " "
        else:
            written += ("\n" if last else "") + line_start(one.speaker)
        end = len(written) + one.end - one.start
        cues.append(Cue(len(written), end, one.start_s, one.end_s, one.speaker))
        written += text[one.start : one.end]
        last = one
    speakers = {one.speaker for one in said}
    return NewPassage(
        text=written,
        char_start=said[0].start,
        char_end=said[-1].end,
        start_s=said[0].start_s,
        end_s=max(one.end_s for one in said),
        speaker=speakers.pop() if len(speakers) == 1 else None,
        cues=tuple(cues),
    )

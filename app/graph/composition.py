"""Answers that are put together from passages without a model. Pure.

`[n]` in a text refers to `passages[n - 1]`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from app.domain.encoding import counted
from app.domain.models import LibraryCounts, Passage, Source
from app.graph.source_matching import Section, main_title, sections
from app.text.markers import find_markers, shown_name
from app.text.passage_blocks import passage_blocks
from app.text.passage_sentences import block_sentences
from app.text.tokens import content_terms

LISTED_SOURCES: Final = 20
MENTIONS_SHOWN: Final = 12
_SECTIONS_SHOWN: Final = 14
_SECTION_SENTENCES: Final = 2
_MIN_SENTENCES: Final = 8
"""Sentences of an overview of a short source."""
_WHOLE_SECTION_SENTENCES: Final = 24
_POINTS: Final = 8
_POINT_SENTENCES: Final = 3
_MIN_SENTENCE_WORDS: Final = 4
_MIN_WORDS: Final = 3
"""Words of a paragraph that is a sentence and no label."""
_REFERENCES: Final = content_terms("sources references bibliography literature further reading")


class _Sentence(NamedTuple):
    passage: Passage
    text: str  # with its number in a list
    is_item: bool
    speaker: str  # "Ada: ", or nothing

    @property
    def said(self) -> str:
        return f"{self.speaker}{self.text}"


@dataclass(slots=True)
class Composed:
    """A text and the passages it cites, numbered in order of first use."""

    lines: list[str] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def cite(self, passage: Passage) -> str:
        """The marker of a passage, which is added when it is new."""
        number = self._numbers.get(passage.passage_id)
        if number is None:
            self.passages.append(passage)
            number = self._numbers[passage.passage_id] = len(self.passages)
        return f"[{number}]"

    @property
    def text(self) -> str:
        return "\n".join(self.lines).strip()


def greeting(examples: Sequence[str], counts: LibraryCounts) -> str:
    """Says what can be asked here."""
    return _with_examples(
        f"Hello. I answer questions from {_library(counts)} and cite the passage for "
        "everything I say.",
        examples,
    )


def about(examples: Sequence[str], counts: LibraryCounts, *, answers_by: str) -> str:
    """`answers_by`: the sentence about the model."""
    return _with_examples(
        f"I am Citestream. I answer questions from {_library(counts)}: I search them, and every "
        "statement is cited to the passage it comes from, which opens where it stands. "
        f"{answers_by} You can ask about a fact, have a source summarised, compare two of them, or "
        "ask which sources there are.",
        examples,
    )


def thanks() -> str:
    return "You're welcome. Ask whenever there is something else to look up."


def farewell() -> str:
    return "Goodbye. This conversation stays here; you can go on with it at any time."


def unclear() -> str:
    return "Please ask a question in words, for example “Which documents do you have?”."


def cannot_create(subject: str, sources: Sequence[Source]) -> str:
    """Quoting mode writes no texts of its own."""
    text = (
        "No model is connected, so I can only quote your sources; I cannot write a text of my own."
    )
    if sources:
        titles = "; ".join(f"“{shown_name(source.title)}”" for source in sources[:3])
        return f"{text} About {subject} I have {titles}. Ask me what it says."
    return f"{text} Ask me for something that your sources say."


def counts(sources: Sequence[Source]) -> str:
    """How many sources there are, by kind."""
    passages = sum(source.passage_count for source in sources)
    return (
        f"{counted(len(sources), 'source')}{_kinds(sources)}, in {counted(passages, 'passage')}. "
        "Ask “Which documents do you have?” for the list."
    )


def inventory(
    shown: Sequence[Source],
    openings: Mapping[str, Sequence[Passage]],
    *,
    total: int,
    of: int,
    topic: str,
    by_meaning: bool,
    offset: int,
) -> Composed:
    """Lists sources. `of`: how many were looked through; `offset`: those listed earlier."""
    made = Composed()
    made.lines.append(_inventory_headline(shown, total, of, topic, by_meaning, offset))
    shared = _boilerplate(openings.values())
    for kind, heading in (("document", "Documents"), ("recording", "Recordings")):
        group = [source for source in shown if source.kind == kind]
        if group and len({source.kind for source in shown}) > 1:
            made.lines += ["", f"**{heading}**"]
        if group:
            made.lines.append("")
        made.lines += [_entry(made, source, openings, shared) for source in group]
    left = total - offset - len(shown)
    if left > 0:
        made.lines += ["", f"… {left:,} more. Ask “show more” for the next ones."]
    return made


def details(source: Source, detail: str, opening: Sequence[Passage]) -> Composed | None:
    """What is known of a source besides its text; None when it is not known."""
    made = Composed()
    if detail == "speakers" and source.speakers:
        text = f"In “{shown_name(source.title)}” {_and(source.speakers)} can be heard"
    elif detail == "length" and (source.pages or source.duration_s):
        text = f"“{shown_name(source.title)}” is {_size(source)} long"
    elif detail == "day":
        text = f"“{shown_name(source.title)}” was added on {source.created_at.date().isoformat()}"
    else:
        return None
    markers = "".join(f" {made.cite(passage)}" for passage in opening)
    made.lines.append(f"{text}.{markers}")
    return made


def mentions(
    subject: str,
    found: Sequence[Passage],
    *,
    total: int,
    sources: int,
    searched: int,
    is_yes_no: bool,
) -> Composed:
    """Where a name occurs. `total` passages of `sources` sources, the first ones in `found`."""
    made = Composed()
    if not found:
        made.lines.append(
            f"{'No: ' * is_yes_no}“{subject}” is not mentioned in {counted(searched, 'source')} "
            "that I looked through."
        )
        return made
    made.lines += [
        f"{'Yes: ' * is_yes_no}“{subject}” is mentioned in {counted(total, 'passage')} of "
        f"{counted(sources, 'source')}.",
        "",
    ]
    for passage in found[:MENTIONS_SHOWN]:
        sentence = _sentence_about(passage, subject)
        made.lines.append(f"- {_place(passage)}: {sentence} {made.cite(passage)}")
    if total > MENTIONS_SHOWN:
        made.lines += ["", f"… {counted(total - MENTIONS_SHOWN, 'passage')} more."]
    return made


def spoken_of(subject: str, passages: Sequence[Passage]) -> Composed:
    """The sentences that name a subject, for a broad question that no passage answers as such."""
    made = Composed([f"These passages speak of {subject}:", ""])
    for passage in passages:
        sentence = _sentence_about(passage, subject)
        made.lines.append(f"- {_place(passage)}: {sentence} {made.cite(passage)}")
    return made


def overview(source: Source, passages: Sequence[Passage], *, per_section: int = 0) -> Composed:
    """A source section by section, in its own sentences."""
    made = Composed()
    parts = sections(passages)
    if len(parts) < 3:
        parts = [Section("", (passage,)) for passage in _spread(passages, _SECTIONS_SHOWN)]
    shown = parts[:_SECTIONS_SHOWN]
    most = per_section or max(_SECTION_SENTENCES, _MIN_SENTENCES // len(shown))
    made.lines.append(f"“{shown_name(source.title)}” ({_size(source)}), {_in_its_words(source)}:")
    about_source = content_terms(source.title)
    for part in shown:
        lines = _best_lines(made, part, about_source, most)
        if lines:
            made.lines += [
                "",
                *([f"**{shown_name(part.heading)}**", ""] if part.heading else []),
                *lines,
            ]
    if len(parts) > len(shown):
        made.lines += ["", f"… {counted(len(parts) - len(shown), 'more section')} in the source."]
    return made


def overviews(sources: Sequence[Source], texts: Sequence[Sequence[Passage]]) -> Composed:
    """Several sources, each in a few sentences."""
    made = Composed([f"{counted(len(sources), 'source')}, each in its own words:"])
    for source, passages in zip(sources, texts, strict=True):
        short = overview(source, passages, per_section=1)
        short.lines = [short.lines[0], *[one for one in short.lines if one.startswith("- ")][:4]]
        made.lines += ["", f"**{shown_name(source.title)}**", "", *_renumbered(made, short)]
    return made


def whole_section(groups: Sequence[Section]) -> Composed:
    """Everything that stands under these headings, cut after a page or so."""
    made = Composed()
    for group in groups:
        title = shown_name(group.passages[0].title)
        made.lines += ["", f"**{shown_name(group.heading)}** (“{title}”)", ""]
        lines = [line for passage in group.passages for line in _lines(made, passage)]
        made.lines += lines[:_WHOLE_SECTION_SENTENCES]
        if len(lines) > _WHOLE_SECTION_SENTENCES:
            rest = counted(len(lines) - _WHOLE_SECTION_SENTENCES, "more line")
            made.lines += ["", f"… {rest} in this section of the source."]
    return made


def comparison(
    pair: tuple[Source, Source], passages: tuple[Sequence[Passage], Sequence[Passage]]
) -> Composed:
    """Two sources point by point, where both have a heading for it; then what only one has."""
    made = Composed()
    sides = [_points(source, ones) for source, ones in zip(pair, passages, strict=True)]
    common = _common_points(*sides)
    names = [shown_name(main_title(source.title)) for source in pair]
    made.lines.append(
        f"“{shown_name(pair[0].title)}” and “{shown_name(pair[1].title)}”, point by point:"
    )
    for keys in common[:_POINTS]:
        parts = [side[key] for side, key in zip(sides, keys, strict=True)]
        made.lines += ["", f"**{_point_name(parts[0].heading, names[0])}**", ""]
        for name, part in zip(names, parts, strict=True):
            quotes = [
                f"{one.said} {made.cite(one.passage)}"
                for one in _sentences(part.passages)[:_POINT_SENTENCES]
            ]
            made.lines.append(f"- {name}: {' '.join(quotes)}")
    if not common:
        for name, source, ones in zip(names, pair, passages, strict=True):
            short = overview(source, ones, per_section=1)
            made.lines += ["", f"**{name}**", *_renumbered(made, short)]
    for name, side, place in ((names[0], sides[0], 0), (names[1], sides[1], 1)):
        shared = {keys[place] for keys in common}
        alone = [part.heading for key, part in side.items() if key not in shared]
        if common and alone:
            made.lines += ["", f"Only in “{name}”: {'; '.join(alone[:_POINTS])}."]
    return made


def _with_examples(text: str, examples: Sequence[str]) -> str:
    if not examples:
        return text
    return "\n".join((text, "", "For example:", "", *(f"- {one}" for one in examples)))


def _library(counts: LibraryCounts) -> str:
    parts = [
        counted(number, noun)
        for number, noun in ((counts.documents, "document"), (counts.recordings, "recording"))
        if number
    ]
    return f"your library ({' and '.join(parts)})" if parts else "your library, which is empty yet,"


def _inventory_headline(
    shown: Sequence[Source], total: int, of: int, topic: str, by_meaning: bool, offset: int
) -> str:
    if offset:
        return f"Sources {offset + 1:,} to {offset + len(shown):,} of {total:,}:"
    if not topic:
        return f"{counted(total, 'source')}{_kinds(shown) if total == len(shown) else ''}:"
    verb = ("is", "has") if total == 1 else ("are", "have")
    about = (
        f"{verb[0]} about {topic}"
        if by_meaning
        else f"{verb[1]} “{topic}” in title, folder or tags"
    )
    return f"{total:,} of {counted(of, 'source')} {about}:"


def _kinds(sources: Sequence[Source]) -> str:
    counts = Counter(source.kind for source in sources)
    if len(counts) < 2:
        return ""
    return (
        f": {counted(counts['document'], 'document')} and "
        f"{counted(counts['recording'], 'recording')}"
    )


def _entry(
    made: Composed,
    source: Source,
    openings: Mapping[str, Sequence[Passage]],
    shared: frozenset[str],
) -> str:
    passages = openings.get(source.source_id, ())
    opening = _opening_sentence(source, passages, shared)
    name = shown_name(source.title)
    if source.speakers:
        name = f"{name} (with {_and(source.speakers)})"
    if opening is None:
        return f"- {name}"
    return f"- {name}: {opening.said} {made.cite(opening.passage)}"


def _opening_sentence(
    source: Source, passages: Sequence[Passage], shared: frozenset[str]
) -> _Sentence | None:
    """A sentence that says what the source is, or its first one that is its own."""
    own = [
        one
        for one in sorted(_sentences(passages), key=lambda one: one.is_item)
        if one.text not in shared
    ]
    about = content_terms(main_title(source.title))
    defining = (
        one
        for one in own
        if not one.is_item and about & content_terms(" ".join(one.text.split()[:6]))
    )
    return next(defining, own[0] if own else None)


def _boilerplate(openings: Iterable[Sequence[Passage]]) -> frozenset[str]:
    """Sentences that several sources begin with."""
    counts = Counter(
        sentence for passages in openings for sentence in {one.text for one in _sentences(passages)}
    )
    return frozenset(sentence for sentence, times in counts.items() if times > 1)


def _sentences(passages: Iterable[Passage]) -> list[_Sentence]:
    """What can stand alone: sentences, and items and rows, which may be short."""
    found = []
    for passage in passages:
        for block in passage_blocks(passage):
            is_item = block.kind == "item"
            number = f"{block.mark} " if block.mark[:1].isdigit() else ""
            speaker = f"{block.label}: " if block.kind == "turn" and block.label else ""
            for place, span in enumerate(block_sentences(passage.text, block)):
                text = _plain(span.of(passage.text))
                if is_item or block.kind == "row" or len(text.split()) >= _MIN_WORDS:
                    mark = number if place == 0 else ""
                    found.append(_Sentence(passage, f"{mark}{text}", is_item, speaker))
    return found


def _lines(made: Composed, passage: Passage) -> list[str]:
    under = (passage.heading or "").rpartition(" > ")[2]
    return [_line(made, one) for one in _sentences((passage,)) if one.text != under]


def _line(made: Composed, one: _Sentence) -> str:
    mark = "" if one.is_item and one.text[0].isdigit() else "- "
    return f"{mark}{one.said} {made.cite(one.passage)}"


def _best_lines(
    made: Composed, part: Section, about_source: frozenset[str], most: int
) -> list[str]:
    """The sentences of a section that say most of what it says, in their order."""
    candidates = [
        (place, one)
        for place, one in enumerate(_sentences(part.passages))
        if len(one.text.split()) >= _MIN_SENTENCE_WORDS and not one.text.endswith(("?", ":"))
    ]
    weights = Counter(term for _, one in candidates for term in content_terms(one.text))
    heading = content_terms(part.heading)

    def worth(entry: tuple[int, _Sentence]) -> float:
        terms = content_terms(entry[1].text) - about_source
        central = sum(weights[term] - 1 for term in terms) / (len(terms) + 4)
        return central + len(terms & heading) + 1 / (1 + entry[0])

    chosen = sorted(sorted(candidates, key=worth, reverse=True)[:most])
    return [_line(made, one) for _, one in chosen]


def _sentence_about(passage: Passage, subject: str) -> str:
    asked = content_terms(subject)
    sentences = _sentences((passage,))
    naming = [
        one for one in sentences if one.text != passage.heading and asked <= content_terms(one.text)
    ]
    said = [one for one in sentences if asked <= content_terms(one.speaker)]
    best = next(iter(naming or said or sentences), None)
    return _plain(passage.text)[:200] if best is None else best.said


_Points = dict[frozenset[str], Section]


def _points(source: Source, passages: Sequence[Passage]) -> _Points:
    """Sections by what their headings say besides the name of the source; no lists of works."""
    own = content_terms(source.title)
    points: _Points = {}
    for part in sections(passages):
        key = content_terms(part.heading) - own
        if part.heading and not (key and key <= _REFERENCES):
            points.setdefault(key, part)
    return points


def _common_points(one: _Points, other: _Points) -> list[tuple[frozenset[str], frozenset[str]]]:
    """The keys of the points that both sources have, in the order of the first."""
    common = []
    free = set(other)
    for key in one:
        alike = (
            key if key in free else next((k for k in free if key and k and _alike(key, k)), None)
        )
        if alike is not None:
            free.discard(alike)
            common.append((key, alike))
    return common


def _alike(one: frozenset[str], other: frozenset[str]) -> bool:
    return len(one & other) * 2 >= len(one | other)


def _point_name(heading: str, name: str) -> str:
    """The heading, with "it" for the name of the one source that it stands in."""
    own = content_terms(name)
    words = ["it" if content_terms(word) & own else word for word in heading.split()]
    if len(words) > 1 and words[-1] == "it":
        words = words[:-2] if words[-2] in ("of", "in", "for", "on") else words[:-1]
    return " ".join(words)


def _renumbered(made: Composed, part: Composed) -> list[str]:
    """The lines of another text, without its headline, with markers of this one."""
    lines = []
    for line in part.lines[1:]:
        for marker in reversed(find_markers(line)):
            passage = part.passages[marker.numbers[0] - 1]
            line = f"{line[: marker.start]}{made.cite(passage)}{line[marker.end :]}"
        lines.append(line)
    return lines


def _place(passage: Passage) -> str:
    heading = f", {shown_name(passage.heading)}" if passage.heading else ""
    page = f", page {passage.page}" if passage.page else ""
    return f"“{shown_name(passage.title)}”{heading}{page}"


def _size(source: Source) -> str:
    if source.pages:
        return counted(source.pages, "page")
    if source.duration_s:
        return counted(max(1, round(source.duration_s / 60)), "minute")
    return counted(source.passage_count, "passage")


def _and(names: Sequence[str]) -> str:
    return " and ".join(part for part in (", ".join(names[:-1]), names[-1]) if part)


def _in_its_words(source: Source) -> str:
    return "in the words of those who speak" if source.kind == "recording" else "in its own words"


def _spread(passages: Sequence[Passage], most: int) -> list[Passage]:
    if len(passages) <= most:
        return list(passages)
    return [passages[place * len(passages) // most] for place in range(most)]


def _plain(text: str) -> str:
    """One line, without bracketed numbers, which would be read as markers."""
    for marker in reversed(find_markers(text)):
        text = text[: marker.start].rstrip() + text[marker.end :]
    return " ".join(text.split())

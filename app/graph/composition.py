"""Answers that are put together from passages without a model. Pure.

`[n]` in a text refers to `passages[n - 1]`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from app.domain.encoding import counted
from app.domain.models import Passage, Source
from app.graph.composed_text import (
    Composed,
    Sentence,
    citable_sentences,
    cited_line,
    cited_lines,
    renumbered,
    sentence_about,
)
from app.graph.source_matching import Section, main_title, sections
from app.text.markers import shown_name
from app.text.tokens import content_terms

LISTED_SOURCES: Final = 20
MENTIONS_SHOWN: Final = 12
_SECTIONS_SHOWN: Final = 14
_SECTION_SENTENCES: Final = 2
_MIN_SENTENCES: Final = 8
"""Sentences of an overview of a short source."""
_WHOLE_SECTION_SENTENCES: Final = 24
_MIN_SENTENCE_WORDS: Final = 4


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
        sentence = sentence_about(passage, subject)
        made.lines.append(f"- {_place(passage)}: {sentence} {made.cite(passage)}")
    if total > MENTIONS_SHOWN:
        made.lines += ["", f"… {counted(total - MENTIONS_SHOWN, 'passage')} more."]
    return made


def spoken_of(subject: str, passages: Sequence[Passage]) -> Composed:
    """The sentences that name a subject, for a broad question that no passage answers as such."""
    made = Composed([f"These passages speak of {subject}:", ""])
    for passage in passages:
        sentence = sentence_about(passage, subject)
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
        made.lines += ["", f"**{shown_name(source.title)}**", "", *renumbered(made, short)]
    return made


def whole_section(groups: Sequence[Section]) -> Composed:
    """Everything under these headings, cut after about a page."""
    made = Composed()
    for group in groups:
        title = shown_name(group.passages[0].title)
        made.lines += ["", f"**{shown_name(group.heading)}** (“{title}”)", ""]
        lines = [line for passage in group.passages for line in cited_lines(made, passage)]
        made.lines += lines[:_WHOLE_SECTION_SENTENCES]
        if len(lines) > _WHOLE_SECTION_SENTENCES:
            rest = counted(len(lines) - _WHOLE_SECTION_SENTENCES, "more line")
            made.lines += ["", f"… {rest} in this section of the source."]
    return made


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
) -> Sentence | None:
    """A sentence that says what the source is, or its first one that is its own."""
    own = [
        one
        for one in sorted(citable_sentences(passages), key=lambda one: one.is_item)
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
        sentence
        for passages in openings
        for sentence in {one.text for one in citable_sentences(passages)}
    )
    return frozenset(sentence for sentence, times in counts.items() if times > 1)


def _best_lines(
    made: Composed, part: Section, about_source: frozenset[str], most: int
) -> list[str]:
    """The sentences of a section that say most of what it says, in their order."""
    candidates = [
        (place, one)
        for place, one in enumerate(citable_sentences(part.passages))
        if len(one.text.split()) >= _MIN_SENTENCE_WORDS and not one.text.endswith(("?", ":"))
    ]
    weights = Counter(term for _, one in candidates for term in content_terms(one.text))
    heading = content_terms(part.heading)

    def worth(entry: tuple[int, Sentence]) -> float:
        terms = content_terms(entry[1].text) - about_source
        central = sum(weights[term] - 1 for term in terms) / (len(terms) + 4)
        return central + len(terms & heading) + 1 / (1 + entry[0])

    chosen = sorted(sorted(candidates, key=worth, reverse=True)[:most])
    return [cited_line(made, one) for _, one in chosen]


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

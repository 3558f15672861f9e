"""Finds the sources and sections that a question names. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from app.domain.models import Filters, Passage, Source
from app.text.tokens import content_terms

MIN_NAMED_SHARE: Final = 0.7
"""Share of a title that a question must say when it may be nothing but that title."""
MIN_NAMED_SHARE_OF_SEVERAL: Final = 0.5
"""The same for a subject of several words, which rarely stand together by chance."""
MIN_SIMILARITY: Final = 0.3
"""Minimum cosine of a topic and the title or opening of a source that belongs to it."""
MIN_GAP: Final = 0.06
"""Minimum gap between the similarities of sources that match and those that do not."""
_EMPTY_WORDS: Final = content_terms(
    "document documents file files source sources report paper pdf text meeting recording "
    "transcript presentation slides spreadsheet policy article book fact sheet section chapter "
    "readme faq"
)
_EXTENSION: Final = re.compile(r"\.[A-Za-z]\w{1,4}\b")
"""Of a source that is named by its file: "GOVERNANCE.md"."""
_TITLE_TAIL: Final = (": ", " – ", " — ", " | ")


@dataclass(frozen=True, slots=True)
class Section:
    """The passages under one heading of a source, in order."""

    heading: str
    passages: tuple[Passage, ...]


def matches_filters(source: Source, filters: Filters) -> bool:
    """Whether a search with these filters would read the source."""
    day = source.created_at.date()
    return (
        (not filters.source_ids or source.source_id in filters.source_ids)
        and (not filters.kinds or source.kind in filters.kinds)
        and (not filters.tags or any(tag in filters.tags for tag in source.tags))
        and (filters.after is None or day >= filters.after)
        and (filters.before is None or day < filters.before)
    )


def named(subject: str, sources: Iterable[Source], *, min_share: float = 0.0) -> list[Source]:
    """The sources whose title or file name says every word of the subject; the closest only.

    `min_share`: how much of the title the subject must say, 0..1.
    """
    asked = content_terms(_EXTENSION.sub("", subject))
    specific = asked - _EMPTY_WORDS
    if not asked:
        return []
    best: list[tuple[float, Source]] = []
    for source in sources:
        terms = content_terms(f"{source.title} {_file_words(source.name)}")
        if asked <= terms or (specific and specific <= terms):
            share = max(
                _share(asked, main_title(source.title)), _share(asked, _file_words(source.name))
            )
            if share >= min_share:
                best.append((share, source))
    if not best:
        return []
    top = max(share for share, _ in best)
    return [source for share, source in best if share >= top - 1e-9]


def in_category(topic: str, sources: Sequence[Source]) -> list[Source]:
    """The sources that say the topic in title, file name, folder or a tag."""
    asked = content_terms(topic)
    return [one for one in sources if asked and asked <= content_terms(_labels(one))]


def similar_ones(similarities: Sequence[float]) -> list[int]:
    """The indices above the widest gap, where it is wide enough; none without such a group."""
    order = sorted(range(len(similarities)), key=lambda i: -similarities[i])
    above = [i for i in order if similarities[i] >= MIN_SIMILARITY]
    if len(above) in (0, len(order)):
        return above
    gaps = [
        (similarities[i] - similarities[j], place)
        for place, (i, j) in enumerate(pairwise(order), start=1)
        if similarities[i] >= MIN_SIMILARITY
    ]
    gap, place = max(gaps)
    return order[:place] if gap >= MIN_GAP else []


def sections(passages: Sequence[Passage]) -> list[Section]:
    """Consecutive passages under one top-level heading; below a single one, under its parts."""
    depth = 0
    while depth < 3:
        tops = {_heading_path(one)[: depth + 1] for one in passages if one.heading}
        if len(tops) != 1 or all(len(_heading_path(p)) <= depth + 1 for p in passages):
            break
        depth += 1
    found: list[tuple[tuple[str, ...], list[Passage]]] = []
    for passage in passages:
        top = _heading_path(passage)[: depth + 1]
        if not found or found[-1][0] != top:
            found.append((top, []))
        found[-1][1].append(passage)
    return [Section(top[-1] if top else "", tuple(group)) for top, group in found]


def numbered_section(number: str, passages: Sequence[Passage]) -> list[Passage]:
    """The passages under `7 Chemicals` or `Chapter 7`."""
    return [one for one in passages if any(_is_numbered(h, number) for h in _heading_path(one))]


def under_heading(subject: str, passage: Passage) -> str | None:
    """The heading over the passage that says every word of the subject, and hardly any other."""
    asked = content_terms(subject)
    about = content_terms(passage.title)
    for heading in _heading_path(passage):
        terms = {one for one in content_terms(heading) if not one.isdigit()}
        if asked - about and asked <= terms and len(asked) >= len(terms - about) / 2:
            return heading
    return None


def main_title(title: str) -> str:
    """The title before its colon or dash, unless that stands in brackets."""
    for tail in _TITLE_TAIL:
        main = title.partition(tail)[0]
        if main.count("(") == main.count(")"):
            title = main
    return title


def _heading_path(passage: Passage) -> tuple[str, ...]:
    return tuple(passage.heading.split(" > ")) if passage.heading else ()


def _is_numbered(heading: str, number: str) -> bool:
    words = heading.lower().replace(".", " ").replace(":", " ").split()
    return number.lower().rstrip(".") in words[:2] and (
        words[0] == number.lower() or words[0] in ("chapter", "section", "part", "article", "§")
    )


def _share(asked: frozenset[str], name: str) -> float:
    terms = content_terms(name)
    return len(asked & terms) / len(terms) if terms else 0.0


def _file_words(name: str) -> str:
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return stem.replace("-", " ").replace("_", " ").replace(".", " ")


def _labels(source: Source) -> str:
    path = source.name.replace("-", " ").replace("_", " ").replace("/", " ").replace(".", " ")
    return " ".join((source.title, path, *source.tags))

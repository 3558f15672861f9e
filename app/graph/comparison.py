"""Two sources side by side, put together without a model. Pure."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from app.domain.models import Passage, Source
from app.graph.composed_text import Composed, citable_sentences, renumbered
from app.graph.composition import overview
from app.graph.source_matching import Section, main_title, sections
from app.text.markers import shown_name
from app.text.tokens import content_terms

_POINTS: Final = 8
_POINT_SENTENCES: Final = 3
_DETERMINERS: Final = frozenset({"the", "a", "an", "this", "your", "our", "its", "their"})
_REFERENCES: Final = content_terms("sources references bibliography literature further reading")


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
                for one in citable_sentences(part.passages)[:_POINT_SENTENCES]
            ]
            made.lines.append(f"- {name}: {' '.join(quotes)}")
    if not common:
        for name, source, ones in zip(names, pair, passages, strict=True):
            short = overview(source, ones, per_section=1)
            made.lines += ["", f"**{name}**", *renumbered(made, short)]
    for name, side, place in ((names[0], sides[0], 0), (names[1], sides[1], 1)):
        shared = {keys[place] for keys in common}
        alone = [part.heading for key, part in side.items() if key not in shared]
        if common and alone:
            made.lines += ["", f"Only in “{name}”: {'; '.join(alone[:_POINTS])}."]
    return made


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
    said = heading.split()
    if any(
        before.lower() in _DETERMINERS and content_terms(word) & own
        for before, word in pairwise(said)
    ):
        return heading  # "Ending the lease" is not "Ending the it"
    words = ["it" if content_terms(word) & own else word for word in said]
    if len(words) > 1 and words[-1] == "it":
        words = words[:-2] if words[-2] in ("of", "in", "for", "on") else words[:-1]
    return " ".join(words)

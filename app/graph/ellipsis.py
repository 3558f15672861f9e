"""Completes fragments such as "And of ibuprofen?" from the question before. Pure.

A phrase of the fragment replaces the phrase of the same kind, so that the subject left behind is
not searched any more; one of a new kind ("in children") is added.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from app.domain.models import WordUse
from app.text.noun_phrases import (
    DETERMINERS,
    DIGITS,
    PEOPLE,
    PREPOSITIONS,
    Phrase,
    is_telegraphic,
    noun_phrases,
)
from app.text.tokens import norm

_ABOUT: Final = frozenset("of for about to from by regarding on von für de du pour".split())  # noqa: SIM905
_WHERE: Final = frozenset("im am in at on during after before until since bei".split())  # noqa: SIM905
_LEAD: Final = "and "
_TOGETHER: Final = frozenset("with without against besides mit avec".split())  # noqa: SIM905
_MIN_SCORE: Final = -1.0
"""Below, no phrase of the question is of the fragment's kind; its only phrase may score less."""
_MIN_WITH_PREPOSITION: Final = 1.0


class Titles:
    """Which words name what the library is about."""

    def __init__(self, words: WordUse) -> None:
        self.titled = frozenset(map(norm, words.titled))
        self._absent = frozenset(map(norm, words.absent))

    def is_subject(self, phrase: Phrase) -> bool:
        """Whether the phrase names something: by a title, a capital or a code.

        A word that no passage has is rather a name than an aspect.
        """
        return (
            bool(phrase.norms & self.titled)
            or phrase.is_name
            or bool(phrase.codes)
            or phrase.norms <= self._absent
        )

    def rank(self, phrase: Phrase) -> int:
        """2 for the words of a title, 1 for another name, else 0."""
        return 2 if phrase.norms & self.titled else int(self.is_subject(phrase))

    def named_part(self, phrase: Phrase) -> Phrase | None:
        """The words of a phrase that are in titles, if they stand together; None without any."""
        places = [i for i, word in enumerate(phrase.words) if norm(word) in self.titled]
        if not places or places != list(range(places[0], places[-1] + 1)):
            return None
        return phrase.part(places[0], places[-1] + 1)


class Substituted(NamedTuple):
    """A question with other phrases; not `certain` where one of no kind in it was added."""

    text: str
    certain: bool


def substitute(base: str, fragment: str, words: WordUse) -> Substituted | None:
    """`base` with the phrases of `fragment` in it; None when the fragment has no phrase."""
    titles = Titles(words)
    phrases = noun_phrases(f"{_LEAD}{_uncapitalized(fragment)}")  # its first word may be a name
    certain = True
    for phrase in phrases:
        base, fits = _with_phrase(base, phrase, titles)
        certain = certain and fits
    return Substituted(base, certain) if phrases else None


def swap(base: str, old: str, new: str, words: WordUse) -> Substituted | None:
    """`base` with the phrase `new` in place of `old`; as `substitute` where `old` is not in it."""
    wrong = {norm for phrase in noun_phrases(old) for norm in phrase.norms}
    kept = [one for one in noun_phrases(base) if one.norms and one.norms <= wrong]
    added = noun_phrases(f"{_LEAD}{new}")
    if len(kept) != 1 or len(added) != 1:
        return substitute(base, new, words)
    return Substituted(_replaced(base, kept[0], added[0]), certain=True)


def _uncapitalized(fragment: str) -> str:
    """ "For children" as it stands within a question."""
    word = fragment.partition(" ")[0].lower()
    return word + fragment[len(word) :] if word in PREPOSITIONS | DETERMINERS else fragment


def _with_phrase(base: str, phrase: Phrase, titles: Titles) -> tuple[str, bool]:
    scored = [
        (_score(phrase, one, titles) + 0.1 * place, place, one)
        for place, one in enumerate(_candidates(base, phrase, titles))
    ]
    least = _MIN_WITH_PREPOSITION if phrase.preposition else _MIN_SCORE - (len(scored) == 1)
    best = max(scored, default=None)
    if best is None or best[0] < least:
        return _appended(base, phrase.text[phrase.prefix : phrase.end]), bool(phrase.preposition)
    return _replaced(base, best[2], phrase), True


def _candidates(base: str, phrase: Phrase, titles: Titles) -> Iterator[Phrase]:
    """The phrases of the question; in keywords, where a name is asked for, the names in them."""
    is_name = phrase.norms <= titles.titled and is_telegraphic(base)
    for one in noun_phrases(base):
        part = titles.named_part(one) if is_name and not one.is_joined else None
        yield part or one


def _score(phrase: Phrase, other: Phrase, titles: Titles) -> float:
    """How similar two phrases are in kind and position."""
    score = _score_of_place(phrase, other)
    if score < 0 and titles.rank(phrase) == titles.rank(other) == 2:
        score = score if phrase.preposition in _TOGETHER else 0.0
    score += _score_of_name(phrase, other, titles)
    if phrase.head == other.head:
        score += 3.0
    elif phrase.norms & other.norms:
        score += 1.5
    if phrase.codes and phrase.codes == other.codes:
        score += 2.0
    if phrase.is_name and other.is_name:
        score += 2.0
    if _are_people(phrase, other) or (phrase.is_time and other.is_time):
        score += 4.0
    if other.is_possessor and not titles.is_subject(phrase):
        score -= 1.5
    score += 1.0 * (_definiteness(phrase) == _definiteness(other))
    return score + 0.5 * (phrase.is_plural == other.is_plural)


def _score_of_name(phrase: Phrase, other: Phrase, titles: Titles) -> float:
    ranks = {titles.rank(phrase), titles.rank(other)}
    if ranks == {2}:
        return 3.0
    return (
        -3.0 if ranks in ({2, 0}, {1, 0}) or (2 in ranks and _is_numbered(phrase, other)) else 0.0
    )


def _is_numbered(phrase: Phrase, other: Phrase) -> bool:
    return bool(phrase.codes) != bool(other.codes)


def _score_of_place(phrase: Phrase, other: Phrase) -> float:
    mine, theirs = phrase.preposition, other.preposition
    if not mine:
        return 0.0
    if not theirs:
        return -10.0 if mine in _WHERE and not _are_people(phrase, other) else -1.5
    if mine == theirs or {mine, theirs} == {"with", "without"}:
        return 4.0
    if mine in _WHERE and theirs in _WHERE:
        return 1.0
    return 0.0 if (mine in _ABOUT and theirs in _ABOUT) or _are_people(phrase, other) else -10.0


def _are_people(phrase: Phrase, other: Phrase) -> bool:
    return bool({word.lower() for word in phrase.words} & PEOPLE) and bool(
        {word.lower() for word in other.words} & PEOPLE
    )


def _definiteness(phrase: Phrase) -> str:
    return "a" if phrase.determiner in {"a", "an"} else "the" if phrase.determiner else ""


def _replaced(base: str, old: Phrase, new: Phrase) -> str:
    """The new phrase brings its preposition and determiner along where it has its own."""
    old = _same_code(old, new) or old
    if new.preposition and old.preposition and new.preposition != old.preposition:
        start, text = old.prefix, new.text[new.prefix : new.end]
    elif new.determiner and not _follows_possessor(old):
        start, text = old.outer, new.text[new.outer : new.end]
    else:
        start, text = old.start, new.text[new.start : new.end]
        if new.is_name and old.determiner:
            start = old.outer
    return base[:start] + text + base[old.end :]


def _follows_possessor(phrase: Phrase) -> bool:
    return phrase.text[: phrase.start].rstrip().endswith(("'s", "’s", "s'", "s’"))


def _same_code(old: Phrase, new: Phrase) -> Phrase | None:
    """The words of the old phrase that differ from the new one in a number or code only."""
    shape = _shape(new.words)
    if not new.codes or old.is_joined or shape == _shape(old.words):
        return None
    for first in range(len(old.words) - len(shape) + 1):
        if _shape(old.words[first : first + len(shape)]) == shape:
            return old.part(first, first + len(shape))
    return None


def _shape(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(DIGITS.sub("0", word.lower()) for word in words)


def _appended(base: str, text: str) -> str:
    stem = base.rstrip(" ?!.")
    return f"{stem} {text}{base[len(stem) :].strip() or ''}"

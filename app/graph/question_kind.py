"""Which kind of question is asked, by rules over its words.

Only the form is read here. Whether a subject is a source is decided by `nodes/plan.py`; a question
whose subject is none becomes a lookup after all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.events import QuestionKind
from app.domain.models import SourceKind
from app.graph import question_phrases as phrases
from app.graph.question_phrases import Words, lowered

MAX_WORDS: Final = 30
"""A longer question is a lookup."""


@dataclass(frozen=True, slots=True)
class AskedFor:
    """What a question asks for. `subject` and `other` are words as written, perhaps empty."""

    kind: QuestionKind
    subject: str = ""
    other: str = ""  # of a comparison
    is_certain: bool = True  # False: only if the subject turns out to be a source or a heading
    source_kind: SourceKind | None = None
    counts_only: bool = False
    is_yes_no: bool = False


LOOKUP: Final = AskedFor("lookup")
TALK: Final[frozenset[QuestionKind]] = frozenset({"greeting", "thanks", "farewell", "about"})
_MAX_PREDICATE: Final = 3
"""Words of "were set" or "have been agreed"."""
_EDGE: Final = "?!.,;:…\"'“”‘’«»()[]{}*`"
MAX_NAME_WORDS: Final = 6
"""Words of a question that may be nothing but the name of a source."""


def asked_for(question: str) -> AskedFor:
    """The kind of a question and what it is about."""
    words = _words(question)
    if not words:
        return AskedFor("unclear")
    if len(words) > MAX_WORDS:
        return LOOKUP
    lower = lowered(words)
    found = _talk(lower)
    if found is not None:
        return found
    bare = _without_politeness(words)
    for read in (_task, _comparison, _inventory, _mentions, _details, _whole, _on_subject, _name):
        found = read(bare)
        if found is not None:
            return found
    return LOOKUP


def _words(question: str) -> Words:
    stripped = (word.strip(_EDGE) for word in question.replace("’", "'").split())
    return tuple(word for word in stripped if any(map(str.isalnum, word)))


def _talk(words: Words) -> AskedFor | None:
    addressed = words[:-1] if words[-1] in {"citestream", "everyone", "all"} else words
    kinds: tuple[tuple[QuestionKind, frozenset[Words]], ...] = (
        ("greeting", phrases.GREETINGS),
        ("thanks", phrases.THANKS),
        ("farewell", phrases.FAREWELLS),
        ("about", phrases.ABOUT),
    )
    for kind, whole in kinds:
        if addressed in whole or phrases.POLITE.stripped(addressed) in whole:
            return AskedFor(kind)
    return None


def _without_politeness(words: Words) -> Words:
    before: Words = ()
    while before != words:
        before, words = words, phrases.POLITE.stripped(words) or words
        words = phrases.POLITE_ENDINGS.end_stripped(words) or words
    return words


_MAX_BEFORE_CREATION: Final = 5
"""Words before what is to be made: "write me a short poem"."""


def _task(words: Words) -> AskedFor | None:
    """A text to be made up, which no source can answer."""
    lower = [word.lower() for word in words]
    made = next((i for i, word in enumerate(lower) if word in phrases.CREATIONS), None)
    if lower[0] in phrases.TRANSFORMING and len(words) > 1:
        subject = phrases.ARTICLES.stripped(phrases.PREPOSITIONS.stripped(words[1:]))
        return AskedFor("task", subject=_text(_until(subject, phrases.RESULTS)))
    if lower[0] not in phrases.CREATING or made is None or made > _MAX_BEFORE_CREATION:
        return None
    return AskedFor("task", subject=_text(phrases.PREPOSITIONS.stripped(words[made + 1 :])))


def _until(words: Words, ends: frozenset[str]) -> Words:
    """The words before the first of `ends`."""
    place = next((i for i, word in enumerate(words) if word.lower() in ends), len(words))
    return words[:place] or words


def _comparison(words: Words) -> AskedFor | None:
    if (rest := phrases.COMPARING.after(words)) is not None:
        return _pair(rest)
    lower = lowered(words)
    for place, word in enumerate(lower):
        if word in {"vs", "versus"} and 0 < place < len(words) - 1:
            return _compared(words[:place], words[place + 1 :], is_certain=False)
    if (rest := phrases.HOW_DIFFER.after(words)) is not None:
        for place in range(1, len(rest) - 2):
            if (other := phrases.DIFFER.after(rest[place:])) is not None:
                return _compared(rest[:place], other)
    return None


def _pair(words: Words) -> AskedFor | None:
    """Two subjects around the last word that may stand between them."""
    places = [i for i, word in enumerate(words) if word.lower() in phrases.BETWEEN]
    usable = [i for i in places if 0 < i < len(words) - 1]
    return _compared(words[: usable[0]], words[usable[0] + 1 :]) if usable else None


def _compared(one: Words, other: Words, *, is_certain: bool = True) -> AskedFor:
    return AskedFor(
        "comparison",
        _text(phrases.ARTICLES.stripped(one)),
        _text(phrases.ARTICLES.stripped(other)),
        is_certain=is_certain,
    )


def _inventory(words: Words) -> AskedFor | None:
    lower = lowered(words)
    if lower in phrases.WHOLE_LIBRARY:
        return AskedFor("inventory")
    counts = phrases.COUNTING.after(words)
    lists = phrases.LISTING.after(words)
    if counts is not None:
        topic, is_scoped = _scoped(counts)
        if not _is_noun(topic):
            return None
        certain = _is_generic(topic) or (is_scoped and lower[-2:] != ("are", "there"))
        return _sources_about(topic, counts_only=True) if certain else None
    if lists is not None:
        topic, is_scoped = _scoped(_until(lists, phrases.WITH))
        topic = phrases.ARTICLES.stripped(topic)
        if _is_noun(topic):
            return _sources_about(topic, is_certain=is_scoped)
        return None
    if lower[0] in phrases.WHICH:
        topic, is_scoped = _scoped(words[1:])
        if is_scoped and _is_noun(topic):
            return _sources_about(topic)
    return None


def _scoped(words: Words) -> tuple[Words, bool]:
    """The words without those that say "in the library", and whether they were there."""
    before: Words = ()
    rest = words
    while before != rest:
        before = rest
        rest = phrases.AUXILIARIES.end_stripped(
            phrases.IN_LIBRARY.end_stripped(phrases.EXISTING.end_stripped(rest))
        )
    return rest, rest != words


def _sources_about(topic: Words, *, counts_only: bool = False, is_certain: bool = True) -> AskedFor:
    lower = {word.lower() for word in topic}
    if lower and lower <= phrases.GENERIC:
        return AskedFor("inventory", counts_only=counts_only)
    if lower and lower <= phrases.RECORDINGS:
        return AskedFor("inventory", source_kind="recording", counts_only=counts_only)
    subject = _text(phrases.ARTICLES.stripped(topic))
    return AskedFor("inventory", subject, counts_only=counts_only, is_certain=is_certain)


def _is_generic(topic: Words) -> bool:
    return bool(topic) and {word.lower() for word in topic} <= phrases.GENERIC | phrases.RECORDINGS


_MAX_NOUN_WORDS: Final = 4


def _is_noun(topic: Words) -> bool:
    """A short noun phrase, without anything that would restrict it further."""
    lower = {word.lower() for word in topic}
    return 0 < len(topic) <= _MAX_NOUN_WORDS and not lower & phrases.NOT_IN_NOUN


def _mentions(words: Words) -> AskedFor | None:
    lower = lowered(words)
    if (rest := phrases.ANYTHING_ABOUT.after(words)) is not None:
        return _mention_of(rest, is_certain=False)
    said = phrases.MENTIONED.end_stripped(words)
    if lower[0] in phrases.AUXILIARY_WORDS and said != words:
        return _mention_of(said[1:], is_yes_no=True)
    if lower[:2] in {("where", "is"), ("where", "are"), ("how", "often")}:
        rest = phrases.MENTIONED.end_stripped(words[2:])
        if rest != words[2:]:
            return _mention_of(phrases.AUXILIARIES.stripped(rest))
    asks = lower[0] in phrases.WHICH or lower[0] in {"does", "do"} or lower[:2] == ("how", "many")
    if not asks:
        return None
    begin = 2 if lower[:2] == ("how", "many") else 1
    nouns = phrases.ARTICLES.stripped(words[begin:])
    if not nouns or nouns[0].lower() not in phrases.GENERIC | phrases.RECORDINGS | {
        "anyone",
        "anybody",
        "one",
    }:
        return None
    rest_or_none = phrases.MENTIONING.after(nouns[1:])
    if rest_or_none is None:
        return None
    kind: SourceKind | None = "recording" if nouns[0].lower() in phrases.RECORDINGS else None
    return _mention_of(
        rest_or_none,
        counts_only=begin == 2,
        source_kind=kind,
        is_yes_no=lower[0] not in phrases.WHICH and begin == 1,
    )


def _mention_of(
    words: Words,
    *,
    is_certain: bool = True,
    counts_only: bool = False,
    source_kind: SourceKind | None = None,
    is_yes_no: bool = False,
) -> AskedFor | None:
    subject = _text(phrases.ARTICLES.stripped(phrases.IN_LIBRARY.end_stripped(words)))
    if not subject:
        return None
    return AskedFor(
        "mentions",
        subject,
        is_certain=is_certain,
        counts_only=counts_only,
        source_kind=source_kind,
        is_yes_no=is_yes_no,
    )


def _details(words: Words) -> AskedFor | None:
    """Who speaks in a recording, how long a source is, when it was added."""
    for detail, openings, endings in phrases.DETAILS:
        rest = openings.after(words)
        if rest is None:
            continue
        subject = endings.end_stripped(rest)
        if subject != rest or detail in ("speakers", "length"):
            subject = phrases.ARTICLES.stripped(subject)
            return AskedFor("details", _text(subject), detail, is_certain=False)
    return None


def _whole(words: Words) -> AskedFor | None:
    lower = lowered(words)
    if lower in phrases.SUMMARY_ALONE:
        return AskedFor("whole")
    if (rest := phrases.SUMMARIZING.after(words)) is not None:
        return _whole_or_section(rest)
    for openings, endings in (
        (phrases.WHAT_ABOUT, phrases.ABOUT_ENDINGS),
        (phrases.WHAT_DOES, phrases.SAY_ENDINGS),
    ):
        rest = openings.after(words) or ()
        subject = endings.end_stripped(rest)
        if subject and subject != rest:
            return _whole_or_section(subject, is_certain=_points_at_source(subject))
    if (
        lower[0] in phrases.WHICH
        and (subject := phrases.SUBJECT_ENDINGS.end_stripped(words[1:])) != words[1:]
    ):
        return _whole_or_section(subject, is_certain=_points_at_source(subject))
    if lower[0] in phrases.SECTION_WORDS and len(words) > 1:
        return _whole_or_section(words, is_certain=False)
    return None


def _whole_or_section(subject: Words, *, is_certain: bool = True) -> AskedFor:
    """`chapter 7 of the report` is a section of a source."""
    lower = tuple(word.lower() for word in phrases.ARTICLES.stripped(subject))
    if len(lower) > 1 and lower[0] in phrases.SECTION_WORDS:
        rest = phrases.ARTICLES.stripped(subject)
        source = phrases.PREPOSITIONS.after(rest[2:]) or ()
        return AskedFor("section", rest[1], _text(source), is_certain=is_certain)
    return AskedFor("whole", _text(subject), is_certain=is_certain)


def _on_subject(words: Words) -> AskedFor | None:
    if (rest := phrases.ON_SUBJECT.after(words)) is not None:
        return AskedFor("section", _text(phrases.ARTICLES.stripped(rest)), is_certain=False)
    if (rest := phrases.BROAD.after(words)) is not None and _is_noun(rest):
        return AskedFor("section", _text(rest), is_certain=False)
    lower = lowered(words)
    if lower[0] in phrases.WHICH and lower[-1] in phrases.SETTLED:
        for place in range(2, min(len(words), _MAX_NOUN_WORDS + 2)):
            if lower[place] in phrases.AUXILIARY_WORDS and len(words) - place <= _MAX_PREDICATE:
                return AskedFor("section", _text(words[1:place]), is_certain=False)
    return None


def _name(words: Words) -> AskedFor | None:
    """Perhaps nothing but the name of a source."""
    first = words[0].lower()
    if (
        len(words) > MAX_NAME_WORDS
        or first in phrases.QUESTION_WORDS
        or first in phrases.NOT_IN_NOUN
    ):
        return None
    return AskedFor("whole", _text(words), is_certain=False)


def _points_at_source(subject: Words) -> bool:
    return is_demonstrative(_text(subject))


def is_demonstrative(subject: str) -> bool:
    """ "this", "the document", "this report": a source without its name."""
    words = subject.lower().split()
    rest = [word for word in words if word not in phrases.DEMONSTRATIVES]
    return not rest or (len(rest) == 1 and rest[0] in phrases.SOURCE_WORDS and len(words) > 1)


def _text(words: Sequence[str]) -> str:
    return " ".join(words)

"""Questions that a source's own words suggest: what it defines, is divided into, repeats, counts.

No model writes them, so they are plain; whether the library answers them is for the caller to see.
English and German.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final, Literal

from app.domain.models import Passage, Source, Suggestion
from app.text.sentences import split_sentences
from app.text.tokens import FUNCTION_WORDS

Speech = Literal["en", "de"]

READ: Final = 60  # passages of a source that are looked at, evenly spread
_MAX_NAME_LENGTH: Final = 70  # characters of a title or heading that a question can carry
_NAME: Final = r"(?P<what>[^\W\d_][\w'’-]*(?: [\w'’-]+){0,3}?)"


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Phrases:
    """How one language defines and asks."""

    defined: re.Pattern[str]
    counted: re.Pattern[str]
    pronouns: frozenset[str]
    capitals: bool  # nouns have them
    one: str
    several: str
    heading: str
    number: str
    term: str
    speaker: str


_PHRASES: Final[dict[Speech, _Phrases]] = {
    "en": _Phrases(
        defined=re.compile(
            rf"(?P<article>An? |The )?{_NAME} (?P<verb>is|are) (?:an?|the|one of|any)\b",
            re.IGNORECASE,
        ),
        counted=re.compile(r"(?<![\d.,$€£])(?P<number>\d{1,3}(?:,\d{3})*) (?P<noun>[a-z]{4,}s)\b"),
        pronouns=_listed(
            "this that these those it he she they there we you i what which who here such some all "
            "each both one another other"
        ),
        capitals=False,
        one="What is {}?",
        several="What are {}?",
        heading="What does “{title}” say about {}?",
        number="How many {} does “{title}” mention?",
        term="What is said about {} in “{title}”?",
        speaker="What does {speaker} say about {}?",
    ),
    "de": _Phrases(
        defined=re.compile(
            rf"(?P<article>Eine? |Der |Die |Das )?{_NAME} (?P<verb>ist|sind) "
            r"(?:eine?|der|die|das)\b",
            re.IGNORECASE,
        ),
        counted=re.compile(
            r"(?<![\d.,€])(?P<number>\d{1,3}(?:\.\d{3})*) (?P<noun>[A-ZÄÖÜ][a-zäöüß]{3,})"
        ),
        pronouns=_listed(
            "dies diese dieser dieses das es er sie wir ihr ich was welche wer hier dort solche "
            "einige alle jede beide andere man"
        ),
        capitals=True,
        one="Was ist {}?",
        several="Was sind {}?",
        heading="Was sagt „{title}“ über {}?",
        number="Wie viele {} nennt „{title}“?",
        term="Was steht in „{title}“ über {}?",
        speaker="Was sagt {speaker} über {}?",
    ),
}
_SEPARATOR: Final = re.compile(r": | [-–—|] ")
_GERMAN: Final = re.compile(r"\b(?:der|die|das|und|ist|nicht|mit|von|eine?|für|auf)\b")
_SMALL: Final = re.compile(r"(?:Die|Der|Das|Eine?|Wie|Was|Wann|Wo|Wer|Warum|Vor|Nach|Bei|Mit)")
_ENGLISH: Final = re.compile(r"\b(?:the|and|is|not|with|of|an?|for|on|to|in)\b")
_EMPTY_HEADINGS: Final = _listed(
    "introduction overview summary contents references conclusion appendix notes background "
    "abstract index page chapter einleitung überblick zusammenfassung inhalt quellen anhang "
    "fazit seite kapitel"
)
_NUMBERING: Final = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?|[A-Z][.)])\s+")
_TERM: Final = re.compile(r"[^\W\d_][\w'’-]{4,}")
_NO_NOUN: Final = re.compile(r"(?:ed|ly|ing|en)$|^(?:every|always|never|until)$")
_NUMBER_OF_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def suggestions(source: Source, passages: Sequence[Passage]) -> tuple[Suggestion, ...]:
    """What it defines, is divided into and who says what in turn, then the rest; none twice."""
    read = passages[:: max(1, len(passages) // READ)][:READ]
    phrases = _PHRASES[speech(" ".join(passage.text for passage in read[:10]))]
    title = _short(source.title)
    best = zip_longest(
        _of_speakers(read, phrases) if source.kind == "recording" else (),
        _of_definitions(read, phrases),
        _of_headings(read, phrases, title),
    )
    rest = chain(_of_terms(read, phrases, title), _of_numbers(read, phrases, title))
    found: dict[str, Suggestion] = {}
    for one in chain(chain.from_iterable(best), rest):
        if one is not None:
            found.setdefault(one.question.lower(), one)
    return tuple(found.values())


def _short(title: str) -> str:
    """What a title says before its colon, or of its beginning."""
    name = _SEPARATOR.split(title)[0].strip()
    return name if len(name) <= _MAX_NAME_LENGTH else name[:50].rstrip() + "…"


def speech(text: str) -> Speech:
    """The language, told by the small words."""
    return "de" if len(_GERMAN.findall(text)) > len(_ENGLISH.findall(text)) else "en"


def _of_definitions(read: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    for passage in read:
        for span in split_sentences(passage.text):
            found = phrases.defined.match(span.of(passage.text).rpartition(": ")[2])
            if found is None or found["what"].split()[0].lower() in phrases.pronouns:
                continue
            what = (found["article"] or "").lower() + _in_sentence(found["what"], phrases)
            form = phrases.one if found["verb"].lower() in ("is", "ist") else phrases.several
            yield Suggestion(form.format(what), passage.passage_id)
            break  # a passage defines one thing, and says more of it


def _of_headings(read: Sequence[Passage], phrases: _Phrases, title: str) -> Iterator[Suggestion]:
    for passage in read:
        heading = _NUMBERING.sub("", (passage.heading or "").rpartition(" > ")[2]).strip(" :.")
        if heading.endswith("?"):
            yield Suggestion(heading, passage.passage_id)
        elif _says_something(heading, title):
            question = phrases.heading.format(_in_sentence(heading, phrases), title=title)
            yield Suggestion(question, passage.passage_id)


def _says_something(heading: str, title: str) -> bool:
    words = heading.lower().split()
    return (
        3 < len(heading) <= _MAX_NAME_LENGTH
        and words[0] not in _EMPTY_HEADINGS
        and heading.lower() not in title.lower()
    )


def _of_numbers(read: Sequence[Passage], phrases: _Phrases, title: str) -> Iterator[Suggestion]:
    for passage in read:
        for found in phrases.counted.finditer(passage.text):
            if not _NUMBER_OF_YEAR.fullmatch(found["number"]):
                question = phrases.number.format(found["noun"], title=title)
                yield Suggestion(question, passage.passage_id)


def _of_terms(read: Sequence[Passage], phrases: _Phrases, title: str) -> Iterator[Suggestion]:
    for term, passage in _salient(read, title):
        yield Suggestion(phrases.term.format(term, title=title), passage.passage_id)


def _of_speakers(read: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    said: dict[str, list[Passage]] = {}
    for passage in read:
        for speaker in dict.fromkeys(cue.speaker for cue in passage.cues if cue.speaker):
            said.setdefault(speaker, []).append(passage)
    for speaker, theirs in said.items():
        for term, passage in _salient(theirs, " ".join(said)):
            yield Suggestion(phrases.speaker.format(term, speaker=speaker), passage.passage_id)
            break


def _salient(read: Sequence[Passage], known: str) -> Iterator[tuple[str, Passage]]:
    """Words that come again and again but not everywhere, the most frequent first."""
    spread: Counter[str] = Counter()
    first: dict[str, tuple[str, Passage]] = {}
    times: Counter[str] = Counter()
    for passage in read:
        words = [match.group() for match in _TERM.finditer(passage.text)]
        times.update(word.lower() for word in words)
        spread.update({word.lower() for word in words})
        for word in words:
            first.setdefault(word.lower(), (word, passage))
    for word, _ in sorted(times.items(), key=lambda item: (-item[1] * len(item[0]), item[0]))[:20]:
        everywhere = len(read) > 4 and spread[word] > len(read) * 0.8
        is_noun = word not in FUNCTION_WORDS and not _NO_NOUN.search(word)
        if is_noun and word not in known.lower() and not everywhere:
            yield first[word]


def _in_sentence(name: str, phrases: _Phrases) -> str:
    """As it is written in the middle of a sentence: `Side effects` → `side effects`."""
    if phrases.capitals:
        first, _, rest = name.partition(" ")
        return f"{first.lower()} {rest}" if _SMALL.fullmatch(first) else name
    if name.isupper() and " " in name:
        return name.lower()
    first, _, rest = name.partition(" ")
    is_name = not first[1:].islower() or rest[:1].isupper()
    return name if is_name and len(first) > 1 else name[:1].lower() + name[1:]

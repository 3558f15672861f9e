"""Suggests questions from a source's definitions, headings, frequent terms and numbers.

No model is used. The caller checks whether the library answers them. English and German.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final, Literal

from app.domain.models import Passage, Source, Suggestion
from app.text.sentences import split_sentences
from app.text.stop_words import FUNCTION_WORDS

Language = Literal["en", "de"]

SAMPLED_PASSAGES: Final = 60  # passages of a source that are read, evenly spaced
_MAX_NAME_LENGTH: Final = 70  # characters of a title or heading in a question
_NAME: Final = r"(?P<what>[^\W\d_][\w'’-]*(?: [\w'’-]+){0,3}?)"


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Patterns and question templates of one language."""

    defined: re.Pattern[str]
    counted: re.Pattern[str]
    pronouns: frozenset[str]
    capitals: bool  # nouns are capitalized
    suggestion: str
    several: str
    heading: str
    number: str
    term: str
    speaker: str


_PHRASES: Final[dict[Language, _Phrases]] = {
    "en": _Phrases(
        defined=re.compile(
            rf"(?P<article>An? |The )?{_NAME} (?P<verb>is|are) (?:an?|the|one of|any)\b",
            re.IGNORECASE,
        ),
        counted=re.compile(r"(?<![\d.,$€£])(?P<number>\d{1,3}(?:,\d{3})*) (?P<noun>[a-z]{4,}s)\b"),
        pronouns=_split(
            "this that these those it he she they there we you i what which who here such some all "
            "each both one another other"
        ),
        capitals=False,
        suggestion="What is {}?",
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
        pronouns=_split(
            "dies diese dieser dieses das es er sie wir ihr ich was welche wer hier dort solche "
            "einige alle jede beide andere man"
        ),
        capitals=True,
        suggestion="Was ist {}?",
        several="Was sind {}?",
        heading="Was sagt „{title}“ über {}?",
        number="Wie viele {} nennt „{title}“?",
        term="Was steht in „{title}“ über {}?",
        speaker="Was sagt {speaker} über {}?",
    ),
}
_SEPARATOR: Final = re.compile(r": | [-–—|] ")
_GERMAN: Final = re.compile(r"\b(?:der|die|das|und|ist|nicht|mit|von|eine?|für|auf)\b")
_GERMAN_ARTICLES: Final = re.compile(
    r"(?:Die|Der|Das|Eine?|Wie|Was|Wann|Wo|Wer|Warum|Vor|Nach|Bei|Mit)"
)
_ENGLISH: Final = re.compile(r"\b(?:the|and|is|not|with|of|an?|for|on|to|in)\b")
_UNINFORMATIVE_HEADINGS: Final = _split(
    "introduction overview summary contents references conclusion appendix notes background "
    "abstract index page chapter einleitung überblick zusammenfassung inhalt quellen anhang "
    "fazit seite kapitel"
)
_NUMBERING: Final = re.compile(r"^(?:\d+(?:\.\d+)*[.)]?|[A-Z][.)])\s+")
_TERM: Final = re.compile(r"[^\W\d_][\w'’-]{4,}")
_NOT_NOUN: Final = re.compile(r"(?:ed|ly|ing|en)$|^(?:every|always|never|until)$")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")


def suggest_questions(source: Source, passages: Sequence[Passage]) -> tuple[Suggestion, ...]:
    """Speaker, definition and heading questions in turn, then the rest; without repeats."""
    sampled = passages[:: max(1, len(passages) // SAMPLED_PASSAGES)][:SAMPLED_PASSAGES]
    phrases = _PHRASES[detect_language(" ".join(passage.text for passage in sampled[:10]))]
    title = _short_title(source.title)
    best = zip_longest(
        _speaker_questions(sampled, phrases) if source.kind == "recording" else (),
        _definition_questions(sampled, phrases),
        _heading_questions(sampled, phrases, title),
    )
    rest = chain(
        _term_questions(sampled, phrases, title), _number_questions(sampled, phrases, title)
    )
    found: dict[str, Suggestion] = {}
    for suggestion in chain(chain.from_iterable(best), rest):
        if suggestion is not None:
            found.setdefault(suggestion.question.lower(), suggestion)
    return tuple(found.values())


def _short_title(title: str) -> str:
    """The title up to its first separator, truncated if necessary."""
    name = _SEPARATOR.split(title)[0].strip()
    return name if len(name) <= _MAX_NAME_LENGTH else name[:50].rstrip() + "…"


def detect_language(text: str) -> Language:
    """The language, detected by function words."""
    return "de" if len(_GERMAN.findall(text)) > len(_ENGLISH.findall(text)) else "en"


def _definition_questions(sampled: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    for passage in sampled:
        for span in split_sentences(passage.text):
            found = phrases.defined.match(span.of(passage.text).rpartition(": ")[2])
            if found is None or found["what"].split()[0].lower() in phrases.pronouns:
                continue
            what = (found["article"] or "").lower() + _mid_sentence(found["what"], phrases)
            form = phrases.suggestion if found["verb"].lower() in ("is", "ist") else phrases.several
            yield Suggestion(form.format(what), passage.passage_id)
            break  # one definition per passage


def _heading_questions(
    sampled: Sequence[Passage], phrases: _Phrases, title: str
) -> Iterator[Suggestion]:
    for passage in sampled:
        heading = _NUMBERING.sub("", (passage.heading or "").rpartition(" > ")[2]).strip(" :.")
        if heading.endswith("?"):
            yield Suggestion(heading, passage.passage_id)
        elif _is_informative(heading, title):
            question = phrases.heading.format(_mid_sentence(heading, phrases), title=title)
            yield Suggestion(question, passage.passage_id)


def _is_informative(heading: str, title: str) -> bool:
    words = heading.lower().split()
    return (
        3 < len(heading) <= _MAX_NAME_LENGTH
        and words[0] not in _UNINFORMATIVE_HEADINGS
        and heading.lower() not in title.lower()
    )


def _number_questions(
    sampled: Sequence[Passage], phrases: _Phrases, title: str
) -> Iterator[Suggestion]:
    for passage in sampled:
        for found in phrases.counted.finditer(passage.text):
            if not _YEAR.fullmatch(found["number"]):
                question = phrases.number.format(found["noun"], title=title)
                yield Suggestion(question, passage.passage_id)


def _term_questions(
    sampled: Sequence[Passage], phrases: _Phrases, title: str
) -> Iterator[Suggestion]:
    for term, passage in _frequent_terms(sampled, title):
        yield Suggestion(phrases.term.format(term, title=title), passage.passage_id)


def _speaker_questions(sampled: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    passages_by_speaker: dict[str, list[Passage]] = {}
    for passage in sampled:
        for speaker in dict.fromkeys(cue.speaker for cue in passage.cues if cue.speaker):
            passages_by_speaker.setdefault(speaker, []).append(passage)
    for speaker, spoken in passages_by_speaker.items():
        for term, passage in _frequent_terms(spoken, " ".join(passages_by_speaker)):
            yield Suggestion(phrases.speaker.format(term, speaker=speaker), passage.passage_id)
            break


def _frequent_terms(sampled: Sequence[Passage], known: str) -> Iterator[tuple[str, Passage]]:
    """Frequent terms that do not occur in nearly every passage, most frequent first."""
    passages_with: Counter[str] = Counter()
    first_use: dict[str, tuple[str, Passage]] = {}
    counts: Counter[str] = Counter()
    for passage in sampled:
        words = [match.group() for match in _TERM.finditer(passage.text)]
        counts.update(word.lower() for word in words)
        passages_with.update({word.lower() for word in words})
        for word in words:
            first_use.setdefault(word.lower(), (word, passage))
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1] * len(item[0]), item[0]))[:20]:
        everywhere = len(sampled) > 4 and passages_with[word] > len(sampled) * 0.8
        is_noun = word not in FUNCTION_WORDS and not _NOT_NOUN.search(word)
        if is_noun and word not in known.lower() and not everywhere:
            yield first_use[word]


def _mid_sentence(name: str, phrases: _Phrases) -> str:
    """The spelling in the middle of a sentence: `Side effects` → `side effects`."""
    if phrases.capitals:
        first_use, _, rest = name.partition(" ")
        return f"{first_use.lower()} {rest}" if _GERMAN_ARTICLES.fullmatch(first_use) else name
    if name.isupper() and " " in name:
        return name.lower()
    first_use, _, rest = name.partition(" ")
    is_name = not first_use[1:].islower() or rest[:1].isupper()
    return name if is_name and len(first_use) > 1 else name[:1].lower() + name[1:]

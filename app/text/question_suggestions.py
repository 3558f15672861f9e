"""Suggests questions from a source's definitions, headings and frequent terms.

No model is used. The caller checks whether the library answers them. English and German; a source
in another language suggests the questions that are its headings.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, zip_longest
from typing import Final, Literal

from app.domain.models import Passage, Source, Suggestion
from app.text.heading_questions import (
    UNINFORMATIVE,
    heading_question,
    is_informative,
    is_plain,
    mid_sentence,
    named,
)
from app.text.noun_phrases import AUXILIARIES, PREPOSITIONS, PRONOUNS, QUESTION_WORDS
from app.text.row_questions import row_questions
from app.text.sentences import split_sentences
from app.text.stop_words import FUNCTION_WORDS

Language = Literal["en", "de", "other"]

SAMPLED_PASSAGES: Final = 60  # passages of a source that are read, evenly spaced
_MAX_NAME_LENGTH: Final = 60  # characters of a title in a question
_NAME: Final = r"(?P<what>[^\W\d_][\w'’-]*(?: [\w'’-]+){0,3}?)"


def _split(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class _Phrases:
    """Patterns and question templates of one language."""

    defined: re.Pattern[str]
    determined: re.Pattern[str]  # a noun, as its article shows
    inner: frozenset[str]  # words that no name has
    suggestion: str
    several: str
    about: str
    speaker: str


_PHRASES: Final[dict[Language, _Phrases]] = {
    "en": _Phrases(
        defined=re.compile(
            rf"(?P<article>An? |The )?{_NAME} (?P<verb>is|are) (?:an?|the|one of|any)\b",
            re.IGNORECASE,
        ),
        determined=re.compile(
            r"\b(?:the|an?|this|each|every|our|your|of|for|with) (?P<noun>[^\W\d_]{5,30})"
            r"(?= (?:is|are|was|were|of|for|in|on|at|to|from|with|and|or|can|will|must)\b|[.,;:])",
            re.IGNORECASE,
        ),
        inner=PRONOUNS
        | AUXILIARIES
        | QUESTION_WORDS
        | _split(
            "this that these those such some all each both another other if because although "
            "since and or but not there here first second third last next previous following same "
            "only main above below new current latter former example default note result reason "
            "goal purpose aim way thing case point argument arguments parameter parameters value "
            "values function the a an problem idea question answer difference rest number list "
            "type name"
        ),
        suggestion="What is {}?",
        several="What are {}?",
        about="What does {title} say about {}?",
        speaker="What does {speaker} say about {}?",
    ),
    "de": _Phrases(
        defined=re.compile(
            rf"(?P<article>Eine? |Der |Die |Das )?{_NAME} (?P<verb>ist|sind) "
            r"(?:eine?|der|die|das)\b",
            re.IGNORECASE,
        ),
        determined=re.compile(
            r"\b(?:[Dd]er|[Dd]ie|[Dd]as|[Dd]en|[Dd]em|[Dd]es|[Ee]ine[nmrs]?|[Ee]in) "
            r"(?P<noun>[A-ZÄÖÜ][a-zäöüß]{4,30})\b"
        ),
        inner=_split(
            "dies diese dieser dieses das es er sie wir ihr ich was welche wer hier dort solche "
            "einige alle jede jeder jedes beide andere man der die den dem des ein eine einen "
            "einem einer ab an auf aus bei bis durch für gegen in im mit nach ohne seit über um "
            "unter von vom vor zu zum zur zwischen wenn falls weil da als und oder aber nicht "
            "auch ist sind erste zweite dritte letzte nächste folgende ziel zweck grund beispiel "
            "ergebnis"
        ),
        suggestion="Was ist {}?",
        several="Was sind {}?",
        about="Was sagt {title} über {}?",
        speaker="Was sagt {speaker} über {}?",
    ),
}
_SEPARATOR: Final = re.compile(r": | [-–—|] | \(")
_WORDS: Final = re.compile(r"[^\W\d_]+")
_GERMAN: Final = re.compile(r"\b(?:der|die|das|und|ist|nicht|mit|von|eine?|für|auf)\b")
_GERMAN_ARTICLES: Final = re.compile(
    r"(?:Die|Der|Das|Eine?|Wie|Was|Wann|Wo|Wer|Warum|Vor|Nach|Bei|Mit)"
)
_ENGLISH: Final = re.compile(r"\b(?:the|and|is|are|not|with|of|an?|for|on|to|in)\b", re.IGNORECASE)
_OTHER: Final = re.compile(
    r"\b(?:les?|des|du|une?|est|et|dans|pour|sur|los|las|el|que|una|il|che|della|per|het|een|och"
    r"|som|det|og|av|niet)\b",
    re.IGNORECASE,
)
_NUMBERING: Final = re.compile(r"(?:\d{1,3}(?:\.\d{1,3}){0,5}[.)]?|[A-Z][.)]|§ ?\d{1,4}) ")
_PLURAL_END: Final = re.compile(r"[^suia]s\Z")
_CAPITALIZED: Final = re.compile(r"(?<=[a-z,;] )[A-Z][a-z]{2,30}\b")
_TERM: Final = re.compile(r"[^\W\d_][\w'’-]{4,}")
_MIN_ASKED: Final = 8  # characters of a question
_MIN_PLURAL: Final = 7  # characters
_MIN_USES: Final = 3  # of a term
_MIN_SHARE: Final = 0.05  # of function words among all words
_GENERAL: Final = _split(
    "problem problems program programs document documents documentation version information "
    "section system number example people things result everyone everything meeting file files "
    "support project software package packages following first second third title today tomorrow "
    "week month year hours minutes morning afternoon evening monday tuesday wednesday thursday "
    "friday saturday sunday speaker anyone someone nothing anything systems details options thing "
    "requirements question questions others changes values ability purposes reasons"
)
"""Nouns that are no topic."""


def suggest_questions(
    source: Source, passages: Sequence[Passage], *, near: int | None = None
) -> tuple[Suggestion, ...]:
    """Speaker, definition and heading questions in turn, then frequent terms; without repeats.

    `near`: a position in the source, from which passages are read outwards.
    """
    sampled = passages[:: max(1, len(passages) // SAMPLED_PASSAGES)][:SAMPLED_PASSAGES]
    language = detect_language(" ".join(passage.text for passage in sampled[:10]))
    if near is not None:
        sampled = sorted(passages, key=lambda one: abs(one.position - near))[:SAMPLED_PASSAGES]
    if language == "other":
        return _unrepeated(_asked_in_headings(sampled))
    phrases = _PHRASES[language]
    title = _telling_title(source)
    best = zip_longest(
        _speaker_questions(sampled, phrases) if source.kind == "recording" else (),
        _heading_questions(sampled, phrases, title, language),
        _row_questions(passages) if language == "en" and near is None else (),
        _definition_questions(sampled, phrases),
    )
    terms = _term_questions(sampled, phrases, title)
    return _unrepeated(one for one in chain(chain.from_iterable(best), terms) if one is not None)


def _unrepeated(found: "Iterator[Suggestion]") -> tuple[Suggestion, ...]:
    by_question: dict[str, Suggestion] = {}
    for suggestion in found:
        by_question.setdefault(suggestion.question.lower(), suggestion)
    return tuple(by_question.values())


def _telling_title(source: Source) -> str | None:
    """The title up to its first separator, where it says what the source is."""
    name = _SEPARATOR.split(source.title)[0].strip()
    words = _WORDS.findall(name.lower())
    if not words or all(word in UNINFORMATIVE for word in words) or "“" in name:
        return None
    return name if len(name) <= _MAX_NAME_LENGTH else None


def detect_language(text: str) -> Language:
    """The language, detected by function words."""
    english, german = len(_ENGLISH.findall(text)), len(_GERMAN.findall(text))
    words = len(_WORDS.findall(text))
    if german > english and german >= words * _MIN_SHARE:
        return "de"
    other = len(_OTHER.findall(text))
    is_english = english >= max(words * _MIN_SHARE, other)
    # Rows have no function words in any language.
    return "en" if is_english or (words > 0 and not other and text.isascii()) else "other"


def _prose(passage: Passage) -> str:
    """The text without its rows and code."""
    pieces, at = [], 0
    for span in passage.structure:
        if span.kind in ("row", "code"):
            pieces.append(passage.text[at : span.start])
            at = max(at, span.end)
    return "\n".join((*pieces, passage.text[at:])) if pieces else passage.text


def _definition_questions(sampled: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    uses = Counter(word.lower() for one in sampled for word in _TERM.findall(one.text))
    for passage in sampled:
        prose = _prose(passage)
        for span in split_sentences(prose):
            found = phrases.defined.match(span.of(prose).rpartition(": ")[2])
            if found is None or not _is_defined(found, phrases, uses):
                continue
            what = (found["article"] or "").lower() + _mid_sentence(found["what"], phrases)
            form = phrases.suggestion if found["verb"].lower() in ("is", "ist") else phrases.several
            yield Suggestion(form.format(what), passage.passage_id)
            break  # one definition per passage


def _is_defined(found: re.Match[str], phrases: _Phrases, uses: Counter[str]) -> bool:
    """Whether a sentence defines what it begins with: a name or a noun, not "the second one"."""
    words = found["what"].split()
    lowered = [word.lower() for word in words]
    if not is_plain(found["what"]) or any(word in phrases.inner for word in lowered):
        return False
    if lowered[0] in PREPOSITIONS or lowered[-1] in PREPOSITIONS | FUNCTION_WORDS:
        return False
    if lowered[0].endswith(("ly", "ing")) or any(len(word) < 2 for word in words):
        return False
    singular = found["verb"].lower() in ("is", "ist")
    if singular and not found["article"] and _PLURAL_END.search(lowered[-1]):
        return False  # a word of code, or the end of something else
    capitals = sum(word[:1].isupper() for word in words[1:]) + words[0].isupper()
    article = (found["article"] or "").strip().lower()
    if article in ("the", "der", "die", "das"):
        return capitals > 0 or words[0][:1].isupper() or len(words) > 1
    if article or len(words) > 1 or capitals:
        return True
    return len(words[0]) > 4 and uses[lowered[0]] > 1  # a single word that is spoken of


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Words of a source that occur in lower case, and names that never do."""

    lower: frozenset[str]
    names: frozenset[str]

    @classmethod
    def of(cls, sampled: Sequence[Passage]) -> "_Spelling":
        text = "\n".join(passage.text for passage in sampled)
        words = {word for word in _WORDS.findall(text) if word.islower()}
        capitals = {match.group().lower() for match in _CAPITALIZED.finditer(text)}
        return cls(frozenset(words), frozenset(capitals - words))

    def sentence_case(self, heading: str) -> str:
        """`Merge Requests` → `Merge requests`, where the text writes `requests`; names stay."""
        if heading.isupper() and " " in heading:
            heading = " ".join(
                word.title() if word.lower() in self.names else word.lower()
                for word in heading.split()
            )
            heading = heading[0].upper() + heading[1:]
        first, *rest = heading.split()
        lowered = (
            word.lower() if word[1:].islower() and word.lower() in self.lower else word
            for word in rest
        )
        return " ".join((first, *lowered))

    def mid_sentence(self, name: str) -> str:
        first, _, _ = name.partition(" ")
        return name if first.lower() in self.names else mid_sentence(name)


def _headings(sampled: Sequence[Passage]) -> Iterator[tuple[str, Passage]]:
    seen: set[str] = set()
    for passage in sampled:
        last = (passage.heading or "").rpartition(" > ")[2].strip(" *_`")
        numbering = _NUMBERING.match(last)
        heading = last[numbering.end() :] if numbering else last
        if heading and heading.lower() not in seen:
            seen.add(heading.lower())
            yield heading.strip(" :."), passage


def _asked_in_headings(sampled: Sequence[Passage]) -> Iterator[Suggestion]:
    for heading, passage in _headings(sampled):
        if heading.endswith(("?", "？")) and len(heading) > _MIN_ASKED:
            yield Suggestion(heading, passage.passage_id)


def _heading_questions(
    sampled: Sequence[Passage], phrases: _Phrases, title: str | None, language: Language
) -> Iterator[Suggestion]:
    spelling = _Spelling.of(sampled)
    is_sheet = all(_has_only_rows(passage) for passage in sampled)
    for heading, passage in _headings(sampled):
        question = None
        if not heading or is_sheet or "copyright" in passage.text.lower():
            continue
        if language == "en":
            if heading.endswith("?") or is_informative(heading, title or ""):
                question = heading_question(
                    spelling.sentence_case(heading), title, mid_sentence=spelling.mid_sentence
                )
        elif heading.endswith("?"):
            question = heading
        elif title is not None and is_informative(heading, title):
            question = phrases.about.format(_mid_sentence(heading, phrases), title=f"„{title}“")
        if question is not None:
            yield Suggestion(question, passage.passage_id)


def _has_only_rows(passage: Passage) -> bool:
    return bool(passage.structure) and not _prose(passage).strip()


def _row_questions(passages: Sequence[Passage]) -> Iterator[Suggestion]:
    for question, passage in row_questions(passages):
        yield Suggestion(question, passage.passage_id)


def _term_questions(
    sampled: Sequence[Passage], phrases: _Phrases, title: str | None
) -> Iterator[Suggestion]:
    if title is None:
        return
    language_has_names = phrases is not _PHRASES["en"]
    shown = f"„{title}“" if language_has_names else named(title)
    known = " ".join((title, *(heading for heading, _ in _headings(sampled))))
    for term, passage in _frequent_terms(sampled, phrases, known):
        if language_has_names or _is_topic(term):
            yield Suggestion(phrases.about.format(term, title=shown), passage.passage_id)


def _is_topic(term: str) -> bool:
    """An English noun that needs no article: a name, or the plural of a longer word."""
    is_plural = term.endswith("s") and not term.endswith(("ss", "us", "is"))
    return term.istitle() or (is_plural and len(term) >= _MIN_PLURAL)


def _speaker_questions(sampled: Sequence[Passage], phrases: _Phrases) -> Iterator[Suggestion]:
    passages_by_speaker: dict[str, list[Passage]] = {}
    for passage in sampled:
        for speaker in dict.fromkeys(cue.speaker for cue in passage.cues if cue.speaker):
            passages_by_speaker.setdefault(speaker, []).append(passage)
    for speaker, spoken in passages_by_speaker.items():
        if _is_numbered(speaker):
            continue
        said = [_said_by(speaker, passage) for passage in spoken]
        known = " ".join(passages_by_speaker)
        terms = _frequent_terms(said, phrases, known, min_uses=1)
        for term, passage in islice(terms, 1):
            topic = _with_article(term, said) if phrases is _PHRASES["en"] else term
            yield Suggestion(phrases.speaker.format(topic, speaker=speaker), passage.passage_id)


def _with_article(term: str, said: Sequence[Passage]) -> str:
    """As it is spoken of: "the connection"."""
    text = " ".join(passage.text for passage in said).lower()
    return f"the {term}" if f"the {term.lower()}" in text and not term[:1].isupper() else term


def _is_numbered(speaker: str) -> bool:
    """ "Speaker 0" is nobody that a person would ask about."""
    return any(character.isdigit() for character in speaker)


def _said_by(speaker: str, passage: Passage) -> Passage:
    spoken = (passage.text[one.start : one.end] for one in passage.cues if one.speaker == speaker)
    return replace(passage, text="\n".join(spoken), structure=())


def _frequent_terms(
    sampled: Sequence[Passage], phrases: _Phrases, known: str, *, min_uses: int = _MIN_USES
) -> Iterator[tuple[str, Passage]]:
    """Nouns that are spoken of again and again but not everywhere, most frequent first."""
    counts: Counter[str] = Counter()
    passages_with: Counter[str] = Counter()
    nouns: dict[str, tuple[str, Passage]] = {}
    for passage in sampled:
        prose = _prose(passage)
        words = [match.group().lower() for match in _TERM.finditer(prose)]
        counts.update(words)
        passages_with.update(set(words))
        for match in phrases.determined.finditer(prose):
            nouns.setdefault(match["noun"].lower(), (match["noun"], passage))
    for word in sorted(nouns, key=lambda one: (-counts[one] * len(one), one)):
        everywhere = len(sampled) > 4 and passages_with[word] > len(sampled) * 0.8
        if (
            counts[word] >= min_uses
            and not everywhere
            and word not in known.lower()
            and word not in FUNCTION_WORDS | UNINFORMATIVE | _GENERAL
        ):
            yield nouns[word]


def _mid_sentence(name: str, phrases: _Phrases) -> str:
    """The spelling in the middle of a sentence: `Side effects` → `side effects`."""
    if phrases is _PHRASES["en"]:
        return mid_sentence(name)
    first, _, rest = name.partition(" ")
    return f"{first.lower()} {rest}".strip() if _GERMAN_ARTICLES.fullmatch(first) else name

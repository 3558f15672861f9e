"""Finds the noun phrases of a question, with closed-class words only: no tagger, no model. Pure.

English word order, and the prepositions, articles and question words of a few other languages.
A wrong guess costs little: phrases are only compared with and replaced by each other.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app.text.tokens import norm


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


PREPOSITIONS: Final = _set("""
    about after against among around at before behind below besides between beyond by during
    except for from in inside into near of off on onto out outside over per regarding since than
    through to towards under until via while with within without
    von bei im am zum zur beim für mit ohne aus nach seit de
    des du d pour chez avec sans para por con sin en em
""")
DETERMINERS: Final = _set("""
    a an the this that these those my your our their its his her some any each every all both no
    another other such
    der die das dem den ein eine einen einem einer le la les l un une el los las una
""")
AUXILIARIES: Final = _set("""
    am is are was were be been being do does did done has have had having can could shall should
    will would may might must need needn't ought cannot can't don't doesn't didn't isn't aren't
    wasn't weren't won't shouldn't
    ist sind war waren hat haben wird werden kann muss darf soll est sont es son
""")
QUESTION_WORDS: Final = _set("""
    what which who whom whose when where why how what's who's how's where's when's
    was welche welcher welches wer wie wo wann warum quel quelle quels quelles qui quand comment
    combien qué cuál cuándo
""")
PRONOUNS: Final = _set("""
    i you we he she it they me us him them one ones myself yourself someone somebody anyone anybody
    everyone everybody something anything everything nobody nothing mine yours ours theirs hers
    there here itself themselves himself herself
""")
_CONJUNCTIONS: Final = _set("and or but nor if because although whether as und oder et ou y o")
_COORDINATORS: Final = _set("and or but nor und oder et ou y o")
_ADVERBS: Final = _set("""
    also too still again ever never always usually often exactly really just only much many more
    most less least few long far soon well together instead please else then now yet so not yes
    back away up down first both either neither apart already actually rather same away quickly
    enough even very anywhere somewhere everywhere nowhere
""")
_CLOSED: Final = (
    PREPOSITIONS | DETERMINERS | AUXILIARIES | QUESTION_WORDS | PRONOUNS | _CONJUNCTIONS | _ADVERBS
)
_SUBJECT_PRONOUNS: Final = _set("i you we he she it they one someone anyone everyone who")
_INVERTING: Final = _set("""
    do does did can could shall should will would may might must don't doesn't didn't can't cannot
""")
_BE: Final = _set("am is are was were be been being get gets has have had")
VERBS: Final = _set("""
    accept add affect agree allow apply approve arrive ask avoid become begin belong block book
    break breathe bring build buy call cancel cause change charge check choose claim clean close
    come compare complete concern connect contain continue contribute cost cover crush cut decide
    define
    deliver describe differ discuss do drink drive drop eat end enter exceed exist expire explain
    fail feel fill finish fix follow get give go happen harm have help hire hold include increase
    inform install interact interfere involve join keep know last lead learn leave lie list live
    look lose lower make mean measure meet miss move need occur offer open order own pay perform
    prevent produce protect prove provide publish put raise reach read receive recommend reduce
    refuse register release remove rent repair replace report request require reset restart return
    review run say see sell send serve show sign sleep speak spend split start stay stop store
    submit suffer summarise summarize supply switch take tell test travel treat try turn use vary
    visit wait walk want wash wear win work write
""")
_REQUESTS: Final = _set("list tell show give explain find write translate count name")
_SUBJECTS: Final = _set("i you we he she they")
_PARTICIPLES: Final = _set("""
    given taken made kept paid sold set put done stored held built bought brought chosen cut driven
    eaten found gone known left lent lost meant met read run said seen sent shown spent split spoken
    stopped taught told understood won worn written
""")
_ADJECTIVES: Final = _set("""
    safe dangerous allowed available possible necessary required common rare good bad better worse
    best worst high low higher lower cheap expensive open closed free due responsible mandatory
    harmful toxic effective legal valid
""")
PEOPLE: Final = _set("""
    adult adults child children kid kids baby babies infant infants newborn newborns toddler
    toddlers teenager teenagers adolescent adolescents elderly senior seniors woman women man men
    pregnancy breastfeeding employee employees contractor contractors manager managers intern
    interns trainee trainees student students patient patients visitor visitors guest guests
    member members customer customers deputy director officer chair kinder
    kindern erwachsene erwachsenen enfants adultes
""")
WORD: Final = re.compile(r"\w+(?:[-'’./]\w+)*")
_TOKEN: Final = re.compile(rf"{WORD.pattern}|[^\w\s]")
_TIMES: Final = _set("""
    year years month months week weeks quarter quarters day days hour hours minute minutes today
    january february march april may june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday mondays tuesdays wednesdays thursdays
    fridays saturdays sundays morning evening night weekend weekends
""")
_YEAR: Final = re.compile(r"(?:1[89]|20)\d\d\Z")
_POSSESSIVE: Final = re.compile(r"['’]s?\Z")
_CODE_WORD: Final = re.compile(r"(?=\w*\d)[\w./-]+\Z")
DIGITS: Final = re.compile(r"\d+")
_MAX_TOKENS: Final = 400
"""A longer text is no question; its first words are enough."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase at `start`..`end` of its text; its determiner begins at `outer`, and the
    preposition before it, if any, at `prefix`."""

    text: str
    start: int
    end: int
    outer: int
    prefix: int
    preposition: str
    determiner: str
    words: tuple[str, ...]  # as written, without determiner
    joined: tuple["Phrase", ...] = ()  # the phrases that "and", "or" or a comma joins in it

    @property
    def is_joined(self) -> bool:
        """Whether it is several phrases."""
        return bool(self.joined)

    @property
    def norms(self) -> frozenset[str]:
        """Its words as they are compared."""
        return frozenset(norm(word) for word in self.words if word[0].isalnum())

    @property
    def head(self) -> str:
        """The last word that is no code, else the last one: `valve` of `valve V2`."""
        plain = [word for word in self.words if not _CODE_WORD.match(word)]
        return norm((plain or self.words)[-1])

    @property
    def codes(self) -> tuple[str, ...]:
        """Its numbers and codes with digits as `0`: `V2` is `V0`."""
        return tuple(DIGITS.sub("0", word) for word in self.words if _CODE_WORD.match(word))

    @property
    def is_name(self) -> bool:
        """Whether it has a capital that does not begin the text."""
        return any(
            word[0].isupper() and not (place == 0 and self.start == 0)
            for place, word in enumerate(self.words)
        )

    @property
    def is_time(self) -> bool:
        """Whether it says when."""
        return any(word.lower() in _TIMES or _YEAR.match(word) for word in self.words)

    @property
    def is_possessor(self) -> bool:
        """Whether it is followed by "'s"."""
        return self.text[self.end : self.end + 1] in ("'", "’")

    @property
    def is_plural(self) -> bool:
        last = self.words[-1].lower()
        return (
            self.is_joined
            or (last.endswith("s") and not last.endswith(("ss", "us", "is")))
            or (last in {"children", "people", "women", "men", "data"})
        )

    def part(self, first: int, last: int) -> "Phrase":
        """Its words from `first` up to `last`, with what precedes them."""
        spans = [match.span() for match in WORD.finditer(self.text, self.start, self.end)]
        start, end, whole = spans[first][0], spans[last - 1][1], first == 0
        return Phrase(
            self.text,
            start,
            end,
            self.outer if whole else start,
            self.prefix if whole else start,
            self.preposition if whole else "",
            self.determiner if whole else "",
            self.words[first:last],
        )


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    text: str

    @property
    def lower(self) -> str:
        if self.text == "May" and self.start:
            return self.text  # the month
        return self.text.lower().replace("’", "'")

    @property
    def is_content(self) -> bool:
        return self.text[0].isalnum() and self.lower not in _CLOSED


def has_clause(text: str) -> bool:
    """Whether the text is more than a noun phrase: it asks, or has a verb."""
    found = _tokens(text)
    words = [token.lower for token in found]
    return (
        any(one.is_content and words[at] == "that" for at, one in enumerate(found[:-1], start=1))
        or any(word in AUXILIARIES or word in QUESTION_WORDS for word in words)
        or (bool(words) and words[0] in VERBS | _REQUESTS)
        or any(word in _SUBJECTS for word in words)
    )


def _tokens(text: str) -> list[_Token]:
    found = (_Token(m.start(), m.end(), m.group()) for m in _TOKEN.finditer(text))
    return [token for token, _ in zip(found, range(_MAX_TOKENS), strict=False)]


def noun_phrases(text: str) -> tuple[Phrase, ...]:
    """The noun phrases in order; those joined by "and", "or" or a comma are one."""
    return tuple(_joined(text, list(_simple_phrases(text))))


def content_words(text: str) -> list[str]:
    """The open-class words of a question, as written."""
    return [token.text for token in _tokens(text) if token.is_content]


def is_telegraphic(text: str) -> bool:
    """Whether the text consists of keywords only: "side effects warfarin"."""
    return all(token.is_content or not token.text[0].isalnum() for token in _tokens(text))


def _simple_phrases(text: str) -> Iterator[Phrase]:
    found = _tokens(text)
    place = 0
    while place < len(found):
        if not found[place].is_content:
            place += 1
            continue
        end = place
        while end < len(found) and found[end].is_content:
            end += 1
            if _POSSESSIVE.search(found[end - 1].text):
                break
        for first, last in _without_verbs(found, place, end):
            yield _phrase(text, found, first, last)
        place = end


def _phrase(text: str, found: Sequence[_Token], first: int, last: int) -> Phrase:
    before = first - 1
    determiner = preposition = ""
    outer = prefix = found[first].start
    if before >= 0 and found[before].lower in DETERMINERS:
        determiner, outer, before = found[before].lower, found[before].start, before - 1
        prefix = outer
    if before >= 0 and found[before].lower in PREPOSITIONS:
        preposition, prefix = found[before].lower, found[before].start
    words = [token.text for token in found[first:last]]
    words[-1] = _POSSESSIVE.sub("", words[-1])
    end = found[last - 1].start + len(words[-1])
    return Phrase(
        text, found[first].start, end, outer, prefix, preposition, determiner, tuple(words)
    )


def _without_verbs(found: Sequence[_Token], first: int, last: int) -> Iterator[tuple[int, int]]:
    """A run of open-class words without its verbs: the noun phrases before and after them."""
    before = found[first - 1].lower if first else ""
    determined = before in DETERMINERS
    following = found[last].lower if last < len(found) else ""
    if not determined and _begins_with_verb(found[first:last], before, following):
        first += 1
    if first == last:
        return
    split = _verb_place(found, first, last)
    if split is None:
        yield first, last
        return
    if split > first:
        yield first, split
    if split + 1 < last:
        yield split + 1, last


def _begins_with_verb(run: Sequence[_Token], before: str, following: str) -> bool:
    word = run[0].lower
    if before in _SUBJECT_PRONOUNS or (not before and word in VERBS):
        return True
    if word in VERBS and (before == "not" or before in _INVERTING):
        return True
    if before == "to":
        return word in VERBS or following in DETERMINERS or following in PRONOUNS
    if run[0].text.islower() and word.endswith("ing"):
        if len(run) == 1:
            return following in DETERMINERS or following in PRONOUNS
        return before in PREPOSITIONS or before == "when"
    return before in _BE and len(run) == 1 and is_predicate(word)


def is_predicate(word: str) -> bool:
    return word.endswith("ed") or word in _PARTICIPLES or word in _ADJECTIVES


def _verb_place(found: Sequence[_Token], first: int, last: int) -> int | None:
    """The place of the verb or predicate in a run of words; None without one."""
    opener = found[first - 1].lower if first else ""
    if opener in DETERMINERS:
        opener = found[first - 2].lower if first > 1 else ""
    following = found[last].lower if last < len(found) else ""
    inner = range(first + 1, last)
    if not inner:
        return None
    if opener in _INVERTING:
        verb = next((place for place in inner if found[place].lower in VERBS), None)
        ends = following not in PREPOSITIONS and following not in AUXILIARIES
        return last - 1 if verb is None and ends else verb
    if opener in _BE:
        return last - 1 if is_predicate(found[last - 1].lower) else None
    if opener in QUESTION_WORDS or opener in _CONJUNCTIONS - _COORDINATORS:
        return next((place for place in inner if _is_finite(found[place].lower)), None)
    asks = any(token.lower in _INVERTING for token in found[:first])
    final = not following or not following[0].isalnum()
    if asks and final and found[last - 1].lower in VERBS:
        return last - 1
    states = any(token.lower in _BE for token in found[:first])
    return last - 1 if states and is_predicate(found[last - 1].lower) else None


def _is_finite(word: str) -> bool:
    return word.endswith("ed") or word in VERBS or word.removesuffix("s") in VERBS


def _joined(text: str, phrases: Sequence[Phrase]) -> Iterator[Phrase]:
    pending: Phrase | None = None
    for phrase in phrases:
        if pending is not None and _joins(text[pending.end : phrase.outer], phrase):
            pending = Phrase(
                text,
                pending.start,
                phrase.end,
                pending.outer,
                pending.prefix,
                pending.preposition,
                pending.determiner,
                (*pending.words, *phrase.words),
                (*(pending.joined or (pending,)), phrase),
            )
            continue
        if pending is not None:
            yield pending
        pending = phrase
    if pending is not None:
        yield pending


def _joins(between: str, phrase: Phrase) -> bool:
    return not phrase.preposition and between.strip(" ").lower() in {
        "and", "or", ",", ", and", ", or", "und", "et", "y", "&",
    }  # fmt: skip

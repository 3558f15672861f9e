"""Tells the questions of a message apart: "What is the dose of X and who must not take it?" Pure.

Only clauses that ask are split off: who, what or which with its verb, another question word or an
auxiliary before its subject. Lists of nouns, relative clauses and alternatives stay together. Word
order is read as English; a message that is not understood is one question.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from app.graph.question_kind import asked_for
from app.text.cues import Cues
from app.text.noun_phrases import (
    AUXILIARIES,
    DETERMINERS,
    PREPOSITIONS,
    PRONOUNS,
    QUESTION_WORDS,
    VERBS,
    WORD,
    content_words,
    has_clause,
    is_predicate,
)
from app.text.sentences import split_sentences

MAX_PARTS: Final = 4
"""A message with more questions is searched as one."""
_MAX_LENGTH: Final = 1_000
_FRAME: Final = Cues("""
    tell me / tell us / explain / explain to me / describe / show me / say / let me know / find out
    i want to know / i would like to know / i'd like to know / i need to know / i wonder
    do you know / can you tell me / could you tell me / can you explain / could you explain
    would you tell me / can you say / can you find out / please tell me / please explain / give me
    list / name / summarise / summarize / give / state / sag mir / weißt du / kannst du mir sagen
""")
_POLITE: Final = Cues("""
    please / hi / hello / hey / hi there / ok / okay / thanks / thank you / well / so / and / also
    then / now / but / quick question / question / bitte / hallo
""")
_CONDITION: Final = Cues("""
    if so / if yes / if not / if it is / if there is / in that case / then / also / additionally
    further / furthermore / second / secondly / finally / lastly / conversely / wenn ja / falls ja
""")
_TAG: Final = Cues("""
    right / correct / ok / okay / yes / no / really / or not / or what / isn't it / is it / is that
    right / is that correct / is that so / is that true / is this correct / am i right / true / huh
    does it / doesn't it / aren't they / anyone / any ideas / any idea / can you help / can you help
    me / oder / nicht wahr / stimmt das
""")
_COORDINATORS: Final = frozenset("and but und et y e".split())  # noqa: SIM905
_WHO: Final = frozenset(
    """who whom whose what which who's what's wer wem wen wessen welche welcher welches
    qui quel quelle quels quelles qué quién cuál""".split()  # noqa: SIM905
)
_OPENINGS: Final = (
    QUESTION_WORDS
    | _WHO
    | AUXILIARIES
    | PREPOSITIONS
    | frozenset("if wenn falls then also additionally further furthermore second secondly".split())  # noqa: SIM905
    | frozenset("finally lastly conversely".split())  # noqa: SIM905
)
"""Words that the rest may begin with, `_CONDITION` included."""
_BE: Final = frozenset("is are was were am isn't aren't wasn't weren't".split())  # noqa: SIM905
_COPIES: Final = frozenset("be been being ought not needn't".split())  # noqa: SIM905
_OTHERS: Final = frozenset("other another else".split())  # noqa: SIM905
_MAY_ASK_TWICE: Final = re.compile(r"[?.!;,]\s+\S|\n|\b(?:and|but|und|et|y|e)\b", re.IGNORECASE)
_MAX_BEFORE_VERB: Final = 5
"""Words of "how many days of leave"."""
_MAX_TERSE: Final = 4
"""Open-class words of a question without a verb."""
_HOW: Final = frozenset("how wie comment cómo combien".split())  # noqa: SIM905
_RELATIVE_AFTER_COMMA: Final = frozenset("who whom whose which".split())  # noqa: SIM905
_NO_NOUNS: Final = frozenset("along according compared given assuming other".split())  # noqa: SIM905
_PAIRS: Final = (("“", "”"), ("«", "»"), ("(", ")"), ("[", "]"))


class _Word(NamedTuple):
    start: int
    end: int
    text: str  # in lower case
    is_capital: bool


def sub_questions(message: str) -> tuple[str, ...]:
    """The questions of a message, as written and in order; empty when it asks one thing.

    One after the first may lean on those before it ("who must not take it").
    """
    if len(message) > _MAX_LENGTH or not _MAY_ASK_TWICE.search(message):
        return ()
    parts = [part for one in _questions(message) for part in _clauses(one)]
    distinct = list(
        {" ".join(part.lower().split()).rstrip(" ?.!"): part for part in parts}.values()
    )
    if not 2 <= len(distinct) <= MAX_PARTS:
        return ()
    return tuple(distinct) if all(_is_balanced(p) and _is_searched(p) for p in distinct) else ()


def _joins(message: str, words: Sequence[_Word], place: int) -> bool:
    word = words[place].text
    gap = message[words[place - 1].end : words[place].start]
    return word in _COORDINATORS or "," in gap or ";" in gap


def _words(text: str) -> list[_Word]:
    return [
        _Word(m.start(), m.end(), m.group().lower().replace("’", "'"), m.group()[0].isupper())
        for m in WORD.finditer(text)
    ]


def _is_searched(question: str) -> bool:
    """Whether it is a lookup: what is put together from whole sources is not split."""
    asked = asked_for(question)
    return asked.kind == "lookup" or not asked.is_certain


def _questions(message: str) -> Iterator[str]:
    """The sentences that ask, with the statements before them."""
    lead, found = "", list[str]()
    spans = split_sentences(message)
    if len(spans) < 2:
        yield " ".join(message.split())
        return
    for span in spans:
        text = " ".join(span.of(message).split())
        if _is_empty(text):
            continue
        if found and (_TAG.is_all_of(text) or _is_bare(text)):
            found[-1] = f"{found[-1]} {text}"
        elif text.rstrip("”\"'» )").endswith("?") or _begins_question(text):
            found.append(f"{lead}{text}")
            lead = ""
        else:
            lead += f"{text} "
    if found and lead:
        found[-1] = f"{found[-1]} {lead.strip()}"
    yield from found or [" ".join(message.split())]


def _is_empty(text: str) -> bool:
    """Whether it is small talk around the questions."""
    return asked_for(text).kind in {"greeting", "thanks", "farewell", "about", "unclear"}


def _begins_question(text: str) -> bool:
    return _is_framed(text) or _asks(_words(_POLITE.stripped(text)), is_framed=False)


def _clauses(question: str) -> Iterator[str]:
    """The parts of one sentence that stand alone."""
    words = _words(question)
    begin = 0
    for place in range(1, len(words)):
        if not _joins(question, words, place):
            continue
        is_joined = words[place].text in _COORDINATORS
        following = place + is_joined
        if following == len(words) or words[following].text not in _OPENINGS:
            continue
        left = question[begin : words[place].start].rstrip(" ,;")
        rest = _CONDITION.stripped(question[words[following].start :])
        if not is_joined and not _begins_after_comma(words[following : following + 2]):
            continue
        if _may_be_split(left, rest, is_framed=_is_framed(question), is_joined=is_joined):
            yield _POLITE.stripped(left)
            begin = len(question) - len(rest)
    yield question[begin:]


def _begins_after_comma(words: Sequence[_Word]) -> bool:
    """Not after an inserted phrase ("In what year, …, did it"), and no relative clause."""
    if words[0].text in AUXILIARIES:
        return len(words) > 1 and words[1].text in PRONOUNS
    return words[0].text not in _RELATIVE_AFTER_COMMA


def _is_framed(text: str) -> bool:
    return _FRAME.after(_POLITE.stripped(text)) is not None


def _may_be_split(left: str, rest: str, *, is_framed: bool, is_joined: bool) -> bool:
    return (
        _asks(_words(rest), is_framed=is_framed)
        and not _is_bare(rest)
        and (_is_question(left) or (is_joined and _is_noun_phrase(left)))
        and not _is_relative(left, rest)
    )


def _is_bare(text: str) -> bool:
    """Whether it asks for more about the question before: "and why", "by whom"."""
    words = _words(_POLITE.stripped(text))
    return not content_words(text) and not any(word.text in AUXILIARIES for word in words)


def _is_question(left: str) -> bool:
    """Whether what stands before "and" asks; statements may come before it."""
    last = split_sentences(left)[-1:]
    bare = _POLITE.stripped(last[0].of(left) if last else left)
    if not content_words(bare):
        return False
    if (framed := _FRAME.after(bare)) is not None:
        return bool(content_words(framed))
    words = _words(bare)
    return _asks(words, is_framed=False) and _has_verb(words)


def _has_verb(words: Sequence[_Word]) -> bool:
    """Whether it is more than "what month"."""
    asks_who = words[0].text in {"who", "wer", "qui"}
    return (asks_who and len(words) > 1) or any(
        word.text in AUXILIARIES | VERBS
        or word.text.removesuffix("s") in VERBS
        or is_predicate(word.text)
        for word in words
    )


def _is_noun_phrase(left: str) -> bool:
    """Whether it is terse: "dose of ibuprofen"."""
    bare = _POLITE.stripped(left)
    first = _words(bare)[:1]
    is_short = 0 < len(content_words(bare)) <= _MAX_TERSE
    opens = bool(first) and first[0].text not in PREPOSITIONS | _NO_NOUNS
    return is_short and opens and "," not in bare and not has_clause(bare)


def _asks(words: Sequence[_Word], *, is_framed: bool) -> bool:
    """Whether the words begin a question; in a frame ("tell me …") its word order is free."""
    if words and words[0].text in PREPOSITIONS and len(words) > 1:
        words = words[1:] if words[1].text in QUESTION_WORDS | _WHO else words
    if not words:
        return False
    first, rest = words[0].text, words[1:]
    if first == "was" and rest and rest[0].text in AUXILIARIES:  # German
        return True
    if first in _BE or (
        first in AUXILIARIES and first not in _COPIES and first not in QUESTION_WORDS
    ):
        return _has_subject(first, rest)
    if first not in QUESTION_WORDS | _WHO:
        return False
    if not rest or is_framed:
        return True
    following = rest[0].text
    if first in _WHO:
        return following not in (PRONOUNS | DETERMINERS | {"to"}) - _OTHERS
    return _is_inverted(rest) if first in _HOW else following in AUXILIARIES


def _is_inverted(words: Sequence[_Word]) -> bool:
    """Whether an auxiliary comes before the subject: "how often should it", not "how it should"."""
    for word in words[: _MAX_BEFORE_VERB + 1]:
        if word.text in AUXILIARIES:
            return True
        if word.text in PRONOUNS | DETERMINERS:
            return False
    return False


def _has_subject(auxiliary: str, words: Sequence[_Word]) -> bool:
    """Whether an auxiliary is followed by its subject and more: "is it safe", not "is safe"."""
    if len(words) < 2:
        return False
    first = words[0]
    if first.text in PRONOUNS | DETERMINERS:
        return True
    if first.text in AUXILIARIES | PREPOSITIONS | _COPIES or is_predicate(first.text):
        return False
    if first.text.endswith("ly"):  # "are usually paid"
        return False
    if first.is_capital:
        return True
    following = [word.text for word in words[1 : _MAX_BEFORE_VERB + 1]]
    if auxiliary in _BE:
        return any(is_predicate(word) for word in following) and not first.text.endswith("ing")
    return first.text not in VERBS and any(word in VERBS | _COPIES for word in following)


def _is_relative(left: str, rest: str) -> bool:
    """ "The person who runs it and who owns it", "about what went wrong and what went well"."""
    opening = _words(rest)[0].text
    bare = _POLITE.stripped(left)
    embedded = {word.text for word in _words(_FRAME.after(bare) or bare)[1:]}
    return opening in embedded & (QUESTION_WORDS | _WHO)


def _is_balanced(text: str) -> bool:
    """Whether no quotation or bracket is cut."""
    return text.count('"') % 2 == 0 and all(
        text.count(opening) == text.count(closing) for opening, closing in _PAIRS
    )

"""Puts a follow-up question into full words: "And of ibuprofen?", "Why?", "Is it safe?". Pure.

Fragments replace the phrase of the same kind in the question before, pronouns are replaced by what
they refer to, corrections change the question before. Greetings and questions about the library
itself are skipped; what could not be answered is only continued by a fragment.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from app.domain.models import Turn, WordUse
from app.graph.antecedents import Antecedents, Said
from app.graph.ellipsis import Substituted, Titles, substitute, swap
from app.graph.question_kind import TALK, asked_for
from app.text.cues import Cues
from app.text.noun_phrases import AUXILIARIES, content_words, has_clause, noun_phrases
from app.text.pronouns import Reference, references
from app.text.tokens import key_words, norm

_POLITE: Final = Cues("""
    ok / okay / thanks / thank you / great / good / yes / i see / right / alright / please
    well / hm
""")
_JOINING: Final = Cues("and / but / or / also / so / then / plus / now / und / et / y / e / en")
_ABOUT: Final = Cues("""
    what about / how about / what is it about / what if / what is with / what of / how is it for
    how is it with / how is it in / how does it look for / how does it look in / with regard to
    what is about / was ist mit / wie ist es mit / wie ist es bei / wie sieht es aus mit
    qu'en est-il de / qué hay de / e per
""")
_SAME: Final = Cues("""
    does the same apply / does that apply / does this apply / does that also apply / does it apply
    does this also apply / does the same also apply / does the same hold / does that hold
    does the same go / do the same rules apply / is it the same / is that the same
    is this the same / is it the same thing / is the same true / is that true / is this true
    is that also true / is that also the case / is that the case / is it also the case
    would that be the same / would it be the same / are they the same / same / same question
    the same / the same question / same thing / likewise / does that work / does this work
    is it different / is that different / what changes / gilt das auch / gilt das
""")
_SAME_OF: Final = {"to": "", "for": "", "of": "", "about": "", "in": "in ", "with": "with ",
                   "für": "", "bei": "bei "}  # fmt: skip
"""The preposition after "the same": some say what it is about, others in which case."""
_WRONG: Final = Cues("""
    no / nope / sorry / oops / wait / actually / correction / pardon / hmm / hm / excuse me / nein
    non / entschuldigung / pardon me / my mistake / my bad / typo
""")
_MEANT: Final = Cues("""
    i mean / i meant / i actually meant / i was asking about / i was asking for / i asked about
    i asked for / i wanted / i wanted to know / i wanted to know about / i wanted to ask about
    i want / i said / i was talking about / i am asking about / i'm asking about / make that
    make it / let's make it / rather / we meant / i was referring to / it is about / it's about
    it was about / that should be / it should be / should be / ich meine / ich meinte
    je voulais dire
""")
_MORE: Final = Cues("""
    tell me more / tell me some more / tell me a bit more / tell me more about it
    tell me more about that / tell me more about this / tell me more details / give me more
    give me more details / give me more information / give me more detail / give me an example
    give me examples / show me more / more / more details / more detail / more information
    more info / more examples / some more / any more / go on / continue / carry on / keep going
    elaborate / explain / explain it / explain that / explain this / explain more / explain further
    explain that further / explain in detail / explain in more detail / explain again
    explain it again / explain that again / describe it / describe that / expand / expand on it
    expand on that / in detail / in more detail / anything else / what else / something else
    who else / where else / is that all / is that everything / is there more
    is there anything else
    and so on / and / such as / like what / like / for example / for instance / an example / example
    examples / are you sure / are you sure about that / are you really sure / really / is that true
    what do you mean / what do you mean by that / what does that mean / what does this mean
    what does it mean / say that again / say it again / repeat that / repeat it / again
    can you elaborate / can you explain / can you explain that / can you explain it
    can you explain that further / can you tell me more / could you elaborate / could you explain
    mehr / mehr dazu / weiter / mehr details / encore / continuez / continua / más
""")
_BARE: Final = Cues("""
    why / why not / why is that / why is this / why is it / why is that so / why was that / why so
    how so / how come / how / how exactly / how much / how many / how long / how often / how far
    how soon / how old / since when / until when / by when / by whom / what for / then / then what
    what then / next / what next / what happens then / what happens next / what happens after that
    what comes next / what comes then / what must i do then / what do i do then / what do i do next
    what should i do then / and after that / after that / afterwards / what after that / who / whom
    whose / when / where / which / which one / which ones / what kind / what kinds / what type
    what sort / says who / for how long / with whom / to whom / from when / for whom
    warum / wieso / wann / wer / wo / pourquoi / quand / qui / où / por qué / cuándo
""")
_TURN: Final = re.compile(r"\s{0,4}[,;–]\s{0,4}(?:but |rather )?| but | rather ", re.IGNORECASE)
"""Between what is not meant and what is."""
_MAX_LENGTH: Final = 400
"""A longer question is complete, as it is written."""
_MAX_FRAGMENT: Final = 8  # open-class words; more are a question of their own
_MAX_IMPLICIT: Final = 3
_SHARED_WORDS: Final = 0.6
"""Share of a question's words that occur in the source that the same message asks about."""


@dataclass(frozen=True, slots=True)
class Standalone:
    """A question in full words; `certain` is False where a rule had to guess."""

    text: str
    certain: bool = True


def is_follow_up(question: str) -> bool:
    """Whether the question looks incomplete without earlier ones."""
    if len(question) > _MAX_LENGTH:
        return False
    if _continuation(question) is not None or _correction(question) is not None:
        return True
    opened = _opened(question)
    fragment = opened is not None or _is_fragment(question)
    return fragment or bool(references(question))


def _may_follow(question: str) -> bool:
    """Whether the question may lean on earlier ones, though nothing in it refers to them."""
    return len(question) <= _MAX_LENGTH and (is_follow_up(question) or _may_be_implicit(question))


def words_to_look_up(question: str, history: Sequence[Turn]) -> tuple[list[str], list[str]]:
    """The words that are asked with, also in earlier turns, and those talked about; both empty
    when the question needs no look at the library."""
    if not history or not _may_follow(question):
        return [], []
    topics = [turn.question for turn in history if not is_talk(turn.question)]
    asked = [question, *filter(_may_be_implicit, topics)]
    return _words(asked), _words(topics)


def _words(questions: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(word for question in questions for word in _lower(question)))


def _lower(text: str) -> list[str]:
    words = (word.lower().removesuffix("'s").removesuffix("’s") for word in content_words(text))
    return list(dict.fromkeys(words))


def standalone(
    question: str, history: Sequence[Turn], words: WordUse, *, same_message: bool = False
) -> Standalone:
    """The question in full words; itself when it needs nothing of the history.

    `same_message`: the last turn is an earlier question of the same message.
    """
    said: list[Said] = []
    for turn in history:
        if not is_talk(turn.question):
            done = _resolve(turn.question, said, words)
            said.append(Said(done.topic or done.text, turn.answer, turn.answered, done.substituted))
    least = _SHARED_WORDS if same_message else 1.0
    done = _resolve(question, said, words, least)
    return Standalone(done.text, done.certain)


class _Resolved(NamedTuple):
    text: str
    certain: bool = True
    substituted: bool = False  # it is the question before with another phrase
    topic: str = ""  # what the conversation is about from here on, if not the text


def is_talk(question: str) -> bool:
    """Whether the question is talk, or about the library itself: no topic to go on with."""
    asked = asked_for(question)
    if asked.kind == "about":
        return not any(one.kind == "thing" for one in references(question))
    return asked.kind in TALK or (asked.kind == "inventory" and asked.is_certain)


def _resolve(question: str, said: Sequence[Said], words: WordUse, least: float = 1.0) -> _Resolved:
    """`least`: the share of its words that must occur in a source that it does not name."""
    if not said or not _may_follow(question) or is_talk(question):
        return _Resolved(question)
    antecedents = Antecedents(said, Titles(words))
    base, last = said[-1].text, antecedents.last
    if (corrected := _corrected(question, base, words)) is not None:
        return _Resolved(*corrected, substituted=True)
    if (continued := _continued(question, last)) is not None:
        return continued
    if (same := _same(question)) and (done := substitute(base, same, words)) is not None:
        return _Resolved(*done, substituted=True)
    opened = _same_verb(question, base) or _opened(question)
    rest = question if opened is None else opened
    if _is_fragment(rest) and (opened is not None or _leans(question, words, last)):
        if (done := substitute(base, rest, words)) is not None:
            return _Resolved(*done, substituted=True)
        return _Resolved(f"{base} {rest}", certain=False)
    whole = rest if has_clause(rest) else _JOINING.stripped(question)
    resolved = _with_antecedents(whole, antecedents, words, least)
    return _Resolved(question) if resolved.text == whole else resolved


def _continuation(question: str) -> str | None:
    """ "Why", "who" and the like as typed, empty for "tell me more"; None for another question."""
    rest = _JOINING.stripped(_POLITE.stripped(question))
    if _BARE.is_all_of(rest) or _BARE.is_all_of(question):
        return rest.strip(" ?!.,")
    return "" if _MORE.is_all_of(rest.removesuffix("please")) or _MORE.is_all_of(question) else None


def _continued(question: str, last: Said | None) -> _Resolved | None:
    """The last question that was answered, once more."""
    word = _continuation(question)
    if word is None:
        return None
    if last is None:
        return _Resolved(question)
    lead = f"{word.capitalize()}: " if word else ""
    return _Resolved(f"{lead}{last.text}", topic=last.text)


def _same(question: str) -> str:
    """X of "Does the same apply to X?"; empty without it."""
    rest = _SAME.after(_JOINING.stripped(_POLITE.stripped(question)))
    preposition, _, subject = (rest or "").partition(" ")
    return f"{_SAME_OF[preposition]}{subject}" if preposition in _SAME_OF else ""


def _leans(question: str, words: WordUse, last: Said | None) -> bool:
    """Whether a fragment without "and" or "what about" belongs to the question before.

    A title alone asks for that source.
    """
    if last is None:
        return False
    phrases = noun_phrases(f"and {question}")
    if phrases and phrases[0].preposition:
        return True
    titled = set(map(norm, words.titled))
    is_title = any(phrase.norms & titled for phrase in phrases)
    return question.rstrip().endswith("?") if is_title else len(content_words(question)) <= 2


def _with_antecedents(
    question: str, antecedents: Antecedents, words: WordUse, least: float
) -> _Resolved:
    found = references(question)
    if not found:
        return _Resolved(_implicit(question, antecedents, words, least))
    text, topic = question, ""
    for reference in reversed(found):
        replacement = antecedents.resolve(question, reference)
        if replacement is None or antecedents.last is None:
            continue
        if reference.kind == "matter":
            topic = antecedents.last.text
        elif reference.detail == "which":
            text = _added(text, replacement.replace(" and ", " or "))
        else:
            text = _put(text, reference, replacement)
    # What was asked is no phrase that could stand for "that".
    return _Resolved(_added(text, topic) if topic else text, certain=not topic, topic=topic)


def _put(text: str, reference: Reference, replacement: str) -> str:
    ending = ("'" if replacement.endswith("s") else "'s") if reference.is_possessive else ""
    return f"{text[: reference.start]}{replacement}{ending}{text[reference.end :]}"


def _added(question: str, text: str) -> str:
    return f"{question.rstrip(' ?!.')}: {text}"


def _implicit(question: str, antecedents: Antecedents, words: WordUse, least: float) -> str:
    """ "What is the maximum dose?" after a question about a source whose text has these words."""
    titles = Titles(words)
    named = any(map(titles.is_subject, noun_phrases(question)))
    focus = "" if named or not _may_be_implicit(question) else antecedents.focus()
    subject = [word for word in key_words(focus) if norm(word) in titles.titled]
    asked = set(_lower(question))
    if (
        not subject
        or not asked
        or not any(
            len(asked & words.within.get(w, frozenset())) >= least * len(asked) for w in subject
        )
    ):
        return question
    stem = question.rstrip(" ?!.")
    return f"{stem} for {focus}{question[len(stem) :].strip()}"


def _may_be_implicit(question: str) -> bool:
    return len(content_words(question)) <= _MAX_IMPLICIT


def _opened(question: str) -> str | None:
    """The question without "and", "what about" and the like; None when it has none."""
    polite = _POLITE.stripped(question)
    joined = _JOINING.stripped(polite)
    rest = _ABOUT.after(joined) or joined
    if rest == polite:
        return None
    return rest[0].upper() + rest[1:] if has_clause(rest) else rest


def _same_verb(question: str, base: str) -> str | None:
    """X of "Does X?", if the question before begins so; else None."""
    verb, _, rest = question.strip().partition(" ")
    same = verb.lower() == base.partition(" ")[0].lower() and verb.lower() in AUXILIARIES
    return rest if same and _is_fragment(rest) and len(noun_phrases(rest)) == 1 else None


def _is_fragment(text: str) -> bool:
    """Whether it has no verb: a noun phrase, perhaps after a preposition."""
    return (
        not has_clause(text)
        and not references(text)
        and 0 < len(content_words(text)) <= _MAX_FRAGMENT
    )


def _correction(question: str) -> str | None:
    """What follows "no, I meant"; None when the question corrects nothing."""
    rest = _MEANT.stripped(_WRONG.stripped(question))
    return rest if rest != question or _replacement(question) else None


def _replacement(text: str) -> tuple[str, str] | None:
    """What is wrong and what is right in "not in children, in adults"; the wrong may be empty."""
    text = text.strip(" ?!.,;")
    if has_clause(text):
        return None
    if text.lower().startswith("not "):
        wrong, *right = _TURN.split(text[4:], maxsplit=1)
        return (wrong, right[0]) if right else None
    new, is_not, old = text.partition(" not ")
    if is_not and new.strip(" ,;"):
        return old, new.removesuffix(" and").strip(" ,;")
    new, is_instead, old = text.partition(" instead")
    if is_instead:
        return old.removeprefix(" of"), new
    wrong, comma, new = text.removeprefix("instead of ").partition(",")
    return (wrong, new) if comma and wrong != text.partition(",")[0] else None


def _corrected(question: str, base: str, words: WordUse) -> Substituted | None:
    """The question before as corrected; None when this one corrects nothing or is whole."""
    rest = _correction(question)
    if rest is None:
        return None
    if (pair := _replacement(rest)) is not None:
        old, new = pair
        return swap(base, old, new, words)
    if not _is_fragment(rest):
        return None
    return substitute(base, rest, words)

"""Which kind of question is asked, by rules over its words.

Only the form is read here. Whether a subject is a source is decided by `nodes/plan.py`; a question
whose subject is none becomes a lookup after all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.events import QuestionKind
from app.domain.models import SourceKind

Words = tuple[str, ...]

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


def _whole_phrases(text: str) -> frozenset[Words]:
    """One phrase a line, or several between slashes."""
    split = (tuple(one.split()) for line in text.splitlines() for one in line.split("/"))
    return frozenset(one for one in split if one)


class _Phrases:
    """Phrases that may begin or end a question; the longest that fits counts."""

    def __init__(self, text: str) -> None:
        self._by_first: dict[str, list[Words]] = {}
        self._by_last: dict[str, list[Words]] = {}
        for phrase in sorted(_whole_phrases(text), key=len, reverse=True):
            self._by_first.setdefault(phrase[0], []).append(phrase)
            self._by_last.setdefault(phrase[-1], []).append(phrase)

    def after(self, words: Words) -> Words | None:
        """The words after a phrase; None without one, or with nothing after it."""
        for phrase in self._by_first.get(words[0].lower(), ()) if words else ():
            length = len(phrase)
            if len(words) > length and _lower(words[:length]) == phrase:
                return words[length:]
        return None

    def stripped(self, words: Words) -> Words:
        """The words without a phrase at the beginning."""
        rest = self.after(words)
        return words if rest is None else rest

    def end_stripped(self, words: Words) -> Words:
        """The words without a phrase at the end; at least one word is left."""
        for phrase in self._by_last.get(words[-1].lower(), ()) if words else ():
            length = len(phrase)
            if len(words) > length and _lower(words[-length:]) == phrase:
                return words[:-length]
        return words


def _lower(words: Words) -> Words:
    return tuple(word.lower() for word in words)


GREETINGS: Final = _whole_phrases("""
    hi / hello / hey / hi there / hello there / hey there / good morning / good afternoon
    good evening / good day / greetings / howdy / hello again / hi again / how are you
    hello how are you / hi how are you / what's up / nice to meet you / hallo / guten tag
    guten morgen / guten abend / moin / servus / grüezi / bonjour / bonsoir / salut / hola
    buenos días / ciao / buongiorno / olá / hej
""")
THANKS: Final = _whole_phrases("""
    thanks / thank you / thanks a lot / thank you very much / thank you so much / many thanks
    thx / ty / cheers / great / great thanks / ok / okay / ok thanks / okay thanks / cool
    perfect / nice / got it / good / very good / awesome / well done / that helps / that helped
    thanks that helps / danke / vielen dank / danke schön / merci / merci beaucoup / gracias
    grazie / obrigado / obrigada / tack
""")
FAREWELLS: Final = _whole_phrases("""
    bye / goodbye / good bye / see you / see you later / bye bye / good night / that's all
    tschüss / auf wiedersehen / au revoir / adiós / arrivederci / hej då
""")
ABOUT: Final = _whole_phrases("""
    who are you / what are you / what is this / what is this app / what is this page
    what can you do / what do you do / what can i do here / what can i do with this
    what can i ask / what can i ask you / what should i ask / what may i ask / help / help me
    can you help me / how can you help / how can you help me / how do you work
    how does this work / how does it work / how do i use this / how can i use this
    what is citestream / who is citestream / how does citestream work / are you a bot
    are you a robot / are you human / are you an ai / are you chatgpt / are you real
    what's your name / what is your name / who made you / which model are you
    what model are you / which model do you use / what model do you use / what llm are you
    which model is this / what are your capabilities / what do you know / introduce yourself
    tell me about yourself / where do your answers come from / wer bist du / was bist du
    was kannst du / hilfe / qui es-tu / que peux-tu faire / aide / quién eres / qué puedes hacer
    chi sei / cosa puoi fare
""")
POLITE: Final = _Phrases("""
    please / could you / can you / would you / could you please / can you please / kindly
    i want you to / i would like you to / i'd like you to / i need you to / i want to know
    i would like to know / i'd like to know / tell me / so / and / ok / okay / now / then
    hello / hi / hey
""")
POLITE_ENDINGS: Final = _Phrases("please / thanks / thank you / for me / to me")

ARTICLES: Final = _Phrases(
    "a / an / the / all the / all of the / all / every / each / any / your / our / my"
)
LISTING: Final = _Phrases("""
    list / list me / list out / show / show me / name / enumerate / give me / give me a list of
    give a list of / make a list of / give me an overview of / i need a list of / a list of
""")
WHICH: Final = frozenset({"which", "what"})
COUNTING: Final = _Phrases("how many / what is the number of / count / what number of")
_WITH: Final = frozenset({"with", "including", "and"})
IN_LIBRARY: Final = _Phrases("""
    in the library / in your library / in my library / in our library / in this library
    in the collection / in your collection / in the knowledge base / in your knowledge base
    in your sources / in the sources / in my sources / in your documents / in the documents
    in my documents / in our documents / in the files / in your files / in my files / here
    in here / in the system / in the database / in there / on file / altogether / in total
    from the library / of the library / in it
""")
EXISTING: Final = _Phrases("""
    are there / are available / are described / are covered / are documented / are included
    are uploaded / are loaded / are indexed / are stored / are listed / are present / exist
    do you have / do we have / do i have / have you got / do you know / can you access / can you see
    do you have access to / are in the library / are in your library / are in my library
    are in here / are here / is there / have i uploaded / did i upload / do you hold / have you read
    do you contain
""")
GENERIC: Final = frozenset(
    """document documents source sources file files doc docs material materials content contents
    data information paper papers text texts thing things item items""".split()  # noqa: SIM905
)
RECORDINGS: Final = frozenset(
    """recording recordings audio video videos podcast podcasts transcript transcripts
    interview interviews talk talks call calls""".split()  # noqa: SIM905
)
WHOLE_LIBRARY: Final = _whole_phrases("""
    what do you have / what have you got / what is in the library / what's in the library
    what is in your library / what's in your library / what is in here / what's in here
    what is there / what do you know about / what is in my library / what's in my library
    what topics do you cover / what topics are covered / what subjects do you cover
    which topics do you cover / which topics are covered / what is available
    what are your sources / what are the sources / what are your documents
    everything you have / what does the library contain / what does your library contain
""")
MENTIONING: Final = _Phrases("""
    mention / mentions / talk about / talks about / discuss / discusses / refer to / refers to
    are about / is about / contain / contains / deal with / deals with / cover / covers
    speak about / speaks about / say something about / says something about
""")
ANYTHING_ABOUT: Final = _Phrases("""
    do you have anything about / do you have anything on / do you have something about
    do you have something on / is there anything about / is there anything on
    is there something about / is there something on / is anything said about
    find all mentions of / find every mention of / find mentions of / where is mentioned
    all mentions of / list all mentions of
""")
MENTIONED: Final = _Phrases("""
    mentioned / mentioned anywhere / mentioned somewhere / mentioned at all / mentioned here
    named anywhere / referred to / mentioned in the documents / mentioned in the library
    mentioned in the document / mentioned in this document / mentioned in any document
    mentioned in the text / mentioned in the sources / mentioned in the recordings
""")

DETAILS: Final = (
    (
        "speakers",
        _Phrases("""
            who attended / who attends / who spoke in / who spoke at / who speaks in / who speaks at
            who took part in / who takes part in / who participated in / who participates in
            who was in / who was at / who was present at / who is speaking in / who talks in
            who are the speakers in / who are the speakers of / who are the participants of
            who are the participants in / list the speakers of / list the participants of
        """),
        _Phrases("there"),
    ),
    (
        "length",
        _Phrases("how long is / how long was / how many pages are in / how many minutes is"),
        _Phrases("recording"),
    ),
    ("length", _Phrases("how many pages does / how many pages do"), _Phrases("have / contain")),
    (
        "day",
        _Phrases("when was / when did / when were"),
        _Phrases("""
        added / uploaded / imported / added to the library / uploaded to the library
    """),
    ),
)

SUMMARIZING: Final = _Phrases("""
    summarise / summarize / sum up / outline / recap / condense / give me a summary of
    give a summary of / give me the gist of / give me an outline of / give me the key points of
    give me the main points of / give an overview of / give me a short summary of
    give me a brief summary of / write a summary of / provide a summary of / make a summary of
    what is in / what's in / what is written in / what stands in
    summary of / a summary of / the summary of / overview of / an overview of / the gist of
    key points of / the key points of / main points of / the main points of / the highlights of
    key takeaways from / the key takeaways from / the key takeaways of / the main ideas of
    what are the key points of / what are the main points of / what are the key points in
    what are the main points in / what are the key takeaways from / what are the key takeaways of
    what are the highlights of / what are the key findings of / what are the main findings of
    what are the main ideas of / what are the main topics of / what are the most important points of
    what is the summary of / what is the gist of / what is the main idea of / what is the content of
    what are the contents of / what is the essence of / what's the gist of / tl;dr of / tldr of
""")
SUMMARY_ALONE: Final = _whole_phrases("""
    summarise / summarize / summary / a summary / give me a summary / overview / tl;dr / tldr
    key points / what are the key points / what are the main points / the key points
    what are the key takeaways / the main points / sum it up / sum up / give me the key points
    give me the main points / give me an overview / what are the main topics / outline
    what are the most important points / what is the main idea / what are the highlights
    what are the key findings / what are the main findings / what is it about
""")
WHAT_ABOUT: Final = _Phrases("what is / what's / what are / what was")
ABOUT_ENDINGS: Final = _Phrases("about / all about / about in short / about in a few words")
WHAT_DOES: Final = _Phrases("what does / what do / what did")
SAY_ENDINGS: Final = _Phrases("""
    say / contain / cover / deal with / discuss / describe / tell / tell us / tell me / talk about
    consist of / say in short / regulate / include
""")
ON_SUBJECT: Final = _Phrases("""
    what do i need to know about / what do we need to know about / what should i know about
    what must i know about / what do i have to know about / what is there to know about
    what does it say about / what do they say about / what does the document say about
    what does the report say about / what does this document say about / what is said about
    what do you know about / what can you tell me about / what is written about
    what does the text say about / what does the file say about / what do the documents say about
    what do the sources say about / what do you have on / what do you have about
    tell me about / tell me more about / tell me everything about / explain / describe
    everything about / information about / information on / inform me about
    give me information about / give me information on / talk about / about
""")
SUBJECT_ENDINGS: Final = _Phrases("""
    is about / is all about / says / contains / covers / describes / deals with / talks about
""")
BROAD: Final = _Phrases("what are the / what were the / what are / which are the / what is the")
_AUXILIARY_WORDS: Final = frozenset({"is", "are", "was", "were", "have", "has", "had"})
_SETTLED: Final = frozenset(
    """set defined given agreed decided planned listed described named mentioned made proposed
    identified discussed required recommended stated specified reported""".split()  # noqa: SIM905
)
_MAX_PREDICATE: Final = 3
"""Words of "were set" or "have been agreed"."""
_SECTION_WORDS: Final = frozenset("chapter section part clause article paragraph annex".split())  # noqa: SIM905

AUXILIARIES: Final = _Phrases("is / are / was / were")
PREPOSITIONS: Final = _Phrases(
    "about / on / for / of / that / in / from / of the / in the / from the"
)

COMPARING: Final = _Phrases("""
    compare / compare the / contrast / make a comparison of / make a comparison between
    what is the difference between / what's the difference between
    what are the differences between
    what is different between / difference between / differences between / the difference between
    the differences between / what distinguishes / how do i choose between
    what do they have in common / what are the similarities between / similarities between
    what is common to / what is the comparison between / give me a comparison of
    give me a comparison between / show me the difference between / a comparison of
    comparison of / comparison between / what are the main differences between
    what is the main difference between / list the differences between
    explain the difference between / explain the differences between
""")
HOW_DIFFER: Final = _Phrases("how does / how do / how is / how are / in what way does")
DIFFER: Final = _Phrases("""
    differ from / different from / compare to / compare with / compared to / compared with
    differ to / relate to
""")
_BETWEEN: Final = frozenset({"and", "with", "to", "vs", "versus", "against", "or"})

CREATING: Final = frozenset(
    """write compose draft create invent imagine generate sing paint draw code program translate
    rewrite rephrase paraphrase pretend roleplay joke""".split()  # noqa: SIM905
)
TRANSFORMING: Final = frozenset(
    "translate rewrite rephrase paraphrase reword simplify proofread".split()  # noqa: SIM905
)
_RESULTS: Final = frozenset({"into", "to", "in", "as", "for"})
CREATIONS: Final = frozenset(
    """poem poems story stories song songs joke jokes essay email e-mail letter haiku limerick novel
    rap speech tweet post code script program function picture image drawing play dialogue sonnet
    blog article advertisement slogan headline python javascript""".split()  # noqa: SIM905
)
_EDGE: Final = "?!.,;:…\"'“”‘’«»()[]{}*`"
_QUESTION_WORDS: Final = frozenset(
    """who whom whose what which when where why how is are was were do does did can could may might
    must shall should will would has have had am""".split()  # noqa: SIM905
)
MAX_NAME_WORDS: Final = 6
"""Words of a question that may be nothing but the name of a source."""


def asked_for(question: str) -> AskedFor:
    """The kind of a question and what it is about."""
    words = _words(question)
    if not words:
        return AskedFor("unclear")
    if len(words) > MAX_WORDS:
        return LOOKUP
    lower = _lower(words)
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
        ("greeting", GREETINGS),
        ("thanks", THANKS),
        ("farewell", FAREWELLS),
        ("about", ABOUT),
    )
    for kind, phrases in kinds:
        if addressed in phrases or POLITE.stripped(addressed) in phrases:
            return AskedFor(kind)
    return None


def _without_politeness(words: Words) -> Words:
    before: Words = ()
    while before != words:
        before, words = words, POLITE.stripped(words) or words
        words = POLITE_ENDINGS.end_stripped(words) or words
    return words


_MAX_BEFORE_CREATION: Final = 5
"""Words before what is to be made: "write me a short poem"."""


def _task(words: Words) -> AskedFor | None:
    """A text to be made up, which no source can answer."""
    lower = [word.lower() for word in words]
    made = next((i for i, word in enumerate(lower) if word in CREATIONS), None)
    if lower[0] in TRANSFORMING and len(words) > 1:
        subject = ARTICLES.stripped(PREPOSITIONS.stripped(words[1:]))
        return AskedFor("task", subject=_text(_until(subject, _RESULTS)))
    if lower[0] not in CREATING or made is None or made > _MAX_BEFORE_CREATION:
        return None
    return AskedFor("task", subject=_text(PREPOSITIONS.stripped(words[made + 1 :])))


def _until(words: Words, ends: frozenset[str]) -> Words:
    """The words before the first of `ends`."""
    place = next((i for i, word in enumerate(words) if word.lower() in ends), len(words))
    return words[:place] or words


def _comparison(words: Words) -> AskedFor | None:
    if (rest := COMPARING.after(words)) is not None:
        return _pair(rest)
    lower = _lower(words)
    for place, word in enumerate(lower):
        if word in {"vs", "versus"} and 0 < place < len(words) - 1:
            return _compared(words[:place], words[place + 1 :], is_certain=False)
    if (rest := HOW_DIFFER.after(words)) is not None:
        for place in range(1, len(rest) - 2):
            if (other := DIFFER.after(rest[place:])) is not None:
                return _compared(rest[:place], other)
    return None


def _pair(words: Words) -> AskedFor | None:
    """Two subjects around the last word that may stand between them."""
    places = [i for i, word in enumerate(words) if word.lower() in _BETWEEN]
    usable = [i for i in places if 0 < i < len(words) - 1]
    return _compared(words[: usable[0]], words[usable[0] + 1 :]) if usable else None


def _compared(one: Words, other: Words, *, is_certain: bool = True) -> AskedFor:
    return AskedFor(
        "comparison",
        _text(ARTICLES.stripped(one)),
        _text(ARTICLES.stripped(other)),
        is_certain=is_certain,
    )


def _inventory(words: Words) -> AskedFor | None:
    lower = _lower(words)
    if lower in WHOLE_LIBRARY:
        return AskedFor("inventory")
    counts = COUNTING.after(words)
    lists = LISTING.after(words)
    if counts is not None:
        topic, is_scoped = _scoped(counts)
        if not _is_noun(topic):
            return None
        certain = _is_generic(topic) or (is_scoped and lower[-2:] != ("are", "there"))
        return _sources_about(topic, counts_only=True) if certain else None
    if lists is not None:
        topic, is_scoped = _scoped(_until(lists, _WITH))
        topic = ARTICLES.stripped(topic)
        if _is_noun(topic):
            return _sources_about(topic, is_certain=is_scoped)
        return None
    if lower[0] in WHICH:
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
        rest = AUXILIARIES.end_stripped(IN_LIBRARY.end_stripped(EXISTING.end_stripped(rest)))
    return rest, rest != words


def _sources_about(topic: Words, *, counts_only: bool = False, is_certain: bool = True) -> AskedFor:
    lower = {word.lower() for word in topic}
    if lower and lower <= GENERIC:
        return AskedFor("inventory", counts_only=counts_only)
    if lower and lower <= RECORDINGS:
        return AskedFor("inventory", source_kind="recording", counts_only=counts_only)
    subject = _text(ARTICLES.stripped(topic))
    return AskedFor("inventory", subject, counts_only=counts_only, is_certain=is_certain)


def _is_generic(topic: Words) -> bool:
    return bool(topic) and {word.lower() for word in topic} <= GENERIC | RECORDINGS


_MAX_NOUN_WORDS: Final = 4
_NOT_IN_NOUN: Final = frozenset(
    """of for in on at by with from about that which who to and or than between during is are was
    were do does did can must should not no under over without""".split()  # noqa: SIM905
)


def _is_noun(topic: Words) -> bool:
    """A short noun phrase, without anything that would restrict it further."""
    lower = {word.lower() for word in topic}
    return 0 < len(topic) <= _MAX_NOUN_WORDS and not lower & _NOT_IN_NOUN


def _mentions(words: Words) -> AskedFor | None:
    lower = _lower(words)
    if (rest := ANYTHING_ABOUT.after(words)) is not None:
        return _mention_of(rest, is_certain=False)
    said = MENTIONED.end_stripped(words)
    if lower[0] in _AUXILIARY_WORDS and said != words:
        return _mention_of(said[1:], is_yes_no=True)
    if lower[:2] in {("where", "is"), ("where", "are"), ("how", "often")}:
        rest = MENTIONED.end_stripped(words[2:])
        if rest != words[2:]:
            return _mention_of(AUXILIARIES.stripped(rest))
    asks = lower[0] in WHICH or lower[0] in {"does", "do"} or lower[:2] == ("how", "many")
    if not asks:
        return None
    begin = 2 if lower[:2] == ("how", "many") else 1
    nouns = ARTICLES.stripped(words[begin:])
    if not nouns or nouns[0].lower() not in GENERIC | RECORDINGS | {"anyone", "anybody", "one"}:
        return None
    rest_or_none = MENTIONING.after(nouns[1:])
    if rest_or_none is None:
        return None
    kind: SourceKind | None = "recording" if nouns[0].lower() in RECORDINGS else None
    return _mention_of(
        rest_or_none,
        counts_only=begin == 2,
        source_kind=kind,
        is_yes_no=lower[0] not in WHICH and begin == 1,
    )


def _mention_of(
    words: Words,
    *,
    is_certain: bool = True,
    counts_only: bool = False,
    source_kind: SourceKind | None = None,
    is_yes_no: bool = False,
) -> AskedFor | None:
    subject = _text(ARTICLES.stripped(IN_LIBRARY.end_stripped(words)))
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
    for detail, openings, endings in DETAILS:
        rest = openings.after(words)
        if rest is None:
            continue
        subject = endings.end_stripped(rest)
        if subject != rest or detail in ("speakers", "length"):
            subject = ARTICLES.stripped(subject)
            return AskedFor("details", _text(subject), detail, is_certain=False)
    return None


def _whole(words: Words) -> AskedFor | None:
    lower = _lower(words)
    if lower in SUMMARY_ALONE:
        return AskedFor("whole")
    if (rest := SUMMARIZING.after(words)) is not None:
        return _whole_or_section(rest)
    for openings, endings in ((WHAT_ABOUT, ABOUT_ENDINGS), (WHAT_DOES, SAY_ENDINGS)):
        rest = openings.after(words) or ()
        subject = endings.end_stripped(rest)
        if subject and subject != rest:
            return _whole_or_section(subject, is_certain=_points_at_source(subject))
    if lower[0] in WHICH and (subject := SUBJECT_ENDINGS.end_stripped(words[1:])) != words[1:]:
        return _whole_or_section(subject, is_certain=_points_at_source(subject))
    if lower[0] in _SECTION_WORDS and len(words) > 1:
        return _whole_or_section(words, is_certain=False)
    return None


def _whole_or_section(subject: Words, *, is_certain: bool = True) -> AskedFor:
    """`chapter 7 of the report` is a section of a source."""
    lower = tuple(word.lower() for word in ARTICLES.stripped(subject))
    if len(lower) > 1 and lower[0] in _SECTION_WORDS:
        rest = ARTICLES.stripped(subject)
        source = PREPOSITIONS.after(rest[2:]) or ()
        return AskedFor("section", rest[1], _text(source), is_certain=is_certain)
    return AskedFor("whole", _text(subject), is_certain=is_certain)


def _on_subject(words: Words) -> AskedFor | None:
    if (rest := ON_SUBJECT.after(words)) is not None:
        return AskedFor("section", _text(ARTICLES.stripped(rest)), is_certain=False)
    if (rest := BROAD.after(words)) is not None and _is_noun(rest):
        return AskedFor("section", _text(rest), is_certain=False)
    lower = _lower(words)
    if lower[0] in WHICH and lower[-1] in _SETTLED:
        for place in range(2, min(len(words), _MAX_NOUN_WORDS + 2)):
            if lower[place] in _AUXILIARY_WORDS and len(words) - place <= _MAX_PREDICATE:
                return AskedFor("section", _text(words[1:place]), is_certain=False)
    return None


def _name(words: Words) -> AskedFor | None:
    """Perhaps nothing but the name of a source."""
    first = words[0].lower()
    if len(words) > MAX_NAME_WORDS or first in _QUESTION_WORDS or first in _NOT_IN_NOUN:
        return None
    return AskedFor("whole", _text(words), is_certain=False)


_DEMONSTRATIVES: Final = frozenset({"this", "that", "the", "it", "these", "those", "my", "our"})
SOURCE_WORDS: Final = frozenset(
    """document file source report paper text pdf presentation slides spreadsheet sheet workbook
    letter manual guide handbook book transcript recording meeting call interview memo notes page
    article contract policy email mail podcast it this that""".split()  # noqa: SIM905
)


def _points_at_source(subject: Words) -> bool:
    return is_demonstrative(_text(subject))


def is_demonstrative(subject: str) -> bool:
    """ "this", "the document", "this report": a source without its name."""
    words = subject.lower().split()
    rest = [word for word in words if word not in _DEMONSTRATIVES]
    return not rest or (len(rest) == 1 and rest[0] in SOURCE_WORDS and len(words) > 1)


def _text(words: Sequence[str]) -> str:
    return " ".join(words)

"""The phrases by which the kind of a question is recognised."""

from typing import Final

Words = tuple[str, ...]


def whole_phrases(text: str) -> frozenset[Words]:
    """One phrase a line, or several between slashes."""
    split = (tuple(one.split()) for line in text.splitlines() for one in line.split("/"))
    return frozenset(one for one in split if one)


class Phrases:
    """Phrases that may begin or end a question; the longest that fits counts."""

    def __init__(self, text: str) -> None:
        self._by_first: dict[str, list[Words]] = {}
        self._by_last: dict[str, list[Words]] = {}
        for phrase in sorted(whole_phrases(text), key=len, reverse=True):
            self._by_first.setdefault(phrase[0], []).append(phrase)
            self._by_last.setdefault(phrase[-1], []).append(phrase)

    def after(self, words: Words) -> Words | None:
        """The words after a phrase; None without one, or with nothing after it."""
        for phrase in self._by_first.get(words[0].lower(), ()) if words else ():
            length = len(phrase)
            if len(words) > length and lowered(words[:length]) == phrase:
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
            if len(words) > length and lowered(words[-length:]) == phrase:
                return words[:-length]
        return words


def lowered(words: Words) -> Words:
    return tuple(word.lower() for word in words)


GREETINGS: Final = whole_phrases("""
    hi / hello / hey / hi there / hello there / hey there / good morning / good afternoon
    good evening / good day / greetings / howdy / hello again / hi again / how are you
    hello how are you / hi how are you / what's up / nice to meet you / hallo / guten tag
    guten morgen / guten abend / moin / servus / grüezi / bonjour / bonsoir / salut / hola
    buenos días / ciao / buongiorno / olá / hej
""")
THANKS: Final = whole_phrases("""
    thanks / thank you / thanks a lot / thank you very much / thank you so much / many thanks
    thx / ty / cheers / great / great thanks / ok / okay / ok thanks / okay thanks / cool
    perfect / nice / got it / good / very good / awesome / well done / that helps / that helped
    thanks that helps / danke / vielen dank / danke schön / merci / merci beaucoup / gracias
    grazie / obrigado / obrigada / tack
""")
FAREWELLS: Final = whole_phrases("""
    bye / goodbye / good bye / see you / see you later / bye bye / good night / that's all
    tschüss / auf wiedersehen / au revoir / adiós / arrivederci / hej då
""")
ABOUT: Final = whole_phrases("""
    who are you / what are you / what is this / what is this app / what is this page
    what can you do / what can you do for me / what do you do / what can i do here
    what can i do with this
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
POLITE: Final = Phrases("""
    please / could you / can you / would you / could you please / can you please / kindly
    i want you to / i would like you to / i'd like you to / i need you to / i want to know
    i would like to know / i'd like to know / tell me / so / and / ok / okay / now / then
    hello / hi / hey
""")
POLITE_ENDINGS: Final = Phrases("please / thanks / thank you / for me / to me")
ARTICLES: Final = Phrases(
    "a / an / the / all the / all of the / all / every / each / any / your / our / my"
)
LISTING: Final = Phrases("""
    list / list me / list out / show / show me / name / enumerate / give me / give me a list of
    give a list of / make a list of / give me an overview of / i need a list of / a list of
""")
WHICH: Final = frozenset({"which", "what"})
COUNTING: Final = Phrases("how many / what is the number of / count / what number of")
WITH: Final = frozenset({"with", "including", "and"})
IN_LIBRARY: Final = Phrases("""
    in the library / in your library / in my library / in our library / in this library
    in the collection / in your collection / in the knowledge base / in your knowledge base
    in your sources / in the sources / in my sources / in your documents / in the documents
    in my documents / in our documents / in the files / in your files / in my files / here
    in here / in the system / in the database / in there / on file / altogether / in total
    from the library / of the library / in it
""")
EXISTING: Final = Phrases("""
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
WHOLE_LIBRARY: Final = whole_phrases("""
    what do you have / what have you got / what is in the library / what's in the library
    what is in your library / what's in your library / what is in here / what's in here
    what is there / what do you know about / what is in my library / what's in my library
    what topics do you cover / what topics are covered / what subjects do you cover
    which topics do you cover / which topics are covered / what is available
    what are your sources / what are the sources / what are your documents
    everything you have / what does the library contain / what does your library contain
""")
MENTIONING: Final = Phrases("""
    mention / mentions / talk about / talks about / discuss / discusses / refer to / refers to
    are about / is about / contain / contains / deal with / deals with / cover / covers
    speak about / speaks about / say something about / says something about
""")
ANYTHING_ABOUT: Final = Phrases("""
    do you have anything about / do you have anything on / do you have something about
    do you have something on / is there anything about / is there anything on
    is there something about / is there something on / is anything said about
    find all mentions of / find every mention of / find mentions of / where is mentioned
    all mentions of / list all mentions of
""")
MENTIONED: Final = Phrases("""
    mentioned / mentioned anywhere / mentioned somewhere / mentioned at all / mentioned here
    named anywhere / referred to / mentioned in the documents / mentioned in the library
    mentioned in the document / mentioned in this document / mentioned in any document
    mentioned in the text / mentioned in the sources / mentioned in the recordings
""")
DETAILS: Final = (
    (
        "speakers",
        Phrases("""
            who attended / who attends / who spoke in / who spoke at / who speaks in / who speaks at
            who took part in / who takes part in / who participated in / who participates in
            who was in / who was at / who was present at / who is speaking in / who talks in
            who are the speakers in / who are the speakers of / who are the participants of
            who are the participants in / list the speakers of / list the participants of
        """),
        Phrases("there"),
    ),
    (
        "length",
        Phrases("how long is / how long was / how many pages are in / how many minutes is"),
        Phrases("recording"),
    ),
    ("length", Phrases("how many pages does / how many pages do"), Phrases("have / contain")),
    (
        "day",
        Phrases("when was / when did / when were"),
        Phrases("""
        added / uploaded / imported / added to the library / uploaded to the library
    """),
    ),
)
SUMMARIZING: Final = Phrases("""
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
SUMMARY_ALONE: Final = whole_phrases("""
    summarise / summarize / summary / a summary / give me a summary / overview / tl;dr / tldr
    key points / what are the key points / what are the main points / the key points
    what are the key takeaways / the main points / sum it up / sum up / give me the key points
    give me the main points / give me an overview / what are the main topics / outline
    what are the most important points / what is the main idea / what are the highlights
    what are the key findings / what are the main findings / what is it about
""")
WHAT_ABOUT: Final = Phrases("what is / what's / what are / what was")
ABOUT_ENDINGS: Final = Phrases("about / all about / about in short / about in a few words")
WHAT_DOES: Final = Phrases("what does / what do / what did")
SAY_ENDINGS: Final = Phrases("""
    say / contain / cover / deal with / discuss / describe / tell / tell us / tell me / talk about
    consist of / say in short / regulate / include
""")
ON_SUBJECT: Final = Phrases("""
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
SUBJECT_ENDINGS: Final = Phrases("""
    is about / is all about / says / contains / covers / describes / deals with / talks about
""")
BROAD: Final = Phrases("what are the / what were the / what are / which are the / what is the")
AUXILIARY_WORDS: Final = frozenset({"is", "are", "was", "were", "have", "has", "had"})
SETTLED: Final = frozenset(
    """set defined given agreed decided planned listed described named mentioned made proposed
    identified discussed required recommended stated specified reported""".split()  # noqa: SIM905
)
SECTION_WORDS: Final = frozenset("chapter section part clause article paragraph annex".split())  # noqa: SIM905
AUXILIARIES: Final = Phrases("is / are / was / were")
PREPOSITIONS: Final = Phrases(
    "about / on / for / of / that / in / from / of the / in the / from the"
)
COMPARING: Final = Phrases("""
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
HOW_DIFFER: Final = Phrases("how does / how do / how is / how are / in what way does")
DIFFER: Final = Phrases("""
    differ from / different from / compare to / compare with / compared to / compared with
    differ to / relate to
""")
BETWEEN: Final = frozenset({"and", "with", "to", "vs", "versus", "against", "or"})
CREATING: Final = frozenset(
    """write compose draft create invent imagine generate sing paint draw code program translate
    rewrite rephrase paraphrase pretend roleplay joke""".split()  # noqa: SIM905
)
TRANSFORMING: Final = frozenset(
    "translate rewrite rephrase paraphrase reword simplify proofread".split()  # noqa: SIM905
)
RESULTS: Final = frozenset({"into", "to", "in", "as", "for"})
CREATIONS: Final = frozenset(
    """poem poems story stories song songs joke jokes essay email e-mail letter haiku limerick novel
    rap speech tweet post code script program function picture image drawing play dialogue sonnet
    blog article advertisement slogan headline python javascript""".split()  # noqa: SIM905
)
QUESTION_WORDS: Final = frozenset(
    """who whom whose what which when where why how is are was were do does did can could may might
    must shall should will would has have had am""".split()  # noqa: SIM905
)
NOT_IN_NOUN: Final = frozenset(
    """of for in on at by with from about that which who to and or than between during is are was
    were do does did can must should not no under over without""".split()  # noqa: SIM905
)
DEMONSTRATIVES: Final = frozenset({"this", "that", "the", "it", "these", "those", "my", "our"})
SOURCE_WORDS: Final = frozenset(
    """document file source report paper text pdf presentation slides spreadsheet sheet workbook
    letter manual guide handbook book transcript recording meeting call interview memo notes page
    article contract policy email mail podcast it this that""".split()  # noqa: SIM905
)

"""English words that carry little meaning of their own. Every stop-word list of the project."""

from collections.abc import Iterable
from typing import Final

_COMMON: Final = """
    a about after also an and any are as at be been before but by can could did do does for
    from give had has have he her his how i if in into is it its just may me might more most
    must my of on or our out please say shall she should so some tell than that the their
    them then there these they this those to up us was we were what when where which who why
    will with would you your
"""
_FUNCTION_ONLY: Final = """
    according all because being between both doing down during each either example further
    get gets given having here hers him itself off once only other over own per said same
    says such through too under until upon very while whom whose within yes
"""
_QUESTION_ONLY: Final = "list many much take"

NEGATORS: Final = frozenset(
    [
        "not",
        "no",
        "never",
        "none",
        "nor",
        "neither",
        "without",
        "nobody",
        "nothing",
        "nowhere",
        "hardly",
        "unless",
    ]
)
FUNCTION_WORDS: Final = frozenset((_COMMON + _FUNCTION_ONLY).split())
"""Not counted as content when words of claims, queries and passages are compared."""
QUESTION_STOP_WORDS: Final = frozenset(_COMMON.split()) | frozenset(_QUESTION_ONLY.split())
"""Not counted as key terms of a question. Smaller: "during" or "between" may carry its meaning."""

_ELSEWHERE: Final = """
    der das dem den ist sind ein eine einen einem einer und oder nicht wie wer wo wann warum wieso
    welche welcher welches wieviel viel gibt hat haben wird werden mit für von zu zum zur im bei
    wurde kann muss ich wir ihr sie es auf aus nach ohne vom am als um sich man dass wenn auch noch
    nur unter über durch gegen bis seit mein meine kein keine darf soll sollen bin hoch lange oft
    le les des du est sont une et ou qui que quel quelle quels quelles combien comment pourquoi
    dans avec pour sur ce cette il elle
    los las una qué cuál cuánto cuánta cómo dónde quién cuándo para por con es del
    gli della che quanto quale dove chi sono il di
    os um uma qual quem quando onde são não do da
    het een hoeveel wat waar wie voor van zijn
"""
FOREIGN_FUNCTION_WORDS: Final = frozenset(_ELSEWHERE.split()) - FUNCTION_WORDS
"""Of German, French, Spanish, Italian, Portuguese and Dutch, without what is English, too."""
_FOREIGN_IN_CONTEXT: Final = FOREIGN_FUNCTION_WORDS | {"die", "des", "or", "per"}
_AMBIGUOUS: Final = frozenset(
    "an also as at in me no of on so up was will".split()  # noqa: SIM905
)


def seems_english(words: Iterable[str]) -> bool:
    """Whether the words of a question, in lower case, are hardly those of another language."""
    found = list(words)
    foreign = sum(word in FOREIGN_FUNCTION_WORDS for word in found)
    english = sum(word in FUNCTION_WORDS and word not in _AMBIGUOUS for word in found)
    return foreign <= english


def foreign_function_words(words: Iterable[str]) -> frozenset[str]:
    """The function words of a question that is not English; empty for an English one."""
    found = list(words)
    return frozenset() if seems_english(found) else _FOREIGN_IN_CONTEXT.intersection(found)

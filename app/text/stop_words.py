"""English words that carry little meaning of their own. Every stop-word list of the project."""

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

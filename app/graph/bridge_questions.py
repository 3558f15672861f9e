"""Tells questions that may need facts from several places ("the team that runs the battery bank").

Only who has a model asks: each costs a call. Pure; read from the words, as English.
"""

import re
from typing import Final

_RELATIVE: Final = re.compile(
    r"\b(?:the|a|an|this|that|these|those|any|which|what|whose|same)\s+(?:[\w'’-]+\s+){1,4}?"
    r"(?:(?:to|for|by|with|of|from|in|at|on|under|beside|behind|about|near)\s+)?"
    r"(?:that|which|who|whom|whose|where)\s+(?!\?)\w",
    re.IGNORECASE,
)
_INTERROGATIVE: Final = re.compile(r"^\W*(?:which|what|who|where|whose)\b", re.IGNORECASE)
_REDUCED: Final = re.compile(
    r"\b(?:person|people|man|woman|team|group|company|companies|firm|supplier|department|employee"
    r"|manager|member|colleague|owner|author|doctor|engineer|operator|project|programme|program"
    r"|fund|building|room|place|device|document|policy|medicine|drug|one)s?\s+"
    r"(?:(?:responsible|accountable)\s+for|in charge of|behind|owned by|led by|run by|named in"
    r"|(?!during|following|regarding|concerning|including|according)[a-z]{2,}ing)\b",
    re.IGNORECASE,
)
_CHAIN: Final = re.compile(
    r"\bof\s+(?:the\s+)?(?:[\w-]+\s+){1,3}?of\s+(?:the\s+)?\w|['’]s\s+(?:[\w-]+\s+){1,3}?of\s+the\b"
    r"|['’]s\s+[\w-]+['’]s\s",
    re.IGNORECASE,
)
_SEVERAL: Final = re.compile(
    r"\bboth\b|\bthe same\b.{0,80}\bas\b|\bin common\b"
    r"|\bas (?:well|many|much|large|high|long) as\b",
    re.IGNORECASE,
)
_ROLE: Final = re.compile(
    r"\b(?:owner|author|writer|lead|leader|head|manager|mentor|deputy|chair|chairman|chairwoman"
    r"|director|founder|winner|maker|manufacturer|supplier|inventor|developer|sponsor|funder"
    r"|landlord|holder|keeper|editor|teacher|sender|buyer|seller|inspector|operator)s?"
    r"\s+(?:of|for)\s+\w",
    re.IGNORECASE,
)
_ASKS_WHO: Final = re.compile(r"\W*(?:who|name)\b", re.IGNORECASE)
_MAX_LENGTH: Final = 400


def may_need_steps(question: str) -> bool:
    """Whether one search may miss a part of the answer: what the question describes has a name,
    which stands in another passage."""
    if len(question) > _MAX_LENGTH:
        return False
    asked = _INTERROGATIVE.sub("", question)
    described = any(pattern.search(asked) for pattern in (_RELATIVE, _REDUCED, _CHAIN, _SEVERAL))
    return described or (_ROLE.search(question) is not None and not _ASKS_WHO.match(question))

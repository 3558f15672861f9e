"""Judges by strings whether an answer contains what it must."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from bench.answers.questions import Item

Verdict = Literal["right", "partly", "wrong", "wrongly refused"]
VERDICTS: Final[tuple[Verdict, ...]] = ("right", "partly", "wrong", "wrongly refused")

_MARKERS: Final = re.compile(r"\[\d+\]")
_MARKUP: Final = re.compile(r"[*`_|\\]+|^\s*#+\s|[“”\"]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Reply:
    """The last answer of a conversation. `evidence`: the full text of the cited passages."""

    text: str
    refused: bool
    evidence: tuple[str, ...] = ()


def judge(item: Item, reply: Reply) -> Verdict:
    """The verdict of a reader who knows what stands in the sources.

    Partly: it says some of it, or also what it must not, or cites a passage that says the rest.
    """
    if item.form == "declined":
        return "right" if reply.refused else "wrong"
    if reply.refused:
        return "wrongly refused"
    said = folded(reply.text)
    found = [_place(said, wordings) for wordings in item.must]
    is_clean = not any(folded(one) in said for one in item.must_not)
    if item.form == "uncited":
        return "right" if all(p >= 0 for p in found) and not reply.evidence else "wrong"
    if all(place >= 0 for place in found):
        in_order = item.form != "ordered" or found == sorted(found)
        return "right" if is_clean and in_order else "partly"
    if any(place >= 0 for place in found):
        return "partly"
    cited = folded(" ".join(reply.evidence))
    return "partly" if all(_place(cited, one) >= 0 for one in item.must) else "wrong"


def folded(text: str) -> str:
    """Without markers, emphasis, quotation marks, case and line breaks."""
    plain = _MARKUP.sub(" ", _MARKERS.sub("", text)).replace("’", "'")
    return " ".join(plain.casefold().split())


def _place(text: str, wordings: Sequence[str]) -> int:
    """Where the first of the wordings stands; -1 when none does."""
    found = [place for one in wordings if (place := text.find(folded(one))) >= 0]
    return min(found, default=-1)

"""Whether a stretch of a source says what a claim says.

No model: a claim counts as supported when its words, figures and names are in the evidence and
neither side is negated alone. A claim that follows one sentence of the evidence nearly word for
word is compared with that sentence word by word, because there a single exchanged word is the
difference between true and false.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Final, Literal, NamedTuple

from app.text.tokens import Word

NEAR: Final = 0.6
"""Share of the claim's words found in order from which it counts as a copy of the sentence."""
COVERED: Final = 0.7
"""Share of the claim's content words that must occur in the evidence or its headings."""
_MIN_COPY_WORDS: Final = 4
_BEFORE: Final = 3
"""A negator so many words before the matched ones may belong to them."""
_NEGATED: Final = 2
"""Content words after a negator that it is taken to negate."""

_OPPOSITE_PAIRS: Final = (
    ("increas", "decreas"),
    ("increas", "reduc"),
    ("increas", "lower"),
    ("rais", "lower"),
    ("higher", "lower"),
    ("high", "low"),
    ("more", "less"),
    ("before", "after"),
    ("above", "below"),
    ("maximum", "minimum"),
)
_OPPOSITES: Final = frozenset(_OPPOSITE_PAIRS) | {(b, a) for a, b in _OPPOSITE_PAIRS}

Status = Literal["supported", "missing", "conflict"]
"""`missing`: not said here, perhaps nearby; `conflict`: something else is said here."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one stretch of evidence says about a claim, with the reason for people."""

    standing: Status
    reason: str
    likeness: float  # 0..1, to choose among several stretches

    @property
    def supported(self) -> bool:
        """The evidence says what the claim says."""
        return self.standing == "supported"


class Claim(NamedTuple):
    """The words of a cited sentence, with the text they come from for messages."""

    text: str
    words: tuple[Word, ...]

    def shown(self, word: Word) -> str:
        """The word as written."""
        return self.text[word.start : word.end]


@dataclass(frozen=True, slots=True)
class PassageContext:
    """What a passage is about beyond its sentences, and the names of the other passages."""

    about: frozenset[str]  # words of title, headings and speakers
    others: frozenset[str]  # title words of other passages that this one never uses


def compare(claim: Claim, evidence: Sequence[Word], around: PassageContext) -> Verdict:
    """Judge one claim against one stretch of evidence."""
    matcher = SequenceMatcher(
        None, [w.norm for w in evidence], [w.norm for w in claim.words], autojunk=False
    )
    alike = sum(block.size for block in matcher.get_matching_blocks()) / max(1, len(claim.words))
    near = alike >= NEAR and len(claim.words) >= _MIN_COPY_WORDS
    have = {w.norm for w in evidence} | around.about
    content = [w for w in claim.words if w.content and not w.negator]
    if not content:
        return Verdict("missing", "nothing in it to check", 0.0)
    covered = sum(w.norm in have for w in content) / len(content)
    likeness = (covered + alike) / 2
    if near and (exchanged := _exchanged(claim, evidence, matcher)):
        return Verdict("conflict", exchanged, likeness)
    if near and _turned(claim, evidence, matcher):
        return Verdict("conflict", "one says it, the other denies it", likeness)
    if absent := _absent(claim, content, have, around):
        return Verdict("missing", absent, likeness)
    if not near and (contrary := _contrary(claim, evidence)):
        return Verdict("missing", contrary, likeness)
    if covered < (COVERED if len(content) > 2 else 1.0):
        return Verdict("missing", "most of it is not said there", likeness)
    return Verdict("supported", "the passage says the same", likeness)


def _exchanged(
    claim: Claim, evidence: Sequence[Word], matcher: "SequenceMatcher[str]"
) -> str | None:
    """The first word that stands in the place of another one of the sentence."""
    supply = Counter(w.norm for w in evidence)
    demand = Counter(w.norm for w in claim.words)
    for tag, from_e, to_e, from_c, to_c in matcher.get_opcodes():
        if tag != "replace":
            continue
        lost = [w for w in evidence[from_e:to_e] if w.content and not w.negator]
        new = [w for w in claim.words[from_c:to_c] if w.content and not w.negator]
        surplus = next((w for w in new if demand[w.norm] > supply[w.norm]), None)
        if surplus is not None and any(supply[w.norm] > demand[w.norm] for w in lost):
            return f"“{claim.shown(surplus)}” is not what the passage says"
    return None


def _turned(claim: Claim, evidence: Sequence[Word], matcher: "SequenceMatcher[str]") -> bool:
    """Whether one side negates what the other states, within the words they share."""
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    shared = [i for block in blocks for i in range(block.a, block.a + block.size)]
    first = next((i for i in shared if evidence[i].content and not evidence[i].negator), None)
    if first is None:
        return False
    span = evidence[max(0, first - _BEFORE) : shared[-1] + 1]
    return _negators(span) != _negators(claim.words)


def _negators(sequence: Sequence[Word]) -> int:
    return sum(word.negator for word in sequence)


def _absent(
    claim: Claim, content: Sequence[Word], have: set[str], around: PassageContext
) -> str | None:
    """A figure, a name or another passage's subject that the evidence does not know."""
    for index, word in enumerate(content):
        if word.norm in have:
            continue
        shown = claim.shown(word)
        if word.number:
            return f"the figure {shown} is not in the passage"
        if word.norm in around.others:
            return f"“{shown}” is not in the passage"
        if word.capital and (index > 0 or word.start > claim.words[0].start):
            return f"the name “{shown}” is not in the passage"
    return None


def _contrary(claim: Claim, evidence: Sequence[Word]) -> str | None:
    """A paraphrase that is negated alone, or says the opposite."""
    known = {w.norm for w in evidence}
    said = {w.norm for w in claim.words}
    if _denies(claim.words, known) != _denies(evidence, said):
        return "one says it, the other denies it"
    for word in claim.words:
        if word.norm not in known and any((word.norm, other) in _OPPOSITES for other in known):
            return f"the passage says the opposite of “{claim.shown(word)}”"
    return None


def _denies(sequence: Sequence[Word], shared: set[str]) -> bool:
    """Whether it negates something that the other side speaks of too."""
    for index, word in enumerate(sequence):
        if word.negator:
            following = (sequence[i] for i in range(index + 1, len(sequence)))
            negated = islice((w.norm for w in following if w.content), _NEGATED)
            if not shared.isdisjoint(negated):
                return True
    return False

"""Checks whether a span of a source supports a claim. Uses no model.

A claim is supported when its words, numbers and names occur in the evidence and neither side alone
is negated. A claim that is nearly a copy of one sentence is compared with it word by word, because
there a single substituted word decides whether the claim is true.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Final, Literal, NamedTuple

from app.text.tokens import Word

NEAR_COPY: Final = 0.6
"""A claim with at least this share of its words found in order counts as a near copy."""
MIN_COVERAGE: Final = 0.7
"""Minimum share of the claim's content words that occur in the evidence or its headings."""
_MIN_COPY_WORDS: Final = 4
_NEGATION_LOOKBACK: Final = 3
"""A negator up to this many words before the matched words may apply to them."""
_NEGATION_SCOPE: Final = 2
"""How many content words after a negator it is assumed to negate."""

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
"""`missing`: not stated here, perhaps nearby; `conflict`: contradicted here."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of comparing a claim with one span; `reason` is shown to users."""

    status: Status
    reason: str
    similarity: float  # 0..1, for choosing among several spans

    @property
    def supported(self) -> bool:
        return self.status == "supported"


class Claim(NamedTuple):
    """The words of a cited sentence and its text, for messages."""

    text: str
    words: tuple[Word, ...]

    def shown(self, word: Word) -> str:
        return self.text[word.start : word.end]


@dataclass(frozen=True, slots=True)
class PassageContext:
    """The topic of a passage beyond its sentences, and the titles of the other passages."""

    about: frozenset[str]  # words of title, headings and speakers
    others: frozenset[str]  # title words of other passages that do not occur in this one


def compare(claim: Claim, evidence: Sequence[Word], context: PassageContext) -> Verdict:
    """Compare one claim with one span of evidence."""
    matcher = SequenceMatcher(
        None, [w.norm for w in evidence], [w.norm for w in claim.words], autojunk=False
    )
    matched = sum(block.size for block in matcher.get_matching_blocks()) / max(1, len(claim.words))
    is_near_copy = matched >= NEAR_COPY and len(claim.words) >= _MIN_COPY_WORDS
    evidence_norms = {w.norm for w in evidence} | context.about
    content = [w for w in claim.words if w.is_content and not w.is_negator]
    if not content:
        return Verdict("missing", "there is nothing to check in it", 0.0)
    covered = sum(w.norm in evidence_norms for w in content) / len(content)
    similarity = (covered + matched) / 2
    if is_near_copy and (substitution := _substitution(claim, evidence, matcher)):
        return Verdict("conflict", substitution, similarity)
    if is_near_copy and _negation_differs(claim, evidence, matcher):
        return Verdict("conflict", "one states it, the other denies it", similarity)
    if missing_fact := _missing_fact(claim, content, evidence_norms, context):
        return Verdict("missing", missing_fact, similarity)
    if not is_near_copy and (contradiction := _contradiction(claim, evidence)):
        return Verdict("missing", contradiction, similarity)
    if covered < (MIN_COVERAGE if len(content) > 2 else 1.0):
        return Verdict("missing", "most of it is not said there", similarity)
    return Verdict("supported", "the passage says the same", similarity)


def _substitution(
    claim: Claim, evidence: Sequence[Word], matcher: "SequenceMatcher[str]"
) -> str | None:
    """The reason when a word of the sentence was replaced by another one."""
    supply = Counter(w.norm for w in evidence)
    demand = Counter(w.norm for w in claim.words)
    for tag, from_e, to_e, from_c, to_c in matcher.get_opcodes():
        if tag != "replace":
            continue
        lost = [w for w in evidence[from_e:to_e] if w.is_content and not w.is_negator]
        new = [w for w in claim.words[from_c:to_c] if w.is_content and not w.is_negator]
        surplus = next((w for w in new if demand[w.norm] > supply[w.norm]), None)
        if surplus is not None and any(supply[w.norm] > demand[w.norm] for w in lost):
            return f"“{claim.shown(surplus)}” is not what the passage says"
    return None


def _negation_differs(
    claim: Claim, evidence: Sequence[Word], matcher: "SequenceMatcher[str]"
) -> bool:
    """Whether exactly one side negates the words that both share."""
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    shared = [i for block in blocks for i in range(block.a, block.a + block.size)]
    first = next((i for i in shared if evidence[i].is_content and not evidence[i].is_negator), None)
    if first is None:
        return False
    span = evidence[max(0, first - _NEGATION_LOOKBACK) : shared[-1] + 1]
    return _negators(span) != _negators(claim.words)


def _negators(sequence: Sequence[Word]) -> int:
    return sum(word.is_negator for word in sequence)


def _missing_fact(
    claim: Claim, content: Sequence[Word], evidence_norms: set[str], context: PassageContext
) -> str | None:
    """The reason when a number, a name or another passage's subject is not in the evidence."""
    for index, word in enumerate(content):
        if word.norm in evidence_norms:
            continue
        shown = claim.shown(word)
        if word.is_number:
            return f"the figure {shown} is not in the passage"
        if word.norm in context.others:
            return f"“{shown}” is not in the passage"
        if word.is_capitalized and (index > 0 or word.start > claim.words[0].start):
            return f"the name “{shown}” is not in the passage"
    return None


def _contradiction(claim: Claim, evidence: Sequence[Word]) -> str | None:
    """The reason when a paraphrase is negated on one side only, or states the opposite."""
    evidence_norms = {w.norm for w in evidence}
    claim_norms = {w.norm for w in claim.words}
    if _negates(claim.words, evidence_norms) != _negates(evidence, claim_norms):
        return "one states it, the other denies it"
    for word in claim.words:
        if word.norm not in evidence_norms and any(
            (word.norm, other) in _OPPOSITES for other in evidence_norms
        ):
            return f"the passage says the opposite of “{claim.shown(word)}”"
    return None


def _negates(sequence: Sequence[Word], shared: set[str]) -> bool:
    """Whether it negates a word that the other side also contains."""
    for index, word in enumerate(sequence):
        if word.is_negator:
            following = (sequence[i] for i in range(index + 1, len(sequence)))
            negated = islice((w.norm for w in following if w.is_content), _NEGATION_SCOPE)
            if not shared.isdisjoint(negated):
                return True
    return False

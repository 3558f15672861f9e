"""Judges evidence by the raw signals of search and reranking. Pure.

Fused scores are per query and say nothing about "is this any good". Raw signals do, and make up
for each other: closeness in meaning (cosine, and how alike the tokens are), how much of the topic
is said within one stretch (together), how well its rare words are met, in whatever wording (met,
and rarest of those alone), and how close all of what was found is (around): whether the library
speaks of such things. A logistic regression turns them into the *chance* that a passage is
evidence. It is *clear* above one bound, *off* below another; in between the model is asked, or
without one even odds decide.

What a question names and nothing resembles is hardly made up for: where the passages lack it, only
the best evidence stays good enough without a model, which may still find that they answer.

Within a filter that leaves few passages the best of them looks worse than the best of a library,
whatever is asked, and whoever chose them expects an answer there: the odds *lean* towards one.

All numbers were fitted on half of the questions asked of five libraries with and without an answer,
each library counting alike, so that on each at most 5 % are refused falsely and 95 % of foreign
topics are refused; the other half was read afterwards (decision 36). The chance tells foreign
topics well, and names that are not there; the right subject with a fact that is not said, hardly.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

from app.domain.events import GradedPassage
from app.domain.models import Candidate, Filters
from app.graph.model_replies import relevant_numbers

CLEAR = 0.97
ENOUGH = 0.5
OFF = 0.1
MAX_KEPT = 6
MANY = 1_200
"""Passages from which a filter changes nothing: those of the library that set the intercept."""
MAX_LEAN = 4.0
WEIGHTS = (2.4, 8.22, 5.81, 12.73, 8.53)
"""Of together, met, rarest, token similarity and around."""
LACKING = 0.34
"""The share of the topic from which on it counts that no passage meets its rare words."""
LACK = 4.0
"""What that takes off the log odds …"""
DOUBTFUL = -1.5
"""… down to these: refused without a model, but never unread by one."""
SPOKEN = 0.4
"""Log odds of recordings: people say things in other words than those who ask."""
SPOKEN_BY_COSINE = 0.75
"""The same where nobody looked closely; only under a filter, else foreign topics were answered."""

Band = Literal["clear", "grey", "off"]


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict over all candidates."""

    decision: Literal["answer", "refuse", "unsure"]
    kept: tuple[Candidate, ...]
    graded: tuple[GradedPassage, ...]


def leaning(filters: Filters, searched_passages: int) -> float:
    """What a filter that leaves so few passages adds to the log odds of each, at least 0."""
    if filters.empty or searched_passages == 0:
        return 0.0
    return min(max(log(MANY / searched_passages), 0.0), MAX_LEAN)


def chance(candidate: Candidate, lean: float = 0.0) -> float:
    """How likely this passage is evidence, 0..1."""
    cosine, spoken = max(candidate.cosine, 0.0), candidate.passage.kind == "recording"
    look = (candidate.together, candidate.met, candidate.rarest)
    signals = [
        one for one in (*look, candidate.token_similarity, candidate.around) if one is not None
    ]
    if len(signals) == len(WEIGHTS):
        odds = 4.52 * cosine + SPOKEN * spoken - 15.52
        odds += sum(weight * one for weight, one in zip(WEIGHTS, signals, strict=True))
    else:  # nobody looked closely, or no tokens are known
        odds = 12.1 * cosine + 8.9 * candidate.coverage - 9.7
        odds += SPOKEN_BY_COSINE * (spoken and lean > 0)
    if _lacks(candidate):
        odds = min(odds, max(odds - LACK, DOUBTFUL))
    return 1 / (1 + exp(-odds - lean))


def band(candidate: Candidate, lean: float = 0.0) -> Band:
    """How good one candidate is by itself."""
    likely = chance(candidate, lean)
    if likely >= CLEAR:
        return "clear"
    return "off" if likely < OFF else "grey"


def confidence(ranked: Sequence[Candidate], lean: float = 0.0) -> float:
    """How sure the signals are that the candidates hold an answer."""
    return max((chance(candidate, lean) for candidate in ranked), default=0.0)


def by_score(ranked: Sequence[Candidate], *, settle: bool, lean: float = 0.0) -> Grade:
    """The verdict by score; in the grey band `unsure`, or with `settle` a decision all the same."""
    bands = [band(candidate, lean) for candidate in ranked]
    if "clear" in bands:
        keep = [b != "off" for b in bands]
        return _grade("answer", ranked, keep, [_reason(c) for c in ranked])
    if "grey" not in bands:
        return _grade("refuse", ranked, [False] * len(ranked), [_reason(c) for c in ranked])
    if not settle:
        return _grade("unsure", ranked, [b == "grey" for b in bands], [_reason(c) for c in ranked])
    good = any(good_enough(c, lean) for c in ranked)
    keep = [good and b == "grey" for b in bands]
    return _grade("answer" if good else "refuse", ranked, keep, [_reason(c) for c in ranked])


def by_model(ranked: Sequence[Candidate], reply: str) -> Grade | None:
    """The verdict the model wrote; None when its reply cannot be read."""
    numbers = relevant_numbers(reply, passages=len(ranked))
    if numbers is None:
        return None
    keep = [number in numbers for number in range(1, len(ranked) + 1)]
    reasons = ["read and found relevant" if k else "read and found irrelevant" for k in keep]
    return _grade("answer" if any(keep) else "unsure", ranked, keep, reasons)


def good_enough(candidate: Candidate, lean: float = 0.0) -> bool:
    """Whether scores alone would answer from this candidate."""
    return chance(candidate, lean) >= ENOUGH


def _lacks(candidate: Candidate) -> bool:
    return candidate.lacking is not None and candidate.lacking >= LACKING


def _reason(candidate: Candidate) -> str:
    terms = f"{round(candidate.coverage * 100)} % of the question's terms"
    lacks = ", a rare word of it is nowhere near" if _lacks(candidate) else ""
    return f"similarity {candidate.cosine:.2f}, {terms}{lacks}"


def _grade(
    decision: Literal["answer", "refuse", "unsure"],
    ranked: Sequence[Candidate],
    keep: Sequence[bool],
    reasons: Sequence[str],
) -> Grade:
    kept = [c for c, k in zip(ranked, keep, strict=True) if k][:MAX_KEPT]
    ids = {c.passage.passage_id for c in kept}
    graded = tuple(
        GradedPassage(
            passage_id=c.passage.passage_id,
            source_id=c.passage.source_id,
            title=c.passage.title,
            kept=c.passage.passage_id in ids,
            reason=reason,
        )
        for c, reason in zip(ranked, reasons, strict=True)
    )
    return Grade(decision, tuple(kept), graded)

"""Grades evidence from the raw signals of search and reranking. Pure.

Fused scores are relative to one query and do not measure quality. Raw signals do, and compensate
for each other: similarity (cosine and token similarity), proximity of the topic's words, how well
its words are matched by their nearest tokens (`maxsim`, and `rare_maxsim` for the rarest words),
and the mean cosine of all candidates, which shows whether the library covers the subject. A
logistic regression turns them into the *probability* that a passage is evidence. A passage is
*clear* above one threshold and *off* below another; in between the model decides, or without a
model a probability of one half.

If no passage matches a rare word of the question, only the best evidence remains sufficient without
a model, which may still find that the passages answer. If the question names what no source has,
nothing is sufficient without a model: the passages are about something else.

Few passages, because of a filter or in a small library, lower the signals of the best one: the mean
cosine is that of nearly everything. A bonus is added to the log odds; the full one under a filter,
because users who select sources expect an answer from them. Without a filter there is none for a
question with a missing rare word, unless its other signals are good: foreign topics look like that.

All numbers were fitted on half of the questions on five libraries, with and without an answer, each
library weighted equally, so that on each at most 5 % are refused falsely and 95 % of foreign topics
are refused; the other half was evaluated afterwards (decision 36). The probability separates
foreign topics and unknown names well, but hardly the right subject with a missing fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal, NamedTuple

from app.domain.events import GradedPassage
from app.domain.models import Candidate, Filters
from app.graph.model_replies import relevant_numbers

CLEAR = 0.97
THRESHOLD = 0.5
IRRELEVANT = 0.1
MAX_KEPT = 6
FULL_LIBRARY_PASSAGES = 1_200
"""Passages of the library that set the intercept: with as many, a filter changes nothing."""
MAX_BONUS = 4.0
SMALL_LIBRARY_PASSAGES = 180
"""Without a filter: about the smallest library of the fit. A larger one changes nothing."""
SMALL_LIBRARY_WEIGHT = 1.4
"""... and how much the logarithm of the size counts."""
WEIGHTS = (2.4, 8.22, 5.81, 12.73, 8.53)
"""Of proximity, maxsim, rare_maxsim, token similarity and mean cosine."""
MAX_MISSING_SHARE = 0.34
"""From this share of the topic, unmatched rare words are penalized."""
MISSING_PENALTY = 4.0
"""Subtracted from the log odds …"""
MIN_PENALIZED_ODDS = -1.5
"""… down to this value: refused without a model, but still graded by one."""
MIN_ODDS_FOR_BONUS = 1.2
"""Of a question with a missing rare word, so that a small library leans towards an answer."""
RECORDING_BONUS = 0.4
"""Log odds added for recordings: speech is worded differently from questions."""
RECORDING_BONUS_BY_COSINE = 0.75
"""The same without reranking; only under a filter, else foreign topics would be answered."""

Band = Literal["clear", "grey", "off"]


class Bonus(NamedTuple):
    """What few passages add to the log odds of each."""

    odds: float = 0.0
    is_filtered: bool = False


NO_BONUS = Bonus()


@dataclass(frozen=True, slots=True)
class Grade:
    """The verdict over all candidates."""

    decision: Literal["answer", "refuse", "unsure"]
    kept: tuple[Candidate, ...]
    graded: tuple[GradedPassage, ...]


def size_bonus(filters: Filters, searched_passages: int) -> Bonus:
    """The bonus of a search in so many passages; at least 0."""
    if searched_passages == 0:
        return NO_BONUS
    is_filtered = not filters.empty
    full = FULL_LIBRARY_PASSAGES if is_filtered else SMALL_LIBRARY_PASSAGES
    weight = 1.0 if is_filtered else SMALL_LIBRARY_WEIGHT
    odds = min(max(weight * log(full / searched_passages), 0.0), MAX_BONUS)
    return Bonus(odds, is_filtered)


def probability(candidate: Candidate, bonus: Bonus = NO_BONUS) -> float:
    """The probability that this passage is evidence, 0..1."""
    cosine, is_recording = max(candidate.cosine, 0.0), candidate.passage.kind == "recording"
    features = (candidate.proximity, candidate.maxsim, candidate.rare_maxsim)
    signals = [
        one
        for one in (*features, candidate.token_similarity, candidate.mean_cosine)
        if one is not None
    ]
    if len(signals) == len(WEIGHTS):
        odds = 4.52 * cosine + RECORDING_BONUS * is_recording - 15.52
        odds += sum(weight * one for weight, one in zip(WEIGHTS, signals, strict=True))
    else:  # not reranked, or without token states
        odds = 12.1 * cosine + 8.9 * candidate.coverage - 9.7
        odds += RECORDING_BONUS_BY_COSINE * (is_recording and bonus.is_filtered)
    if _misses_rare_words(candidate):
        if odds < MIN_ODDS_FOR_BONUS and not bonus.is_filtered:
            bonus = NO_BONUS
        odds = min(odds, max(odds - MISSING_PENALTY, MIN_PENALIZED_ODDS))
    return 1 / (1 + exp(-odds - bonus.odds))


def band(candidate: Candidate, bonus: Bonus = NO_BONUS) -> Band:
    """The band of one candidate."""
    likely = probability(candidate, bonus)
    if likely >= CLEAR:
        return "clear"
    return "off" if likely < IRRELEVANT else "grey"


def confidence(ranked: Sequence[Candidate], bonus: Bonus = NO_BONUS) -> float:
    """The highest probability among the candidates."""
    return max((probability(candidate, bonus) for candidate in ranked), default=0.0)


def by_score(
    ranked: Sequence[Candidate],
    *,
    force: bool,
    bonus: Bonus = NO_BONUS,
    unknown: Sequence[str] = (),
) -> Grade:
    """The verdict by score; in the grey band `unsure`, unless `force` requires a decision.

    `unknown`: names in the question that no source has.
    """
    if unknown and ranked:
        return _of_unknown(ranked, unknown, force=force)
    bands = [band(candidate, bonus) for candidate in ranked]
    if "clear" in bands:
        keep = [b != "off" for b in bands]
        return _grade("answer", ranked, keep, [_reason(c) for c in ranked])
    if "grey" not in bands:
        return _grade("refuse", ranked, [False] * len(ranked), [_reason(c) for c in ranked])
    if not force:
        return _grade("unsure", ranked, [b == "grey" for b in bands], [_reason(c) for c in ranked])
    good = any(is_evidence(c, bonus) for c in ranked)
    keep = [good and b == "grey" for b in bands]
    return _grade("answer" if good else "refuse", ranked, keep, [_reason(c) for c in ranked])


def _of_unknown(ranked: Sequence[Candidate], unknown: Sequence[str], *, force: bool) -> Grade:
    reason = f"no source has {', '.join(f'“{name}”' for name in unknown)}"
    decision: Literal["refuse", "unsure"] = "refuse" if force else "unsure"
    return _grade(decision, ranked, [not force] * len(ranked), [reason] * len(ranked))


def by_score_of_each(
    ranked: Sequence[Candidate],
    by_query: Sequence[Sequence[Candidate]],
    *,
    unknown: Sequence[Sequence[str]],
    force: bool,
    bonus: Bonus = NO_BONUS,
) -> Grade:
    """The verdict on several searches together.

    A passage is kept if one of the searches keeps it; nothing is cut, because `ranked` is short.
    """
    grades = [
        by_score(one, force=force, bonus=bonus, unknown=names)
        for one, names in zip(by_query, unknown, strict=True)
    ]
    decisions = [grade.decision for grade in grades]
    kept = {one.passage.passage_id for grade in grades for one in grade.kept}
    reasons: dict[str, str] = {}
    for one in (one for grade in grades for one in grade.graded):
        if one.kept or one.passage_id not in reasons:
            reasons[one.passage_id] = one.reason
    return _grade(
        "unsure" if "unsure" in decisions else "answer" if "answer" in decisions else "refuse",
        ranked,
        [one.passage.passage_id in kept for one in ranked],
        [reasons.get(one.passage.passage_id, "") for one in ranked],
        limit=len(ranked),
    )


def by_model(ranked: Sequence[Candidate], reply: str, *, limit: int = MAX_KEPT) -> Grade | None:
    """The verdict the model wrote; None when its reply cannot be read."""
    numbers = relevant_numbers(reply, passages=len(ranked))
    if numbers is None:
        return None
    keep = [number in numbers for number in range(1, len(ranked) + 1)]
    reasons = ["read and found relevant" if k else "read and found irrelevant" for k in keep]
    return _grade("answer" if any(keep) else "unsure", ranked, keep, reasons, limit=limit)


def kept_again(candidates: Sequence[Candidate]) -> Grade:
    """The verdict that keeps what an earlier one kept."""
    reasons = ["found by the first search"] * len(candidates)
    return _grade("answer", candidates, [True] * len(candidates), reasons, limit=len(candidates))


def is_evidence(candidate: Candidate, bonus: Bonus = NO_BONUS) -> bool:
    """Whether scores alone accept this candidate."""
    return probability(candidate, bonus) >= THRESHOLD


def _misses_rare_words(candidate: Candidate) -> bool:
    return candidate.missing_share is not None and candidate.missing_share >= MAX_MISSING_SHARE


def _reason(candidate: Candidate) -> str:
    terms = f"{round(candidate.coverage * 100)} % of the question's terms"
    misses = ", a rare word of it is nowhere near" if _misses_rare_words(candidate) else ""
    return f"similarity {candidate.cosine:.2f}, {terms}{misses}"


def _grade(
    decision: Literal["answer", "refuse", "unsure"],
    ranked: Sequence[Candidate],
    keep: Sequence[bool],
    reasons: Sequence[str],
    *,
    limit: int = MAX_KEPT,
) -> Grade:
    kept = [c for c, k in zip(ranked, keep, strict=True) if k][:limit]
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

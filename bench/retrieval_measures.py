"""Measures of rankings and of yes-or-no scores, with bootstrap intervals. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

import numpy as np
from numpy.typing import NDArray

RESAMPLES: Final = 2000
_SEED: Final = 20261120

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float
    count: int


def ndcg(relevant: Mapping[str, int], ranking: Sequence[str], *, at: int = 10) -> float:
    """Graded gain over the best possible one (Järvelin and Kekäläinen 2002), 0..1."""
    gain = sum(relevant.get(one, 0) / log2(i + 2) for i, one in enumerate(ranking[:at]))
    best = sorted(relevant.values(), reverse=True)[:at]
    return gain / sum(grade / log2(i + 2) for i, grade in enumerate(best))


def recall(relevant: Mapping[str, int], ranking: Sequence[str], *, at: int) -> float:
    """The share of the relevant passages that are among the first."""
    return len(set(ranking[:at]) & set(relevant)) / len(relevant)


def reciprocal_rank(relevant: Mapping[str, int], ranking: Sequence[str], *, at: int = 10) -> float:
    """The reciprocal rank of the first relevant passage; 0 beyond the cutoff."""
    return next((1 / (i + 1) for i, one in enumerate(ranking[:at]) if one in relevant), 0.0)


def estimate(values: Sequence[float]) -> Estimate:
    """The mean with a percentile bootstrap interval; the same values give the same interval."""
    sample = np.asarray(values, float)
    if not len(sample):
        return Estimate(float("nan"), float("nan"), float("nan"), 0)
    means = _resampled(sample)
    low, high = np.percentile(means, [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high), len(sample))


def difference(ours: Mapping[str, float], theirs: Mapping[str, float]) -> Estimate:
    """Paired mean difference and interval over the questions that both have."""
    return estimate([ours[one] - theirs[one] for one in sorted(ours.keys() & theirs.keys())])


def _resampled(sample: Floats) -> Floats:
    rng = np.random.default_rng(_SEED)
    means = [sample[rng.integers(0, len(sample), len(sample))].mean() for _ in range(RESAMPLES)]
    return np.array(means)


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """AUC: the probability that a positive scores higher than a negative, ties count half."""
    if not positive or not negative:
        return float("nan")
    below = np.sort(np.asarray(negative, float))
    wins = np.searchsorted(below, positive, side="left")
    ties = np.searchsorted(below, positive, side="right") - wins
    return float((wins + ties / 2).sum() / (len(positive) * len(negative)))


@dataclass(frozen=True, slots=True)
class Cut:
    """The effect of a score threshold: shares of correct and false refusals."""

    bound: float
    refused: float  # of those that should be
    false_refusals: float  # of those that should not be


def curve(answerable: Sequence[float], foreign: Sequence[float], *, steps: int = 100) -> list[Cut]:
    """The refusals below each threshold, in ascending order."""
    good, bad = np.asarray(answerable, float), np.asarray(foreign, float)
    bounds = np.quantile(np.concatenate([good, bad]), np.linspace(0, 1, steps + 1))
    return [
        Cut(float(b), float((bad < b).mean()), float((good < b).mean())) for b in np.unique(bounds)
    ]


def refused_at(answerable: Sequence[float], foreign: Sequence[float], *, allowed: float) -> Cut:
    """The best threshold with at most the `allowed` share of false refusals."""
    good = np.sort(np.asarray(answerable, float))
    bound = float(good[min(int(allowed * len(good)), len(good) - 1)])
    bad = np.asarray(foreign, float)
    return Cut(bound, float((bad < bound).mean()), float((good < bound).mean()))

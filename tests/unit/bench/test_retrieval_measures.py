"""The measures of the evaluation, checked by hand."""

from math import isnan, log2

import pytest

from bench.retrieval_measures import (
    auc,
    curve,
    difference,
    estimate,
    ndcg,
    recall,
    reciprocal_rank,
    refused_at,
)

RELEVANT = {"a": 2, "b": 1}


def test_graded_gain_is_relative_to_the_best_order() -> None:
    best = 2 + 1 / log2(3)
    assert ndcg(RELEVANT, ["a", "b", "x"]) == pytest.approx(1)
    assert ndcg(RELEVANT, ["b", "a"]) == pytest.approx((1 + 2 / log2(3)) / best)
    assert ndcg(RELEVANT, ["x", "y"]) == 0
    assert ndcg(RELEVANT, [*"0123456789", "a"]) == 0


def test_recall_and_rank() -> None:
    assert recall(RELEVANT, ["x", "b", "y"], at=5) == 0.5
    assert recall(RELEVANT, ["x", "b", "a"], at=2) == 0.5
    assert reciprocal_rank(RELEVANT, ["x", "b", "a"]) == 0.5
    assert reciprocal_rank(RELEVANT, [*"0123456789", "a"]) == 0


def test_an_interval_encloses_the_mean_and_is_the_same_each_time() -> None:
    values = [0.0, 1.0] * 50
    told = estimate(values)
    assert told.low < told.mean == 0.5 < told.high
    assert told.high - told.low == pytest.approx(0.2, abs=0.04)  # 4 sqrt(.25 / 100)
    assert estimate(values) == told
    assert isnan(estimate([]).mean)


def test_differences_are_paired() -> None:
    theirs = {str(i): i / 100 for i in range(100)}
    ours = {name: value + 0.01 for name, value in theirs.items()}
    told = difference(ours | {"new": 5.0}, theirs)
    assert told.count == 100
    assert told.low == pytest.approx(told.high) == pytest.approx(0.01)


def test_auc_counts_ties_half() -> None:
    assert auc([2, 3], [0, 1]) == 1
    assert auc([1], [1]) == 0.5
    assert auc([0, 2], [1]) == 0.5
    assert isnan(auc([], [1]))


def test_the_bound_spends_what_is_allowed() -> None:
    good = [float(i) for i in range(100)]
    cut = refused_at(good, [0.0, 1.0, 50.0, 3.0], allowed=0.05)
    assert cut.false_refusals <= 0.05
    assert cut.refused == 0.75


def test_the_curve_goes_from_nothing_refused_upwards() -> None:
    cuts = curve([5.0, 6.0, 7.0], [1.0, 2.0, 6.0])
    assert (cuts[0].refused, cuts[0].false_refusals) == (0, 0)
    assert [cut.bound for cut in cuts] == sorted(cut.bound for cut in cuts)
    assert any(cut.refused > 0.6 and cut.false_refusals == 0 for cut in cuts)

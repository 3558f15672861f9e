"""Aggregates outcomes into measures: per question, and as means with intervals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final
from zlib import crc32

import numpy as np

from bench.retrieval_answers import Judged, judge
from bench.retrieval_collections import Collection, Question
from bench.retrieval_measures import (
    auc,
    curve,
    estimate,
    ndcg,
    recall,
    reciprocal_rank,
    refused_at,
)
from bench.retrieval_systems import Outcome

Measure = Callable[[Mapping[str, int], Sequence[str]], float]

MEASURES: Final[Mapping[str, Measure]] = {
    "nDCG@10": ndcg,
    "recall@5": lambda relevant, ranking: recall(relevant, ranking, at=5),
    "recall@20": lambda relevant, ranking: recall(relevant, ranking, at=20),
    "MRR@10": reciprocal_rank,
}
FALSE_REFUSALS_ALLOWED: Final = 0.05


@dataclass(slots=True)
class Results:
    """The measurements of one collection."""

    collection: Collection
    passages: int
    outcomes: list[Outcome] = field(default_factory=list)
    rankings: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    foreign: dict[str, list[Outcome]] = field(default_factory=dict)  # by what was asked

    @property
    def name(self) -> str:
        return self.collection.name

    @property
    def library(self) -> str:
        """The collection whose passages were searched: `qmsum` of `qmsum unfiltered`."""
        return self.name.split(" ")[0]

    def add(self, outcome: Outcome, **orders: tuple[str, ...]) -> None:
        """Add the outcome of one question, with the `orders` of other systems."""
        self.outcomes.append(outcome)
        if not outcome.question.relevant:
            return
        orders |= {"fused": outcome.fused, "reranked": outcome.reranked}
        for system, order in orders.items():
            self.rankings.setdefault(system, {})[outcome.question.question_id] = order

    def record(self) -> dict[str, Any]:
        """All results as JSON, with per-question values for paired comparisons."""
        return {
            "passages": self.passages,
            "questions": len(self.collection.questions),
            "systems": {name: _ranked(self.collection, r) for name, r in self.rankings.items()},
            "latency_ms": {
                "search": _times([one.search_ms for one in self.outcomes]),
                "rerank": _times([one.rerank_ms for one in self.outcomes]),
                "both": _times([one.search_ms + one.rerank_ms for one in self.outcomes]),
            },
            "answers": _answers(self.outcomes),
            "falsely refused": _refused(self._asked(answerable=True)),
            "falsely refused, held out": _refused(
                [one for one in self._asked(answerable=True) if is_held_out(one.question)]
            ),
            "refusals": {
                name: _refusals(self._asked(answerable=True), outcomes)
                for name, outcomes in self._unanswerable().items()
                if outcomes
            },
        }

    def _asked(self, *, answerable: bool) -> list[Outcome]:
        return [one for one in self.outcomes if one.question.answerable is answerable]

    def _unanswerable(self) -> dict[str, list[Outcome]]:
        return {"its own unanswerable questions": self._asked(answerable=False)} | self.foreign


def is_held_out(question: Question) -> bool:
    """Half of the questions: grading is fitted on it and evaluated on the other half."""
    return crc32(question.question_id.encode()) % 2 == 1


def _refused(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    return asdict(estimate([float(not one.passages) for one in outcomes]))


def _ranked(collection: Collection, rankings: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    values = {
        name: {
            question.question_id: measure(question.relevant, rankings[question.question_id])
            for question in collection.judged
        }
        for name, measure in MEASURES.items()
    }
    return {
        name: asdict(estimate(list(each.values()))) | {"each": each}
        for name, each in values.items()
    }


def _times(values: Sequence[float]) -> dict[str, float]:
    p50, p95 = np.percentile(values, [50, 95])
    return {"p50": float(p50), "p95": float(p95)}


def _answers(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Over the questions with a known answer; a refusal counts as wrong."""
    known = [one for one in outcomes if one.question.answerable and one.question.answers]
    if not known:
        return {}
    judged = [judge(one.text, one.passages, one.question.answers) for one in known]

    def share(of: Callable[[Judged], float | None]) -> dict[str, Any]:
        return asdict(estimate([float(v) for v in map(of, judged) if v is not None]))

    return {
        "expected in the answer": share(lambda one: one.in_answer),
        "expected in verified quotes": share(lambda one: one.in_quotes),
        "false refusals": share(lambda one: one.refused),
        "citation precision": share(lambda one: one.precision),
        "citations verified": share(lambda one: one.verified),
        "citation coverage": share(lambda one: one.coverage),
        "verbatim quotes": share(lambda one: one.verbatim),
    }


def _refusals(answerable: Sequence[Outcome], others: Sequence[Outcome]) -> dict[str, Any]:
    """How well grading separates questions without an answer from answerable ones."""
    good = [one.confidence for one in answerable]
    bad = [one.confidence for one in others]
    return {
        "AUC": auc(good, bad),
        "refused": _refused(others),
        "false refusals": _refused(answerable),
        "at most 5 % false": asdict(refused_at(good, bad, allowed=FALSE_REFUSALS_ALLOWED)),
        "curve": [asdict(cut) for cut in curve(good, bad)],
    }

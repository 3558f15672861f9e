"""Reads `GET /metrics` as Prometheus does."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
from prometheus_client.parser import text_string_to_metric_families

FORMAT = "text/plain; version=0.0.4"


@dataclass(frozen=True)
class Scrape:
    """The samples of one response, by name and labels."""

    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, **labels: str) -> float:
        """One sample; 0 when there is none yet."""
        return self.samples.get((name, frozenset(labels.items())), 0)

    def total(self, name: str) -> float:
        """The sum of all samples of a name."""
        return sum(value for (each, _), value in self.samples.items() if each == name)

    def labels(self, label: str) -> set[str]:
        """Every value of a label."""
        return {v for _, labels in self.samples for k, v in labels if k == label}


async def scraped(http: httpx.AsyncClient) -> Scrape:
    """Scrapes the current metrics."""
    response = await http.get("/metrics", headers={"Accept": FORMAT})
    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/plain; version=")
    samples = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(response.text)
        for sample in family.samples
    }
    return Scrape(samples)

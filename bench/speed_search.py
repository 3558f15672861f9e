"""Search and reranking in a separate process, without a server.

`python -m bench.speed_search SPEC` takes a JSON object and prints one.
"""

import sys
import time
from dataclasses import dataclass, field
from typing import Any

import orjson
import uvloop

from app.db.pool import Database
from app.domain.models import Filters
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from app.graph.nodes.retrieve import CANDIDATES
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.rerank import FeatureReranker
from bench.speed_client import percentiles

WARM: int = 10


@dataclass(frozen=True, slots=True)
class Searching:
    """The job."""

    dsn: str
    questions: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)


async def search(searching: Searching) -> dict[str, Any]:
    """The duration of each part."""
    model = MiniLM.load()
    database = await Database.open(searching.dsn)
    index = PostgresPassageIndex(database)
    finding, reranker = HybridSearch(index, model), FeatureReranker(index, model)
    filters = Filters(tags=tuple(searching.tags))
    times: dict[str, list[float]] = {"embed": [], "search": [], "rerank": []}
    for number, question in enumerate(searching.questions):
        began = time.perf_counter()
        found = await finding.search(LOCAL, question, filters=filters, limit=CANDIDATES)
        searched = time.perf_counter()
        await reranker.rerank(question, found.candidates)
        reranked = time.perf_counter()
        await model.embed_query(f"{question} ")  # a repeated query would be cached
        if number >= WARM:
            times["embed"].append(time.perf_counter() - reranked)
            times["search"].append(searched - began)
            times["rerank"].append(reranked - searched)
    await database.close()
    model.close()
    return {name: percentiles(sorted(values)) for name, values in times.items()}


if __name__ == "__main__":
    result = uvloop.run(search(Searching(**orjson.loads(sys.argv[1]))))
    sys.stdout.write(orjson.dumps(result).decode())
    sys.stdout.flush()

"""A reranking model without a model: the cosine of hashed words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tests.fakes.openai_embeddings import embedding

if TYPE_CHECKING:
    from tests.fakes.openai_script import Record


def reranked(record: Record, *, model: str) -> bytes:
    """The body of `POST /v1/rerank`, best first. Raises `ValueError` for an odd request."""
    query, documents = record.body.get("query"), record.body.get("documents")
    if not isinstance(query, str) or not isinstance(documents, list) or not documents:
        raise ValueError("query and documents must not be empty")
    asked = embedding(query)
    scores = [sum(a * b for a, b in zip(asked, embedding(text), strict=True)) for text in documents]
    order = sorted(range(len(scores)), key=lambda i: -scores[i])[: record.body.get("top_n")]
    results = [{"index": i, "relevance_score": scores[i]} for i in order]
    return orjson.dumps({"id": "rerank-fake", "model": model, "results": results})

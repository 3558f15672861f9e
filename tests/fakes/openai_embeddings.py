"""Embeddings without a model: hashed words, the same on every machine."""

from __future__ import annotations

import base64
import re
from array import array
from hashlib import blake2b
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from tests.fakes.openai_script import Record

DIMENSIONS: Final = 384
_WORD: Final = re.compile(r"\w+")


def embedding(text: str, dimensions: int = DIMENSIONS) -> list[float]:
    """A unit vector that depends only on the words: shared words give a higher cosine."""
    vector = [0.0] * dimensions
    for word in _WORD.findall(text.lower()) or [text]:
        number = int.from_bytes(blake2b(word.encode(), digest_size=8).digest())
        vector[number % dimensions] += 1.0
    norm = sqrt(sum(x * x for x in vector))
    return [x / norm for x in vector]


def embeddings(record: Record, *, model: str) -> bytes:
    """The body of `POST /v1/embeddings`. Raises `ValueError` for an input without text."""
    texts = _texts(record.body.get("input"))
    dimensions = record.body.get("dimensions") or DIMENSIONS
    data: list[dict[str, Any]] = []
    for index, text in enumerate(texts):
        vector: list[float] | str = embedding(text, dimensions)
        if record.body.get("encoding_format") == "base64":
            vector = base64.b64encode(array("f", vector).tobytes()).decode()
        data.append({"object": "embedding", "index": index, "embedding": vector})
    used = sum(len(text.split()) for text in texts)
    usage = {"prompt_tokens": used, "total_tokens": used}
    return orjson.dumps({"object": "list", "data": data, "model": model, "usage": usage})


def _texts(given: object) -> list[str]:
    """The API takes a text, a list of texts, token ids, or a list of token id lists."""
    if isinstance(given, str) and given:
        return [given]
    if not isinstance(given, list) or not given:
        raise ValueError("input must not be empty")
    if isinstance(given[0], int):
        return [" ".join(map(str, given))]
    return [x if isinstance(x, str) else " ".join(map(str, x)) for x in given]

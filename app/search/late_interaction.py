"""Late interaction with one bit per dimension: similarity of each query token to a passage.

MaxSim as in ColBERT (Khattab and Zaharia 2020), over token states that the embedding pass computes
anyway. Passages keep only the signs, 48 bytes per word piece; the query keeps full precision.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.embeddings.token_states import BYTES_PER_TOKEN

_DIMENSIONS = BYTES_PER_TOKEN * 8
_BLOCK = 1024  # tokens
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32)
"""The bits of each byte, as numbers."""


def maxsim_cosines(query: NDArray[np.float32], passages: Sequence[bytes]) -> NDArray[np.float32]:
    """The best cosine of each query token in each passage: (passages, tokens), -1..1.

    `query` are states of shape (tokens, 384); every passage has at least one token. The mean over
    the tokens is MaxSim.
    """
    if not passages:
        return np.empty((0, len(query)), np.float32)
    packed = np.frombuffer(b"".join(passages), np.uint8).reshape(-1, BYTES_PER_TOKEN)
    unit = query / np.linalg.norm(query, axis=1, keepdims=True)
    # q · (2b - 1) = 2 q · b - sum(q): the signs need not be spelled out.
    cosines = (2 * _products(packed, unit.T) - unit.sum(axis=1)) / np.sqrt(_DIMENSIONS)
    sizes = [len(passage) // BYTES_PER_TOKEN for passage in passages]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    best: NDArray[np.float32] = np.maximum.reduceat(cosines, starts, axis=0)
    return best


def _products(packed: NDArray[np.uint8], unit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bits times query, in blocks that stay in the processor's cache while they are floats.

    Of equal size, so that none is so small that its sums are rounded otherwise.
    """
    products = np.empty((len(packed), unit.shape[1]), np.float32)
    count = -(-len(packed) // _BLOCK)
    size = -(-len(packed) // count)
    buffer = np.empty((size, BYTES_PER_TOKEN, 8), np.float32)
    for begin in range(0, len(packed), size):
        block = packed[begin : begin + size]
        bits = np.take(_BITS, block, axis=0, out=buffer[: len(block)], mode="clip")
        np.matmul(bits.reshape(-1, _DIMENSIONS), unit, out=products[begin : begin + size])
    return products

"""Stored token states: one bit per dimension, 48 bytes per word piece."""

import numpy as np
from numpy.typing import NDArray

BYTES_PER_TOKEN = 48


def pack_tokens(states: NDArray[np.float32]) -> bytes:
    """The signs of (tokens, 384) states, 48 bytes per token."""
    return np.packbits(states > 0, axis=1).tobytes()

"""Token states as they are stored: one bit per dimension, 48 bytes a word piece."""

import numpy as np
from numpy.typing import NDArray

BYTES_PER_TOKEN = 48


def pack_tokens(states: NDArray[np.float32]) -> bytes:
    """The signs of (tokens, 384) states, 48 bytes a token."""
    return np.packbits(states > 0, axis=1).tobytes()

"""The all-MiniLM-L6-v2 network: a committed ONNX graph with the weights of a safetensors file.

`minilm_graph.onnx` contains no weights. It names arrays that are passed to the session, so nothing
is copied to disk. `scripts/minilm_graph.py` generates it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from onnxruntime import InferenceSession, OrtValue, SessionOptions
from safetensors.numpy import load_file

LAYERS: Final = 6
WIDTH: Final = 384
GRAPH: Final = Path(__file__).with_name("minilm_graph.onnx")

Weights = dict[str, NDArray[np.float32]]

_TRANSPOSED: Final = ("attention.output.dense", "intermediate.dense", "output.dense")
_NORMS: Final = ("attention.output.LayerNorm", "output.LayerNorm")


def make_session(weights_file: Path, *, threads: int) -> InferenceSession:
    """A session with inputs `ids` and `mask` (int32, batch × length), outputs `vector`
    (batch × 384, unit length) and `states` (batch × length × 384, the last layer).
    """
    arrays = arrays_of(load_file(weights_file))
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    values = [OrtValue.ortvalue_from_numpy(array) for array in arrays.values()]
    options.add_external_initializers(list(arrays), values)
    return InferenceSession(GRAPH.read_bytes(), options, providers=["CPUExecutionProvider"])


def arrays_of(weights: Weights) -> Weights:
    """The arrays that the graph reads, by their names in the graph."""
    at = "embeddings"
    # All positions belong to a single segment.
    segment = weights[f"{at}.token_type_embeddings.weight"][0]
    arrays = {
        f"{at}.word_embeddings.weight": weights[f"{at}.word_embeddings.weight"],
        f"{at}.positions": weights[f"{at}.position_embeddings.weight"] + segment,
        **_norm(weights, f"{at}.LayerNorm"),
    }
    for layer in range(LAYERS):
        arrays |= _layer(weights, f"encoder.layer.{layer}")
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _layer(weights: Weights, at: str) -> Weights:
    parts = [f"{at}.attention.self.{part}" for part in ("query", "key", "value")]
    matrices = [weights[f"{part}.weight"].T for part in parts]
    arrays = {
        f"{at}.attention.matrix": np.concatenate(matrices, axis=1),
        f"{at}.attention.bias": np.concatenate([weights[f"{part}.bias"] for part in parts]),
    }
    for name in (f"{at}.{part}" for part in _TRANSPOSED):
        arrays[f"{name}.weight"] = weights[f"{name}.weight"].T
        arrays[f"{name}.bias"] = weights[f"{name}.bias"]
    for name in _NORMS:
        arrays |= _norm(weights, f"{at}.{name}")
    return arrays


def _norm(weights: Weights, at: str) -> Weights:
    return {f"{at}.{part}": weights[f"{at}.{part}"] for part in ("weight", "bias")}

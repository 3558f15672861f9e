"""The all-MiniLM-L6-v2 network as an ONNX graph over the weights of a safetensors file.

BERT as published (6 layers, 12 heads, width 384, exact GELU), expressed with ONNX Runtime's fused
operators, plus mean pooling and L2 normalisation. The graph itself is a few kilobytes and is made
anew at each start; the weights are handed to the session as arrays, so nothing is copied to disk.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper
from onnxruntime import InferenceSession, OrtValue, SessionOptions
from safetensors.numpy import load_file

LAYERS = 6
HEADS = 12
WIDTH = 384
_EPSILON = 1e-12
_FUSED = "com.microsoft"

Weights = dict[str, NDArray[np.float32]]


@dataclass(slots=True)
class _Graph:
    """Nodes in order, and the names of the arrays they read."""

    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list)
    used: Weights = field(default_factory=dict)

    def weight(self, name: str, array: NDArray[np.float32] | None = None) -> str:
        value = self.weights[name] if array is None else array
        self.used[name] = np.ascontiguousarray(value, dtype=np.float32)
        return name

    def add(
        self,
        op: str,
        inputs: list[str],
        output: str,
        *,
        fused: bool = False,
        attributes: dict[str, int | float] | None = None,
    ) -> str:
        node = helper.make_node(op, inputs, [output], name=output, domain=_FUSED if fused else "")
        for key, value in (attributes or {}).items():
            node.attribute.append(helper.make_attribute(key, value))
        self.nodes.append(node)
        return output

    def dense(self, at: str, source: str) -> str:
        """Matrix product without the bias, which the fused operator that follows adds."""
        transposed = self.weight(f"{at}.weight", self.weights[f"{at}.weight"].T)
        return self.add("MatMul", [source, transposed], f"{at}.product")

    def skip_norm(self, at: str, source: str, skip: str, *, bias: str) -> str:
        """LayerNorm(source + bias + skip)."""
        inputs = [source, skip, *(self.weight(f"{at}.{part}") for part in ("weight", "bias"))]
        return self.add(
            "SkipLayerNormalization",
            [*inputs, self.weight(bias)],
            f"{at}.output",
            fused=True,
            attributes={"epsilon": _EPSILON},
        )


def make_session(weights_file: Path, *, threads: int) -> InferenceSession:
    """A session with inputs `ids` and `mask` (int32, batch × length), outputs `vector`
    (batch × 384, unit length) and `states` (batch × length × 384, the last layer).
    """
    graph = _network(load_file(weights_file))
    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    names = list(graph.used)
    values = [OrtValue.ortvalue_from_numpy(graph.used[name]) for name in names]
    options.add_external_initializers(names, values)
    model = _model(graph)
    return InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _network(weights: Weights) -> _Graph:
    graph = _Graph(weights)
    states = _embeddings(graph)
    for layer in range(LAYERS):
        states = _layer(graph, f"encoder.layer.{layer}", states)
    graph.add("Identity", [states], "states")
    _pooling(graph, states)
    return graph


def _embeddings(graph: _Graph) -> str:
    """Word + position + the one segment, normalised. A graph has no use for segment ids here."""
    at = "embeddings"
    segment = graph.weights[f"{at}.token_type_embeddings.weight"][0]
    positions = graph.weights[f"{at}.position_embeddings.weight"] + segment
    words = graph.add(
        "Gather", [graph.weight(f"{at}.word_embeddings.weight"), "ids"], f"{at}.words"
    )
    graph.add("Shape", ["ids"], "length", attributes={"start": 1, "end": 2})
    table = graph.weight(f"{at}.positions", positions)
    where = graph.add("Slice", [table, "zero", "length"], f"{at}.where")
    total = graph.add("Add", [words, where], f"{at}.sum")
    norm = [graph.weight(f"{at}.LayerNorm.{part}") for part in ("weight", "bias")]
    return graph.add(
        "LayerNormalization",
        [total, *norm],
        f"{at}.output",
        attributes={"axis": -1, "epsilon": _EPSILON},
    )


def _layer(graph: _Graph, at: str, states: str) -> str:
    attention = f"{at}.attention"
    parts = [f"{attention}.self.{part}" for part in ("query", "key", "value")]
    matrix = np.concatenate([graph.weights[f"{part}.weight"].T for part in parts], axis=1)
    bias = np.concatenate([graph.weights[f"{part}.bias"] for part in parts])
    packed = [
        graph.weight(f"{attention}.matrix", matrix),
        graph.weight(f"{attention}.bias", bias),
    ]
    context = graph.add(
        "Attention",
        [states, *packed, "mask"],
        f"{attention}.context",
        fused=True,
        attributes={"num_heads": HEADS},
    )
    product = graph.dense(f"{attention}.output.dense", context)
    attended = graph.skip_norm(
        f"{attention}.output.LayerNorm",
        product,
        states,
        bias=f"{attention}.output.dense.bias",
    )
    wide = graph.dense(f"{at}.intermediate.dense", attended)
    gelu = graph.add(
        "BiasGelu",
        [wide, graph.weight(f"{at}.intermediate.dense.bias")],
        f"{at}.gelu",
        fused=True,
    )
    narrow = graph.dense(f"{at}.output.dense", gelu)
    return graph.skip_norm(
        f"{at}.output.LayerNorm", narrow, attended, bias=f"{at}.output.dense.bias"
    )


def _pooling(graph: _Graph, states: str) -> None:
    """Mean over the real tokens, then unit length (so the division by their number cancels)."""
    graph.add("Cast", ["mask"], "weights", attributes={"to": TensorProto.FLOAT})
    graph.add("Unsqueeze", ["weights", "one"], "row")
    graph.add("MatMul", ["row", states], "sum")
    graph.add("Squeeze", ["sum", "one"], "pooled")
    graph.add("LpNormalization", ["pooled"], "vector", attributes={"axis": -1, "p": 2})


def _model(graph: _Graph) -> ModelProto:
    ints, floats = TensorProto.INT32, TensorProto.FLOAT
    size = ["batch", "length"]
    initializers = [_outside(name, array) for name, array in graph.used.items()]
    initializers += [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
    ]
    body = helper.make_graph(
        graph.nodes,
        "all-MiniLM-L6-v2",
        [helper.make_tensor_value_info(name, ints, size) for name in ("ids", "mask")],
        [
            helper.make_tensor_value_info("vector", floats, ["batch", WIDTH]),
            helper.make_tensor_value_info("states", floats, [*size, WIDTH]),
        ],
        initializers,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    return helper.make_model(body, opset_imports=opsets, ir_version=8)


def _outside(name: str, array: NDArray[np.float32]) -> TensorProto:
    """Declares an array that the session is given, by name."""
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=array.shape,
        data_location=TensorProto.EXTERNAL,
    )
    for key, value in (("location", "weights"), ("offset", "0"), ("length", str(array.nbytes))):
        tensor.external_data.add(key=key, value=value)
    return tensor

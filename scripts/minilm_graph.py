"""Writes `app/embeddings/minilm_graph.onnx`: `python -m scripts.minilm_graph`.

BERT as published (6 layers, 12 heads, width 384, exact GELU), expressed with ONNX Runtime's fused
operators, plus mean pooling and L2 normalisation. Arrays are declared by name and shape only.
"""

from dataclasses import dataclass, field
from typing import Final

from onnx import ModelProto, NodeProto, TensorProto, helper
from safetensors.numpy import load_file

from app.embeddings.minilm import installed_model
from app.embeddings.minilm_graph import GRAPH, LAYERS, WIDTH, Weights, arrays_of

HEADS: Final = 12
_EPSILON: Final = 1e-12
_FUSED: Final = "com.microsoft"


@dataclass(slots=True)
class _Graph:
    """Nodes in order."""

    nodes: list[NodeProto] = field(default_factory=list)

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
        """Matrix product without bias, which the following fused operator adds."""
        return self.add("MatMul", [source, f"{at}.weight"], f"{at}.product")

    def skip_norm(self, at: str, source: str, skip: str, *, bias: str) -> str:
        """LayerNorm(source + bias + skip)."""
        return self.add(
            "SkipLayerNormalization",
            [source, skip, f"{at}.weight", f"{at}.bias", bias],
            f"{at}.output",
            fused=True,
            attributes={"epsilon": _EPSILON},
        )


def make_model(arrays: Weights) -> ModelProto:
    """The network over `arrays`, of which it stores names and shapes only."""
    graph = _Graph()
    states = _embeddings(graph)
    for layer in range(LAYERS):
        states = _layer(graph, f"encoder.layer.{layer}", states)
    graph.add("Identity", [states], "states")
    _pooling(graph, states)
    return _model(graph.nodes, arrays)


def _embeddings(graph: _Graph) -> str:
    """Word + position, normalised. The one segment is part of the positions."""
    at = "embeddings"
    words = graph.add("Gather", [f"{at}.word_embeddings.weight", "ids"], f"{at}.words")
    graph.add("Shape", ["ids"], "length", attributes={"start": 1, "end": 2})
    where = graph.add("Slice", [f"{at}.positions", "zero", "length"], f"{at}.where")
    total = graph.add("Add", [words, where], f"{at}.sum")
    return graph.add(
        "LayerNormalization",
        [total, f"{at}.LayerNorm.weight", f"{at}.LayerNorm.bias"],
        f"{at}.output",
        attributes={"axis": -1, "epsilon": _EPSILON},
    )


def _layer(graph: _Graph, at: str, states: str) -> str:
    attention = f"{at}.attention"
    context = graph.add(
        "Attention",
        [states, f"{attention}.matrix", f"{attention}.bias", "mask"],
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
    bias = f"{at}.intermediate.dense.bias"
    gelu = graph.add("BiasGelu", [wide, bias], f"{at}.gelu", fused=True)
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


def _model(nodes: list[NodeProto], arrays: Weights) -> ModelProto:
    ints, floats = TensorProto.INT32, TensorProto.FLOAT
    size = ["batch", "length"]
    initializers = [_outside(name, array.shape) for name, array in arrays.items()]
    initializers += [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
    ]
    body = helper.make_graph(
        nodes,
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


def _outside(name: str, shape: tuple[int, ...]) -> TensorProto:
    """Declares an array that is passed to the session by name."""
    tensor = TensorProto(
        name=name,
        data_type=TensorProto.FLOAT,
        dims=shape,
        data_location=TensorProto.EXTERNAL,
    )
    size = 4
    for dimension in shape:
        size *= dimension
    for key, value in (("location", "weights"), ("offset", "0"), ("length", str(size))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def main() -> None:
    """Write the graph."""
    arrays = arrays_of(load_file(installed_model() / "model.safetensors"))
    GRAPH.write_bytes(make_model(arrays).SerializeToString(deterministic=True))


if __name__ == "__main__":
    main()

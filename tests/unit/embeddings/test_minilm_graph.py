"""The committed graph equals its script's output and has no weights."""

import subprocess
import sys

import onnx
from safetensors.numpy import load_file

from app.embeddings.minilm import installed_model
from app.embeddings.minilm_graph import GRAPH, arrays_of, make_session
from scripts.minilm_graph import make_model

MAX_BYTES = 64 * 1024
WEIGHTS = installed_model() / "model.safetensors"


def test_the_committed_graph_is_what_the_script_writes() -> None:
    made = make_model(arrays_of(load_file(WEIGHTS)))
    told = "run python -m scripts.minilm_graph and look at the difference"
    assert onnx.load_model_from_string(GRAPH.read_bytes()) == made, told


def test_it_has_no_weights() -> None:
    assert GRAPH.stat().st_size < MAX_BYTES
    graph = onnx.load_model_from_string(GRAPH.read_bytes()).graph
    held = {one.name for one in graph.initializer if one.data_location == onnx.TensorProto.DEFAULT}
    assert held == {"zero", "one"}
    outside = {one.name for one in graph.initializer} - held
    assert outside == set(arrays_of(load_file(WEIGHTS)))


def test_a_session_has_the_inputs_and_outputs_that_are_asked_for() -> None:
    session = make_session(WEIGHTS, threads=1)
    assert [one.name for one in session.get_inputs()] == ["ids", "mask"]
    assert [one.name for one in session.get_outputs()] == ["vector", "states"]


def test_onnx_is_not_imported_by_the_server() -> None:
    program = "import sys, app.main, app.embeddings.minilm; print('onnx' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False\n"

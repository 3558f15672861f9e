"""The event models of the Python client follow the contract."""

import orjson

from scripts.client_models import CONTRACT, MODELS, source


def test_the_models_of_the_python_client_are_generated_from_the_contract() -> None:
    generated = source(orjson.loads(CONTRACT.read_bytes()))
    assert MODELS.read_text() == generated, "run python -m scripts.client_models"

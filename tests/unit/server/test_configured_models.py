"""The order in which models are offered: a person's default is the first they may use."""

import json

import pytest

from app.config import Settings
from app.server.configured_models import configured_models

SINGLE = {"openai_base_url": "http://localhost:1/v1", "llm_model": "one"}
TWO = {"base_url": "http://localhost:2/v1", "model": "two"}


def names(*listed: object, **given: object) -> list[str]:
    settings = Settings.model_validate(
        {
            "llm_provider": "auto",
            "openai_api_key": None,
            "openai_base_url": None,
            "llm_model": None,
            "models": json.dumps(listed) if listed else None,
            **given,
        }
    )
    return [one.endpoint.name for one in configured_models(settings)]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (names(), ["extractive"]),
        (names(TWO), ["two", "extractive"]),
        (names(**SINGLE), ["one", "extractive"]),
        (names(TWO, **SINGLE), ["one", "two", "extractive"]),
        (names(TWO, llm_provider="extractive"), ["extractive", "two"]),
        (names(TWO, {"model": "one"}, **SINGLE), ["one", "two", "extractive"]),
    ],
)
def test_the_single_model_comes_first_and_quoting_is_always_there(
    given: list[str], expected: list[str]
) -> None:
    assert given == expected


def test_an_entry_of_its_name_describes_the_single_model() -> None:
    entry = {"model": "one", "label": "The one", "context_window": 8192}
    settings = Settings.model_validate(
        {"llm_provider": "auto", "models": json.dumps([entry]), **SINGLE}
    )
    first = configured_models(settings)[0]
    assert (first.endpoint.label, first.settings.context_window) == ("The one", 8192)
    assert first.settings.base_url == SINGLE["openai_base_url"]

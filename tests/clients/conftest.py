"""The same library, model service and servers as the stream tests."""

import pytest

from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI
from tests.stream.conftest import (
    QUESTION,
    client,
    embedder,
    server,
    settings,
    stocked_dsn,
    stocked_template,
    upstream,
)

__all__ = [
    "QUESTION",
    "client",
    "embedder",
    "server",
    "settings",
    "stocked_dsn",
    "stocked_template",
    "upstream",
]

ANSWER = ("Common side effects ", "include nausea ", "and headache [1].")


@pytest.fixture
def answering(upstream: FakeOpenAI) -> FakeOpenAI:
    """A model service with one short, cited answer."""
    upstream.always(Reply(tokens=ANSWER))
    return upstream


@pytest.fixture
def endless(upstream: FakeOpenAI) -> FakeOpenAI:
    """A model service that stays in the middle of an answer."""
    upstream.always(Reply(tokens=ANSWER, stall_after=2))
    return upstream

"""Valid and invalid requests generated from the OpenAPI document never break the server."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.core.result import Ok

from app.cli.contracts import openapi
from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.main import create_app

ENDLESS = frozenset({"/health/stream"})
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def operations() -> list[APIOperation[Any, Any, Any, Any]]:
    schema = schemathesis.openapi.from_dict(orjson.loads(openapi()))
    found = [one.ok() for one in schema.get_all_operations() if isinstance(one, Ok)]
    return [operation for operation in found if operation.path not in ENDLESS]


@pytest.fixture
def server(database_dsn: str, tmp_path: Path, embedder: MiniLM) -> Iterator[TestClient]:
    """The application called without a socket, so that requests may be invalid HTTP."""
    chosen = Settings.model_validate(
        {
            "database_url": database_dsn,
            "data_dir": tmp_path,
            "sample_library": False,
            "llm_provider": "extractive",
            "extractive_tokens_per_s": 0,
        }
    )
    app = create_app(chosen, embedder=embedder)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def asked(server: TestClient, case: Case[Any]) -> int:
    """The status of one request; 0 when it cannot be sent."""
    request = case.as_transport_kwargs(base_url="http://localhost")
    kept: dict[str, Any] = {
        name: request[name]
        for name in ("method", "url", "headers", "params", "json", "files")
        if name in request
    }
    if isinstance(request.get("data"), bytes | str):
        kept["content"] = request["data"]
    elif "data" in request:
        kept["data"] = request["data"]
    if not all(_sendable(part) for part in kept.get("files") or ()):
        return 0  # this client streams what it is given; a number is not a file
    try:
        return server.request(**kept).status_code
    except (UnicodeError, ValueError, TypeError, AttributeError):
        return 0


def _sendable(part: object) -> bool:
    """A field with bytes or text, as (name, (file name, content, …))."""
    content = part[1] if isinstance(part, tuple) and len(part) == 2 else None
    content = content[1] if isinstance(content, tuple) and len(content) > 1 else content
    return isinstance(content, bytes | str)


def fuzz(server: TestClient, examples: int) -> dict[str, set[int]]:
    return {
        f"{one.method.upper()} {one.path}": set().union(
            *(statuses(server, one, mode, examples) for mode in MODES)
        )
        for one in operations()
    }


def statuses(
    server: TestClient,
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    examples: int,
) -> set[int]:
    """The responses of one route to valid or invalid requests."""
    seen = set[int]()

    @settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode))
    def ask(case: Case[Any]) -> None:
        seen.add(asked(server, case))

    with suppress(Unsatisfiable):  # no invalid variant exists
        ask()
    return seen


def broken(seen: dict[str, set[int]]) -> dict[str, set[int]]:
    """5xx, but for those that a route documents (a failed answer as JSON)."""
    found = {
        name: {status for status in statuses if status >= 500} for name, statuses in seen.items()
    }
    return {name: statuses for name, statuses in found.items() if statuses}


@pytest.mark.timeout(120)
def test_no_request_breaks_the_server(server: TestClient) -> None:
    seen = fuzz(server, 1)
    assert broken(seen) == {}
    assert len(seen) >= 25
    assert set.union(*seen.values()) >= {404, 422}


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_no_request_of_many_breaks_the_server(server: TestClient) -> None:
    seen = fuzz(server, 200)
    assert broken(seen) == {}

"""The OpenAPI document is generated and reads no settings.

That routes send what it says: `tests/stream/test_openapi_conformance.py`.
"""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

import app as package
from app.api.errors import install
from app.cli.contracts import documents, openapi
from app.config import load_settings
from app.domain.errors import Draining, RunInProgress, TooManyRuns
from app.main import create_app

APP = Path(package.__file__).parent
DOCUMENT: dict[str, Any] = orjson.loads(openapi())
SCHEMAS = DOCUMENT["components"]["schemas"]


def check(name: str, sent: object) -> None:
    body = orjson.loads(orjson.dumps(sent))
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(body)
    assert set(body) <= set(SCHEMAS[name]["properties"])


def test_the_generated_contracts_are_up_to_date() -> None:
    for path, content in documents().items():
        assert path.read_bytes() == content, f"{path.name}: run python -m app.contracts"


def test_the_environment_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "not a port")
    monkeypatch.setenv("DATABASE_URL", "postgresql://nowhere/none")
    assert orjson.loads(openapi()) == DOCUMENT


def test_every_route_that_streams_says_so() -> None:
    streams = {
        path
        for path, methods in DOCUMENT["paths"].items()
        for operation in methods.values()
        if "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    }
    assert streams == {
        "/chat",
        "/api/chat/stream",
        "/v1/chat/completions",
        "/api/ai/chat",
        "/api/ai/chat/{chat_id}/stream",
        "/runs/{run_id}/events",
        "/jobs/{job_id}/events",
        "/health/stream",
        "/conversations/{session_id}/messages/{message_id}/regenerate",
        "/conversations/{session_id}/messages/{message_id}/continue",
    }


def test_every_json_answer_is_a_response_model() -> None:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                content = response.get("content", {}).get("application/json")
                where = f"{method} {path} {status}"
                assert content is None or list(content["schema"]) == ["$ref"], where


def test_no_response_is_assembled_by_hand() -> None:
    """A dictionary that is returned as is would not be validated against any model."""
    by_hand = re.compile(r"JSONResponse|Response\(\s*(?:(?:or)?json\.dumps|compact_json\(\{)")
    sources = {path: path.read_text() for path in (APP / "api").rglob("*.py")}
    assert [str(path) for path, text in sources.items() if by_hand.search(text)] == []


def test_every_refusal_has_the_one_shape() -> None:
    for path, methods in DOCUMENT["paths"].items():
        shape = "OpenAIError" if path.startswith("/v1/") else "Refusal"
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status[0] == "4":
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": f"#/components/schemas/{shape}"}


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(create_app(load_settings(llm_provider="extractive")))


def test_a_method_that_a_route_does_not_take_is_named_with_those_it_takes(
    client: TestClient,
) -> None:
    for path, methods in DOCUMENT["paths"].items():
        taken = ", ".join(sorted(method.upper() for method in methods))
        for method in {"GET", "PUT"} - {method.upper() for method in methods}:
            refused = client.request(method, path.replace("{", "").replace("}", ""))
            assert refused.status_code == 405, (method, path)
            error = refused.json()["error"]
            assert set(taken.split(", ")) <= set(refused.headers["allow"].split(", ")), path
            assert error["code"] == "method_not_allowed"
            assert error["message"] == (
                f"{method} is not possible at this address; it takes {refused.headers['allow']}."
            )


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("path", ["/nowhere", "/chat/x/y", "/api/none", "/v1/none"])
def test_an_unknown_address_stays_unknown(client: TestClient, method: str, path: str) -> None:
    refused = client.request(method, path)
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("error", "status", "code", "retry_after"),
    [
        (RunInProgress("r1"), 409, "run_in_progress", None),
        (TooManyRuns(8), 429, "too_many_runs", "5"),
        (Draining("later"), 503, "draining", "2"),
        (ValueError("secret"), 500, "internal", None),
    ],
    ids=["busy conversation", "limit", "draining", "our mistake"],
)
def test_refusals_become_http(
    error: Exception, status: int, code: str, retry_after: str | None
) -> None:
    app = FastAPI()
    install(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    response = TestClient(app, raise_server_exceptions=False).get("/")
    body = response.json()
    check("Refusal", body)
    assert (response.status_code, body["error"]["code"]) == (status, code)
    assert response.headers.get("retry-after") == retry_after
    assert "secret" not in response.text

"""The OpenAPI document is generated, reads no settings, and says what the routes send."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from app.api.answers import collect
from app.api.conversations import conversation_json, message_json
from app.api.errors import error_response, install
from app.api.sources import one_source_json, passage_json, source_json
from app.contracts import documents, openapi
from app.domain.errors import Draining, RunInProgress, TooManyRuns
from app.domain.models import (
    Conversation,
    Cue,
    Feedback,
    Filters,
    Message,
    Passage,
    Similar,
    Source,
    Timings,
    Usage,
)
from app.domain.principals import LOCAL
from app.runs.ports import Receipt
from app.runs.service import Attached
from tests.contract.scenarios import PIECES, TRUNCATED
from tests.contract.telling import Told, telling

NOW = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
DOCUMENT: dict[str, Any] = orjson.loads(openapi())
SCHEMAS = DOCUMENT["components"]["schemas"]
USAGE = Usage(input_tokens=3, output_tokens=2, estimated=True)
TIMINGS = Timings(retrieval_ms=None, first_token_ms=1.5, total_ms=2.0)
MESSAGE = Message(
    message_id="m1",
    role="assistant",
    content="Nausea [1].",
    status="error",
    finish_reason=None,
    citations=(),
    evidence=({"type": "grading_start", "content": {"stage": "grading"}},),
    usage=USAGE,
    timings=TIMINGS,
    error_code="TIMEOUT",
    error_message="Too long.",
    run_id="r1",
    question_id="q1",
    model="played",
    filters=Filters(),
    created_at=NOW,
    ended_at=NOW,
    feedback=Feedback(rating="down", comment="Too short"),
)
SOURCE = Source(
    source_id="s1",
    owner_id=LOCAL.owner_id,
    shared=True,
    title="Planning",
    kind="recording",
    name="planning.vtt",
    media_type="text/vtt",
    content_hash="0" * 64,
    passage_count=1,
    created_at=NOW,
    duration_s=12.5,
    audio=True,
    speakers=("Ann",),
)
PASSAGE = Passage("p1", "s1", "T", "recording", 0, "Ann: hi", cues=(Cue(0, 7, 0.0, 1.0, "Ann"),))
RECEIPT = Receipt(True, False, None, None, 2, "m1")
SENT: dict[str, object] = {
    "Conversation": conversation_json(Conversation("s", "T", Filters(), NOW, NOW, None)),
    "MessageShape": message_json(MESSAGE),
    "SourceShape": source_json(SOURCE, LOCAL),
    "OneSourceShape": one_source_json(SOURCE, LOCAL, [Similar("s2", "U", 0.91)]),
    "Passage": passage_json(PASSAGE),
    "Receipt": asdict(RECEIPT),
    "Pending": {"pending": True},
    "Refusal": orjson.loads(bytes(error_response(404, "not_found", "No.", details={"a": 1}).body)),
}


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


@pytest.mark.parametrize("name", SENT)
def test_what_is_sent_is_what_is_described(name: str) -> None:
    check(name, SENT[name])
    assert set(SCHEMAS[name].get("required", [])) <= set(orjson.loads(orjson.dumps(SENT[name])))


@pytest.mark.parametrize(
    ("told", "status", "name"),
    [(Told(PIECES), 200, "Answer"), (Told(PIECES[:1], failure=TRUNCATED), 502, "FailedAnswer")],
    ids=["answer", "failure"],
)
async def test_an_answer_as_json_is_what_is_described(told: Told, status: int, name: str) -> None:
    async with telling() as teller:
        teller.tell(told)
        got, body = await collect(Attached(teller.record, teller.live(), lambda: None))
    assert got == status
    check(name, body)
    said = body.get("answer", body.get("partial"))
    assert said == "".join(str(piece) for piece in told.pieces)


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


def test_every_refusal_has_the_one_shape() -> None:
    for path, methods in DOCUMENT["paths"].items():
        shape = "OpenAIError" if path.startswith("/v1/") else "Refusal"
        for operation in methods.values():
            for status, response in operation["responses"].items():
                if status[0] == "4":
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": f"#/components/schemas/{shape}"}


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

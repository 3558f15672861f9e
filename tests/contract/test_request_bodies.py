"""Invalid input: every refusal names the field, before anything is stored."""

from datetime import date
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.api.errors import install
from app.api.schemas import (
    PATTERNS,
    SESSION_ID,
    ChatBody,
    ChatStreamBody,
    ConversationPatch,
    RunOptions,
)
from app.config import load_settings
from app.domain.models import Filters
from app.main import create_app

RUN_ID = "7f0c2c5e-3f0b-4c39-9a57-0d5b6a0f3e11"


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = FastAPI()
    install(app)

    @app.post("/chat")
    async def chat(body: ChatBody) -> ChatBody:
        return body

    @app.post("/stream")
    async def stream(body: ChatStreamBody) -> ChatStreamBody:
        return body

    @app.post("/again")
    async def again(body: RunOptions) -> RunOptions:
        return body

    @app.post("/patch")
    async def patch(body: ConversationPatch) -> ConversationPatch:
        return body

    return TestClient(app)


@pytest.mark.parametrize(
    ("route", "body", "field"),
    [
        ("chat", {}, "message"),
        ("chat", {"message": ""}, "message"),
        ("chat", {"message": " \n\t"}, "message"),
        ("chat", {"message": "x" * 8001}, "message"),
        ("chat", {"message": 5}, "message"),
        ("chat", {"message": "a\0b"}, "message"),
        ("chat", {"message": "q", "extra": 1}, "extra"),
        ("chat", {"message": "q", "session_id": ""}, "session_id"),
        ("chat", {"message": "q", "session_id": "a b"}, "session_id"),
        ("chat", {"message": "q", "session_id": "x" * 129}, "session_id"),
        ("chat", {"message": "q", "run_id": "1"}, "run_id"),
        ("chat", {"message": "q", "run_id": "00000000-0000-1000-8000-000000000000"}, "run_id"),
        ("chat", {"message": "q", "on_disconnect": "leave"}, "on_disconnect"),
        ("chat", {"message": "q", "filters": {"kinds": ["film"]}}, "filters.kinds.0"),
        ("chat", {"message": "q", "filters": {"tags": ["\0"]}}, "filters.tags.0"),
        ("chat", {"message": "q", "filters": {"source_ids": ["a\0"]}}, "filters.source_ids.0"),
        ("chat", {"message": "q", "filters": {"recording_id": ""}}, "filters.recording_id"),
        ("chat", {"message": "q", "filters": {"other": []}}, "filters.other"),
        ("chat", {"message": "q", "filters": {"after": "yesterday"}}, "filters.after"),
        ("chat", {"message": "q", "filters": {"after": "2026-02-30"}}, "filters.after"),
        ("chat", {"message": "q", "filters": {"after": "2026-11-21T10:00:00Z"}}, "filters.after"),
        ("chat", {"message": "q", "filters": {"before": 1795219200}}, "filters.before"),
        ("chat", {"message": "q", "filters": {"before": "2026-1-1"}}, "filters.before"),
        (
            "chat",
            {"message": "q", "filters": {"after": "2026-11-21", "before": "2026-11-21"}},
            "filters.before",
        ),
        ("stream", {"query": "q", "recording_id": "\0"}, "recording_id"),
        ("stream", {"message": "q"}, "query"),
        ("again", {"run_id": RUN_ID, "message": "q"}, "message"),
        ("patch", {"title": " "}, "title"),
        ("patch", {}, "body"),
        ("patch", [], "body"),
    ],
)
def test_a_refused_body_names_its_field(
    client: TestClient, route: str, body: Any, field: str
) -> None:
    response = client.post(f"/{route}", json=body)
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "invalid_input"
    assert error["details"] == {"field": field}
    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize("session_id", ["", "a b", "a/b", "é", "x" * 129])
def test_a_pattern_is_told_in_words(client: TestClient, session_id: str) -> None:
    response = client.post("/chat", json={"message": "q", "session_id": session_id})
    assert response.json()["error"]["message"] == (
        "session_id: must have 1 to 128 characters: "
        "letters (A to Z, a to z), digits and any of . _ : -"
    )


def test_every_pattern_of_a_request_has_its_words() -> None:
    def patterns(value: Any) -> set[str]:
        inside = value.values() if isinstance(value, dict) else value
        if not isinstance(value, dict | list):
            return set()
        own = {value["pattern"]} if isinstance(value, dict) and "pattern" in value else set()
        return own.union(*map(patterns, inside))

    described = create_app(load_settings(llm_provider="extractive")).openapi()
    asked = patterns(described["paths"]) | patterns(described["components"])
    assert SESSION_ID in asked
    assert asked <= PATTERNS.keys()


def test_half_a_character_is_refused_and_no_json_is_told(client: TestClient) -> None:
    json = {"content-type": "application/json"}
    half = client.post("/chat", content=b'{"message":"\\ud83d"}', headers=json)
    assert half.json()["error"]["details"] == {"field": "message"}
    broken = client.post("/chat", content=b"{", headers=json)
    assert (broken.status_code, broken.json()["error"]["code"]) == (422, "invalid_input")


@pytest.mark.parametrize(
    "body",
    [
        {"message": "q"},
        {"message": "x" * 8000, "session_id": "x" * 128},
        {"message": "🙂 \u2028", "session_id": "not-a.uuid:_1", "run_id": RUN_ID},
        {"message": "q", "filters": {"recording_id": "r", "kinds": ["recording"], "tags": []}},
    ],
)
def test_what_the_contract_allows_is_taken(client: TestClient, body: dict[str, object]) -> None:
    response = client.post("/chat", json=body)
    assert response.status_code == 200
    assert response.json()["message"] == body["message"]


def test_days_bound_a_filter_and_are_only_sent_when_given() -> None:
    days = {"after": "2026-11-01", "before": "2026-11-21"}
    body = ChatBody.model_validate({"message": "q", "filters": {**days, "tags": ["hr"]}})
    assert body.filters is not None
    filters = body.filters.filters()
    assert (filters.after, filters.before) == (date(2026, 11, 1), date(2026, 11, 21))
    assert filters.model_dump(mode="json")["after"] == "2026-11-01"
    assert Filters.model_validate(filters.model_dump(mode="json")) == filters
    assert not Filters(after=date(2026, 11, 1)).empty
    assert not Filters(before=date(2026, 11, 1)).empty
    assert set(Filters().model_dump(mode="json")) == {"source_ids", "kinds", "tags"}


def test_a_recording_is_another_name_for_a_source() -> None:
    body = ChatBody.model_validate(
        {"message": "q", "filters": {"source_ids": ["a", "r"], "recording_id": "r"}}
    )
    assert body.filters is not None
    assert body.filters.filters().source_ids == ("a", "r")

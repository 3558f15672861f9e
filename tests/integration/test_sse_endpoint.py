"""Refusals of `POST /chat` are HTTP errors before any stream; later requests work."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

JSON = {"Content-Type": "application/json"}

WRONG: list[tuple[dict[str, object], str]] = [
    ({}, "message"),
    ({"message": ""}, "message"),
    ({"message": " \t\n\u3000"}, "message"),
    ({"message": "x" * 8001}, "message"),
    ({"message": 7}, "message"),
    ({"message": None}, "message"),
    ({"message": ["x"]}, "message"),
    ({"message": "nul \0"}, "message"),
    ({"message": "x", "mesage": "y"}, "mesage"),
    ({"message": "x", "session_id": ""}, "session_id"),
    ({"message": "x", "session_id": "a b"}, "session_id"),
    ({"message": "x", "session_id": "../etc"}, "session_id"),
    ({"message": "x", "session_id": "abc\n"}, "session_id"),
    ({"message": "x", "session_id": "s" * 129}, "session_id"),
    ({"message": "x", "session_id": 5}, "session_id"),
    ({"message": "x", "run_id": "1"}, "run_id"),
    ({"message": "x", "run_id": "00000000-0000-1000-8000-000000000000"}, "run_id"),
    ({"message": "x", "on_disconnect": "explode"}, "on_disconnect"),
    ({"message": "x", "filters": []}, "filters"),
    ({"message": "x", "filters": {"source": "a"}}, "filters.source"),
    ({"message": "x", "filters": {"kinds": ["film"]}}, "filters.kinds.0"),
    ({"message": "x", "filters": {"tags": ["nul \0"]}}, "filters.tags.0"),
    ({"message": "x", "filters": {"source_ids": ["nope"]}}, "filters.source_ids"),
    ({"message": "x", "filters": {"recording_id": "nope"}}, "filters.source_ids"),
]


def refusal(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert set(body) == {"error"}
    assert {"code", "message"} <= set(body["error"]) <= {"code", "message", "details"}
    error: dict[str, Any] = body["error"]
    assert "Traceback" not in error["message"]
    return error


async def post(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await client.post("/chat", content=body, headers=JSON)


@pytest.mark.parametrize(("body", "field"), WRONG)
async def test_a_wrong_field_is_named(
    body: dict[str, object], field: str, client: httpx.AsyncClient
) -> None:
    response = await post(client, json.dumps(body).encode())
    error = refusal(response)
    assert (response.status_code, error["code"]) == (422, "invalid_input")
    assert error["details"] == {"field": field}
    assert error["message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    "body",
    [
        b'{"message": "\\ud800"}',
        b'{"message": "\\udc00 \\ud800 x"}',
        b'{"message": "x", "filters": {"tags": ["\\ud800"]}}',
        b'{"message": "x", "session_id": "\\ud800"}',
        b'{"message": "\xff\xfe"}',
        b'{"message": ',
        b"message=x",
        b"[]",
        b'"x"',
        b"null",
        b"7",
        b"",
        b"[" * 100_000,
        b'{"message": NaN}',
        b'{"message": "x"} trailing',
    ],
)
async def test_bytes_that_are_no_question_are_refused(
    body: bytes, client: httpx.AsyncClient
) -> None:
    response = await post(client, body)
    assert (response.status_code, refusal(response)["code"]) == (422, "invalid_input")


async def test_a_body_that_is_too_large_is_refused_with_and_without_its_length(
    client: httpx.AsyncClient,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    for content in (b" " * 400_000, pieces()):
        response = await client.post("/chat", content=content, headers=JSON)
        assert (response.status_code, refusal(response)["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_another_content_type_is_refused(kind: str, client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": kind} if kind else {}
    response = await client.post("/chat", content=b'{"message": "x"}', headers=headers)
    assert (response.status_code, refusal(response)["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("position", ["x", "-1", "1.5", "0x1", "\u0661", "1 2"])
async def test_a_position_that_is_no_number_is_refused(
    position: str, client: httpx.AsyncClient
) -> None:
    asked = await client.post("/chat", json={"message": "How many days of leave?"})
    path = f"/runs/{asked.headers['x-run-id']}/events"
    response = await client.get(path, params={"last_event_id": position})
    assert (response.status_code, refusal(response)["code"]) == (422, "invalid_input")


async def test_longest_question_and_odd_characters_are_answered(client: httpx.AsyncClient) -> None:
    for message in (
        *("x" * 8000, "word " * 1600, "\u2028 \u0085 🦉 \u202e", "[1] data: x"),
        *("x", "?", "the of and", "雨", "كم يوم إجازة؟", "Wie viele Urlaubstage gibt es?"),
        *("'; DROP TABLE runs; --", "leave & !(sick | :*) <-> 'days\\", '"leave -days" OR % _ $1'),
    ):
        response = await client.post("/chat", json={"message": message})
        assert response.status_code == 200
        last = response.text.rstrip().rpartition("data: ")[2]
        assert json.loads(last)["type"] == "done"

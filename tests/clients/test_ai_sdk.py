"""The UI message stream of Vercel's AI SDK, frame by frame. The SDK itself: `make test-clients`."""

from typing import Any

import httpx
import orjson

from tests.clients.conftest import ANSWER, QUESTION
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI

TEXT = "".join(ANSWER)


def chat(**fields: Any) -> dict[str, Any]:
    return {"id": "chat-1", "trigger": "submit-message", "messages": [said("user")], **fields}


def said(role: str, text: str = QUESTION) -> dict[str, Any]:
    return {"id": "m", "role": role, "parts": [{"type": "text", "text": text}], "extra": 1}


async def parts(response: httpx.Response) -> list[dict[str, Any]]:
    """All parts of a finished stream, which ends with `[DONE]`."""
    frames = [f for f in (await response.aread()).decode().split("\n\n") if f.startswith("data:")]
    assert frames[-1] == "data: [DONE]"
    return [orjson.loads(frame.removeprefix("data: ")) for frame in frames[:-1]]


def text_of(told: list[dict[str, Any]]) -> str:
    return "".join(part["delta"] for part in told if part["type"] == "text-delta")


def kinds(told: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(part["type"] for part in told))


async def test_an_answer_is_stages_text_sources_and_an_end(
    client: httpx.AsyncClient, answering: FakeOpenAI
) -> None:
    response = await client.post("/api/ai/chat", json=chat())
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    told = await parts(response)
    assert kinds(told) == [
        "start",
        "data-stage",
        "text-start",
        "text-delta",
        "text-end",
        "source-document",
        "data-citations",
        "finish",
    ]
    assert text_of(told) == TEXT
    (source,) = [part for part in told if part["type"] == "source-document"]
    assert source["title"] == "Aripiprazole"
    assert source["providerMetadata"]["citestream"]["verified"] is True
    stages = [part for part in told if part["type"] == "data-stage"]
    assert {part["data"]["status"] for part in stages if part["id"] == "retrieval-1"} == {
        "started",
        "complete",
    }
    stored = (await client.get("/conversations/chat-1/messages")).json()["items"]
    assert [message["content"] for message in stored] == [QUESTION, TEXT]
    assert told[0]["messageId"] == stored[1]["message_id"]


async def test_a_regenerated_answer_stands_beside_the_first(
    client: httpx.AsyncClient, answering: FakeOpenAI
) -> None:
    first = await parts(await client.post("/api/ai/chat", json=chat()))
    again = chat(trigger="regenerate-message", messageId=first[0]["messageId"])
    second = await parts(await client.post("/api/ai/chat", json=again))
    assert second[0]["messageId"] != first[0]["messageId"]
    stored = (await client.get("/conversations/chat-1/messages")).json()["items"]
    assert [message["role"] for message in stored] == ["user", "assistant", "assistant"]


async def test_a_running_answer_is_resumed_whole_and_stopped(
    client: httpx.AsyncClient, endless: FakeOpenAI
) -> None:
    assert (await client.get("/api/ai/chat/chat-1/stream")).status_code == 204
    asked = client.stream("POST", "/api/ai/chat", json=chat(on_disconnect="continue"))
    async with asked as response:
        async for line in response.aiter_lines():
            if "text-delta" in line:
                break
    async with client.stream("GET", "/api/ai/chat/chat-1/stream") as resumed:
        assert resumed.headers["x-vercel-ai-ui-message-stream"] == "v1"
        receipt = await client.post("/api/ai/chat/chat-1/stop")
        told = await parts(resumed)
    assert receipt.json()["stopped"] is True
    assert text_of(told) == "".join(ANSWER[:2])
    assert told[-1] == {"type": "abort", "reason": "stopped"}
    assert (await client.get("/api/ai/chat/chat-1/stream")).status_code == 204
    assert (await client.post("/api/ai/chat/chat-1/stop")).status_code == 404


async def test_closing_the_connection_stops_the_model(
    client: httpx.AsyncClient, endless: FakeOpenAI
) -> None:
    async with client.stream("POST", "/api/ai/chat", json=chat()) as response:
        async for line in response.aiter_lines():
            if "text-delta" in line:
                break
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)


async def test_a_failure_is_an_error_part_with_the_text_before_it(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=ANSWER, cut_after=2, cut="reset"))
    told = await parts(await client.post("/api/ai/chat", json=chat()))
    assert text_of(told) == "".join(ANSWER[:2])
    assert told[-1]["type"] == "error"
    assert "broke" in told[-1]["errorText"]


FILE = {"type": "file", "mediaType": "image/png", "url": "data:image/png;base64,AAAA"}


WRONG: dict[str, dict[str, Any]] = {
    "none": chat(messages=[]),
    "nobody asks": chat(messages=[said("assistant")]),
    "blank": chat(messages=[said("user", " ")]),
    "long": chat(messages=[said("user", "a" * 8001)]),
    "file": chat(messages=[{"id": "m", "role": "user", "parts": [FILE]}]),
    "id": chat(id="../x"),
    "trigger": chat(trigger="something"),
    "source": chat(filters={"source_ids": ["none"]}),
}


async def test_a_wrong_body_is_refused(client: httpx.AsyncClient) -> None:
    for case, body in WRONG.items():
        response = await client.post("/api/ai/chat", json=body)
        assert response.status_code == 422, case
        assert response.json()["error"]["code"] == "invalid_input", case

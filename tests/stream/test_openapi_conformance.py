"""Compares the OpenAPI document with real responses of every route.

Every server of `harness/serving.py` checks its responses like this one, whatever test provokes
them. This module requests every documented response of each operation.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.openapi_conformance import Described, document
from tests.harness.run_client import asking, is_token, last_answer
from tests.harness.serving import serving
from tests.harness.sse import frames
from tests.harness.users import Person, person
from tests.stream.conftest import app_settings

QUESTION = "How long is oolong brewed?"
JSON = {"Accept": "application/json"}
NOTE = b"# Brewing\n\nOolong is brewed at ninety degrees for three minutes.\n"
UNASKED = {
    # From an owner that does not respond for five seconds.
    ("POST", "/runs/{run_id}/stop", 202, "application/json"),
    ("POST", "/api/ai/chat/{chat_id}/stop", 202, "application/json"),
}


@pytest.fixture
async def ann(
    stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path, embedder: MiniLM
) -> AsyncIterator[tuple[Person, Described]]:
    """A signed-in user at a separate server, and its responses."""
    settings = app_settings(stocked_dsn, upstream, tmp_path, auth="token")
    async with serving(settings, embedder) as server:
        ann = await person(server, "ann")
        async with ann.http:
            yield ann, server.described


def promised() -> set[tuple[str, str, int, str]]:
    """Every response that is not a refusal: operation, status, media type; 204 has none."""
    found = set()
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            for status, response in operation["responses"].items():
                kinds = list(response.get("content", {})) or [""]
                if path == "/sources/{source_id}/file":
                    kinds = ["application/octet-stream"]  # depends on the file
                if status[0] == "2":
                    found |= {(method.upper(), path, int(status), kind) for kind in kinds}
    return found


async def ok(response: httpx.Response) -> Any:
    """The body, if it is JSON."""
    assert response.is_success, f"{response.request.url}: {response.text}"
    is_json = response.headers.get("content-type", "").startswith("application/json")
    return response.json() if is_json else None


async def ask_everything(http: httpx.AsyncClient, upstream: FakeOpenAI) -> str:
    """Asks in every way, streamed and as JSON, successful and failed; returns a finished run."""
    upstream.always(Reply(tokens=["Three ", "minutes ", "[1]."]))
    body = {"message": QUESTION, "session_id": "s1"}
    first = await ok(await http.post("/chat", json=body, headers=JSON))
    async with asking(http, QUESTION, session_id="s2") as asked:
        await asked.rest()
    await ok(await http.post("/api/chat/stream", json={"query": QUESTION}))
    again = f"/conversations/s1/messages/{first['message_id']}/regenerate"
    await ok(await http.post(again, json={}, headers=JSON))
    await ok(await http.post(again, json={}))
    upstream.script(Reply(status=401))
    failed = await http.post("/chat", json={"message": QUESTION}, headers=JSON)
    assert failed.status_code == 502
    for accept in (JSON, {}):
        upstream.script(Reply(tokens=["Three ", "minutes "], cut_after=2, cut="reset"))
        body = {"message": QUESTION, "session_id": f"cut-{len(accept)}"}
        failed = await http.post("/chat", json=body, headers=JSON)
        assert failed.status_code == 502
        cut = await last_answer(http, body["session_id"])
        path = f"/conversations/{body['session_id']}/messages/{cut['message_id']}/continue"
        await ok(await http.post(path, json={}, headers=accept))
    return asked.run_id


async def stop(http: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    upstream.script(Reply(tokens=["word "] * 9, stall_after=3))
    async with asking(http, QUESTION, on_disconnect="continue") as asked:
        await asked.until(is_token)
        assert (await ok(await http.post(f"/runs/{asked.run_id}/stop")))["stopped"] is True
        await asked.rest()


async def follow(http: httpx.AsyncClient, path: str) -> None:
    """Reads a stream to its end, and again from there: 204."""
    async with http.stream("GET", path) as response:
        last = [frame async for frame in frames(response)][-1]
    ended = await http.get(path, headers={"Last-Event-ID": str(last.id)})
    assert ended.status_code == 204


async def keep_house(http: httpx.AsyncClient) -> None:
    """Conversations: listed, read, changed, judged, saved, deleted and back."""
    await ok(await http.get("/conversations"))
    assert (await ok(await http.get("/conversations?q=minutes")))["items"]
    await ok(await http.get("/conversations/s1"))
    await ok(await http.patch("/conversations/s1", json={"title": "Tea"}))
    items = (await ok(await http.get("/conversations/s1/messages")))["items"]
    answer = f"/conversations/s1/messages/{items[-1]['message_id']}"
    await ok(await http.get(f"{answer}/questions"))
    feedback = f"{answer}/feedback"
    await ok(await http.put(feedback, json={"rating": "up", "comment": "Yes"}))
    await ok(await http.get("/conversations/s1/messages"))
    await ok(await http.delete(feedback))
    await ok(await http.get("/conversations/s1/export"))
    await ok(await http.delete("/conversations/s1"))
    await ok(await http.post("/conversations/s1/restore"))


async def fill_the_library(http: httpx.AsyncClient) -> None:
    job = await ok(await http.post("/sources", files=[("file", ("oolong.md", NOTE))]))
    await follow(http, f"/jobs/{job['job_id']}/events")
    await ok(await http.get("/jobs"))
    await ok(await http.get("/api/models"))
    listed = (await ok(await http.get("/sources?limit=1")))["items"]
    await ok(await http.get("/sources"))
    source = f"/sources/{listed[0]['source_id']}"
    await ok(await http.get(source))
    passages = (await ok(await http.get(f"{source}/passages")))["items"]
    await ok(await http.get(f"{source}/passages/{passages[0]['passage_id']}"))
    await ok(await http.get(f"{source}/questions"))
    await ok(await http.get(f"{source}/file"))
    assert (await http.get(f"{source}/file", headers={"Range": "bytes=0-3"})).status_code == 206
    await ok(await http.patch(source, json={"title": "Oolong", "tags": ["tea"]}))
    await ok(await http.delete(source))
    await ok(await http.post(f"{source}/restore"))


async def speak_other_protocols(http: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    await ok(await http.get("/v1/models"))
    await ok(await http.get("/v1/models/citestream"))
    question = {"model": "citestream", "messages": [{"role": "user", "content": QUESTION}]}
    await ok(await http.post("/v1/chat/completions", json=question))
    await ok(await http.post("/v1/chat/completions", json={**question, "stream": True}))
    said = {"id": "m", "role": "user", "parts": [{"type": "text", "text": QUESTION}]}
    chat = {"id": "chat-1", "trigger": "submit-message", "messages": [said]}
    await ok(await http.post("/api/ai/chat", json=chat))
    assert (await http.get("/api/ai/chat/chat-1/stream")).status_code == 204
    upstream.script(Reply(tokens=["word "] * 9, stall_after=3))
    async with http.stream("POST", "/api/ai/chat", json={**chat, "id": "chat-2"}) as response:
        async with http.stream("GET", "/api/ai/chat/chat-2/stream") as second:
            assert (await ok(await http.post("/api/ai/chat/chat-2/stop")))["stopped"] is True
            await second.aread()
        await response.aread()


async def look_after_it(http: httpx.AsyncClient) -> None:
    await ok(await http.get("/health"))
    await ok(await http.get("/health/ready"))
    await ok(await http.get("/metrics"))
    await ok(await http.get("/health/stream?frames=1&pause_ms=5"))


async def test_every_route_sends_what_it_says(
    ann: tuple[Person, Described], upstream: FakeOpenAI
) -> None:
    person, described = ann
    http = person.http
    await ok(await http.post("/auth/sign-in", json={"token": person.token}))
    await ok(await http.get("/auth/session"))
    await fill_the_library(http)
    run_id = await ask_everything(http, upstream)
    await follow(http, f"/runs/{run_id}/events")
    await stop(http, upstream)
    await keep_house(http)
    await speak_other_protocols(http, upstream)
    await look_after_it(http)
    await ok(await http.post("/auth/sign-out"))
    assert described.wrong == []
    assert promised() - set(described.sent) - UNASKED == set()

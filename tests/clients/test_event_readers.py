"""Common event stream readers, against the main format."""

import asyncio
import json
import signal
import uuid
from collections.abc import Callable
from typing import Any

import httpx
import sseclient
from httpx_sse import aconnect_sse, connect_sse

from tests.clients.conftest import ANSWER, QUESTION
from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.serving import Serving

TEXT = "".join(ANSWER)
PART = "".join(ANSWER[:2])
Heartbeat = tuple[str, str, str]
"""The text, the last id, how it ended."""


def asked(**fields: Any) -> dict[str, Any]:
    return {"message": QUESTION, "on_disconnect": "continue", **fields}


async def blocking(read: Callable[[httpx.Client], Heartbeat], url: str) -> Heartbeat:
    """A blocking reader, run off the event loop that serves it."""

    def run() -> Heartbeat:
        with httpx.Client(base_url=url, timeout=20, trust_env=False) as http:
            return read(http)

    return await asyncio.to_thread(run)


async def test_httpx_sse_asks_resumes_and_stops(
    client: httpx.AsyncClient, endless: FakeOpenAI
) -> None:
    run_id, text, last_id = str(uuid.uuid4()), "", ""
    async with aconnect_sse(client, "POST", "/chat", json=asked(run_id=run_id)) as source:
        async for event in source.aiter_sse():
            last_id = event.id
            if json.loads(event.data)["type"] == "token":
                text += json.loads(event.data)["content"]
                break
    headers = {"Last-Event-ID": last_id}
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events", headers=headers) as source:
        receipt = (await client.post(f"/runs/{run_id}/stop")).json()
        events = [json.loads(e.data) async for e in source.aiter_sse() if e.data]
    text += "".join(event["content"] for event in events if event["type"] == "token")
    assert receipt["stopped"] is True
    assert text == PART
    assert events[-1]["content"]["finish_reason"] == "stopped"
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)


async def test_httpx_sse_without_async(server: Serving, answering: FakeOpenAI) -> None:
    def read(http: httpx.Client) -> Heartbeat:
        text, last = "", ("", "")
        with connect_sse(http, "POST", "/chat", json=asked()) as source:
            for event in source.iter_sse():
                told = json.loads(event.data)
                text += told["content"] if told["type"] == "token" else ""
                last = (event.id, told["type"])
        return text, *last

    assert (await blocking(read, server.url))[::2] == (TEXT, "done")


async def test_sseclient_py_asks_and_resumes(server: Serving, answering: FakeOpenAI) -> None:
    run_id = str(uuid.uuid4())

    def read(http: httpx.Client, after: int) -> Heartbeat:
        text, last, headers = "", ("", ""), {"Last-Event-ID": str(after)} if after else {}
        request = (
            http.stream("GET", f"/runs/{run_id}/events", headers=headers)
            if after
            else http.stream("POST", "/chat", json=asked(run_id=run_id))
        )
        with request as response:
            for event in sseclient.SSEClient(response.iter_bytes()).events():
                told = json.loads(event.data)
                text += told["content"] if told["type"] == "token" else ""
                last = (event.id or "", told["type"])
        return text, *last

    text, last_id, ended = await blocking(lambda http: read(http, 0), server.url)
    assert (text, ended) == (TEXT, "done")
    rest, _, ended = await blocking(lambda http: read(http, int(last_id) - 1), server.url)
    assert (rest, ended) == ("", "done")


async def test_sseclient_py_stops_by_closing(server: Serving, endless: FakeOpenAI) -> None:
    def read(http: httpx.Client) -> Heartbeat:
        body = {"message": QUESTION}
        with http.stream("POST", "/chat", json=body) as response:
            reader = sseclient.SSEClient(response.iter_bytes())
            for event in reader.events():
                told = json.loads(event.data)
                if told["type"] == "token":
                    reader.close()
                    return told["content"], event.id or "", told["type"]
        raise AssertionError("no token came")

    assert PART.startswith((await blocking(read, server.url))[0])
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)


async def curl(*arguments: str) -> "asyncio.subprocess.Process":
    return await asyncio.create_subprocess_exec(
        "curl", "-sN", *arguments, stdout=asyncio.subprocess.PIPE
    )


async def test_curl_asks_and_ctrl_c_stops(server: Serving, endless: FakeOpenAI) -> None:
    body = json.dumps({"message": QUESTION})
    kind = "Content-Type: application/json"
    process = await curl(f"{server.url}/chat", "-H", kind, "-d", body)
    assert process.stdout is not None
    async for line in process.stdout:
        if b'"type":"token"' in line:
            break
    process.send_signal(signal.SIGINT)
    await process.wait()
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)


async def test_curl_resumes_after_a_cut(server: Serving, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=ANSWER))
    run_id = str(uuid.uuid4())
    async with FaultProxy(upstream=("127.0.0.1", server.port)) as proxy:
        url, kind = f"http://127.0.0.1:{proxy.port}", "Content-Type: application/json"
        process = await curl(f"{url}/chat", "-H", kind, "-d", json.dumps(asked(run_id=run_id)))
        assert process.stdout is not None
        first = await process.stdout.readline()
        proxy.cut_all("rst")
        await process.communicate()
        last_id = first.decode().removeprefix("id: ").strip()
        again = await curl(f"{url}/runs/{run_id}/events", "-H", f"Last-Event-ID: {last_id}")
        rest = (await again.communicate())[0].decode()
    events = [json.loads(li.removeprefix("data: ")) for li in rest.splitlines() if "data: " in li]
    assert "".join(e["content"] for e in events if e["type"] == "token") == TEXT
    assert events[-1]["type"] == "done"


async def test_what_open_webui_sends(client: httpx.AsyncClient, answering: FakeOpenAI) -> None:
    """Replays its requests in order: models, a streamed chat, titles and tags."""
    key = {"Authorization": "Bearer any", "X-OpenWebUI-User-Name": "Ann"}
    models = (await client.get("/v1/models", headers=key)).json()
    assert [model["id"] for model in models["data"]] == ["citestream"]
    chat = {
        "model": "citestream",
        "stream": True,
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": [{"type": "text", "text": QUESTION}]},
        ],
        "stream_options": {"include_usage": True},
        "temperature": 0.8,
        "user": {"name": "Ann", "id": "1", "email": "ann@example.org"},
        "params": {"function_calling": "native"},
    }
    streamed = await client.post("/v1/chat/completions", json=chat, headers=key)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in streamed.text.splitlines() if line.startswith("data: {")]
    deltas = [c["delta"] for line in lines for c in json.loads(line[6:])["choices"]]
    text = "".join(delta.get("content") or "" for delta in deltas)
    assert text.startswith(f"{TEXT}\n\n**Sources**\n- [1] Aripiprazole")
    assert any(delta.get("annotations") for delta in deltas)
    assert streamed.text.endswith("data: [DONE]\n\n")
    title = {
        "model": "citestream",
        "stream": False,
        "messages": [{"role": "user", "content": "### Task:\nGenerate a concise title."}],
        "max_completion_tokens": 1000,
        "metadata": {"task": "title_generation"},
    }
    told = await client.post("/v1/chat/completions", json=title, headers=key)
    assert told.status_code == 200
    assert told.json()["choices"][0]["message"]["content"]
    assert (await client.get("/conversations")).json()["items"] == []

"""Runs a real server over one library, and the conversations with it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx
import orjson
import uvicorn
from fastapi import FastAPI

from app.llm.extractive_answer import NOTHING
from bench.answers.judging import Reply
from bench.answers.scripted_model import DECLINED

_READ_S: Final = 300.0
_POLL_S: Final = 0.2


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """Serve until the block ends, on a free port; its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
    async with asyncio.TaskGroup() as tasks:
        serve = tasks.create_task(server._serve([listener]))
        try:
            while not server.started:
                if serve.done():
                    raise RuntimeError("the server did not start")
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True


async def upload(client: httpx.AsyncClient, files: Sequence[Path], *, sources: int) -> None:
    """Upload the files and wait until that many sources are ingested. Raises `TimeoutError`."""
    for file in files:
        content = await asyncio.to_thread(file.read_bytes)
        response = await client.post("/sources", files={"file": (file.name, content)})
        response.raise_for_status()
    async with asyncio.timeout(_READ_S):
        while True:
            if await _has_read(client, sources):
                return
            await asyncio.sleep(_POLL_S)


async def _has_read(client: httpx.AsyncClient, sources: int) -> bool:
    if (await _get(client, "/jobs"))["reading"] is not None:
        return False
    return len((await _get(client, "/sources"))["items"]) >= sources


async def _get(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(path)).raise_for_status().json()
    return found


async def converse(client: httpx.AsyncClient, turns: Sequence[str]) -> Reply:
    """Ask one after another; the last answer. Raises `RuntimeError` when a run fails."""
    session_id = str(uuid4())
    reply = Reply("", refused=True)
    for turn in turns:
        reply = await _ask(client, session_id, turn)
    return reply


async def _ask(client: httpx.AsyncClient, session_id: str, message: str) -> Reply:
    text = finish_reason = ""
    body = {"message": message, "session_id": session_id}
    async with client.stream("POST", "/chat", json=body) as response:
        response.raise_for_status()
        async for line in response.aiter_lines():
            if not line.startswith("data: "):
                continue
            event = orjson.loads(line.removeprefix("data: "))
            match event["type"]:
                case "token":
                    text += event["content"]
                case "reset":
                    text = event["content"]["text"]
                case "done":
                    finish_reason = event["content"]["finish_reason"]
                case "error":
                    raise RuntimeError(f"{message}: {event['content']['message']}")
                case _:
                    pass
    refused = finish_reason == "no_evidence" or text.strip() in (NOTHING, DECLINED)
    return Reply(text, refused, await _evidence(client, session_id))


async def _evidence(client: httpx.AsyncClient, session_id: str) -> tuple[str, ...]:
    """The texts of the passages that the last answer cites."""
    messages = await _get(client, f"/conversations/{session_id}/messages?limit=200")
    cited = {one["passage_id"]: one["source_id"] for one in messages["items"][-1]["citations"]}
    found = [
        await _get(client, f"/sources/{source}/passages/{passage}")
        for passage, source in cited.items()
    ]
    return tuple(one["text"] for one in found)

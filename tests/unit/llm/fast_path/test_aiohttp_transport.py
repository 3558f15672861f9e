"""aiohttp below the OpenAI SDK: differences from a stock connection."""

import asyncio

import httpx2
import openai
import pytest
from aiohttp.client_proto import ResponseHandler

from app.llm.fast_path.aiohttp_transport import AiohttpTransport
from tests.fakes.openai_server import FakeOpenAI, Reply


async def test_a_reader_that_pauses_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[ResponseHandler] = []
    pause = ResponseHandler.pause_reading

    def counted(self: ResponseHandler) -> None:
        paused.append(self)
        pause(self)

    monkeypatch.setattr(ResponseHandler, "pause_reading", counted)
    tokens = [f"{n} ".ljust(40_000, "x") for n in range(100)]
    transport = AiohttpTransport()
    async with FakeOpenAI() as upstream, httpx2.AsyncClient(transport=transport) as http:
        upstream.script(Reply(tokens=tokens))
        api = openai.AsyncOpenAI(api_key="k", base_url=upstream.base_url, http_client=http)
        stream = await api.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "?"}], stream=True
        )
        parts: list[str] = []
        async for chunk in stream:
            if not parts:
                await asyncio.sleep(0.2)  # more arrives than is kept for a reader
            parts += [choice.delta.content or "" for choice in chunk.choices]
    assert "".join(parts) == "".join(tokens)
    assert paused

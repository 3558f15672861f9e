"""Marker variants that models write are normalized in events, storage and `/v1`."""

import httpx
import pytest

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.sse import frames
from tests.stream.conftest import QUESTION

SAID = "Nausea 【1†source】, insomnia［2］ and more [1-2]; [^1] [citation:2] [ 1 ] [1; 2] [7-9]."
SHOWN = "Nausea [1], insomnia[2] and more [1][2]; [1] [2] [1] [1][2] [7-9]."


@pytest.mark.parametrize("size", [1, 3, 1000])
@pytest.mark.parametrize("refuse_stream", [False, True])
async def test_forms_are_one_everywhere(
    client: httpx.AsyncClient, upstream: FakeOpenAI, size: int, refuse_stream: bool
) -> None:
    pieces = [SAID[at : at + size] for at in range(0, len(SAID), size)]
    upstream.always(Reply(tokens=pieces, refuse_stream=refuse_stream))
    body = {"message": QUESTION, "session_id": "s1"}
    async with client.stream("POST", "/chat", json=body) as response:
        seen = [frame async for frame in frames(response)]
    assert "".join(frame.content for frame in seen if frame.type == "token") == SHOWN
    [cited] = [frame.content["citations"] for frame in seen if frame.type == "citations"]
    assert [citation["marker"] for citation in cited] == [1, 2]
    [_, answer] = (await client.get("/conversations/s1/messages")).json()["items"]
    assert answer["content"] == SHOWN

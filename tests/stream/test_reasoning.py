"""Models with reasoning in their answers: only readers who ask for it see it."""

import httpx
import orjson
import pytest

from tests.fakes.openai_script import Record
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.sse import Frame, Viewer, frames
from tests.stream.conftest import QUESTION

THOUGHTS = "Passage [2] or [1]? The first."
ANSWER = "Common side effects include nausea [1]."
OPENED = f"<think>\n{THOUGHTS}\n</think>\n\n{ANSWER}"
UNOPENED = f"{THOUGHTS}\n</think>\n\n{ANSWER}"


async def ask(client: httpx.AsyncClient, message: str = QUESTION) -> tuple[Viewer, list[Frame]]:
    body = {"message": message, "session_id": "s1"}
    async with client.stream("POST", "/chat", json=body) as response:
        seen = [frame async for frame in frames(response)]
    viewer = Viewer()
    for frame in seen:
        viewer.take(frame)
    return viewer, seen


@pytest.mark.parametrize("size", [1, 4, 1000])
@pytest.mark.parametrize("said", [OPENED, UNOPENED], ids=["opened", "unopened"])
async def test_a_thought_is_no_answer_no_citation_and_no_context(
    client: httpx.AsyncClient, upstream: FakeOpenAI, said: str, size: int
) -> None:
    pieces = [said[at : at + size] for at in range(0, len(said), size)]
    upstream.always(Reply(tokens=pieces))
    viewer, seen = await ask(client)
    assert viewer.text == ANSWER
    [cited] = [frame.content["citations"] for frame in seen if frame.type == "citations"]
    assert [citation["marker"] for citation in cited] == [1]
    told = [frame.content for frame in seen if frame.type.startswith("reasoning")]
    assert [content["status"] for content in told] == ["started", "complete"]
    assert told[1]["text"] == THOUGHTS
    [_, answer] = (await client.get("/conversations/s1/messages")).json()["items"]
    assert (answer["content"], answer["status"]) == (ANSWER, "complete")
    run_id = seen[0].content["run_id"]
    async with client.stream("GET", f"/runs/{run_id}/events") as response:
        replayed = Viewer()
        async for frame in frames(response):
            replayed.take(frame)
    assert replayed.text == ANSWER
    await ask(client, "And how is it taken?")
    assert THOUGHTS not in upstream.requests[-1].prompt
    assert ANSWER in upstream.requests[-1].prompt


async def test_once_it_is_known_how_a_model_thinks_nothing_is_taken_back(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=UNOPENED.split(" "), pace_s=0.02))
    resets = [(await ask(client))[0].resets for _ in range(2)]
    assert resets == [1, 0]


async def test_json_has_the_answer_alone(client: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=UNOPENED.split(" ")))
    accept = {"Accept": "application/json"}
    body = (await client.post("/chat", json={"message": QUESTION}, headers=accept)).json()
    assert "</think>" not in body["answer"]
    assert "Passage" not in body["answer"]


@pytest.mark.parametrize("stream", [False, True])
async def test_openais_clients_get_the_answer_alone(
    client: httpx.AsyncClient, upstream: FakeOpenAI, stream: bool
) -> None:
    upstream.always(Reply(tokens=list(OPENED)))
    earlier = {"role": "assistant", "content": f"<think>{THOUGHTS}</think>Yes."}
    user = {"role": "user", "content": QUESTION}
    asked = {"model": "citestream", "messages": [user, earlier, user], "stream": stream}
    response = await client.post("/v1/chat/completions", json=asked)
    if stream:
        lines = [line[6:] for line in response.text.split("\n") if line.startswith("data: {")]
        deltas = [orjson.loads(line)["choices"][0]["delta"] for line in lines]
        text = "".join(delta.get("content") or "" for delta in deltas)
    else:
        text = response.json()["choices"][0]["message"]["content"]
    assert text.startswith(f"{ANSWER}\n\n**Sources**")
    assert THOUGHTS not in text
    assert THOUGHTS not in upstream.requests[-1].prompt


async def test_clients_that_cannot_take_back_are_told_and_are_answered_the_next_time(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=UNOPENED.split(" "), pace_s=0.02))
    user = {"role": "user", "content": QUESTION}
    asked = {"model": "citestream", "messages": [user], "stream": True}
    first = (await client.post("/v1/chat/completions", json=asked)).text
    assert "the model's reasoning" in first
    assert "[DONE]" not in first
    second = (await client.post("/v1/chat/completions", json=asked)).text
    assert "error" not in second
    assert "Passage" not in second
    assert second.endswith("data: [DONE]\n\n")


async def test_an_answer_without_a_stream_tells_its_thoughts_too(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=[OPENED], refuse_stream=True))
    viewer, seen = await ask(client)
    assert viewer.text == ANSWER
    told = [frame.content for frame in seen if frame.type == "reasoning_complete"]
    assert [content["text"] for content in told] == [THOUGHTS]


async def test_a_reasoning_field_is_told_as_a_stage(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=[ANSWER], reasoning=["Passage [2] ", "or [1]?"]))
    viewer, seen = await ask(client)
    assert viewer.text == ANSWER
    told = [frame.content for frame in seen if frame.type == "reasoning_complete"]
    assert [content["text"] for content in told] == ["Passage [2] or [1]?"]


@pytest.mark.parametrize("field", [True, False], ids=["field", "tags"])
async def test_reasoning_is_sent_while_it_comes_and_stored_once(
    client: httpx.AsyncClient, upstream: FakeOpenAI, field: bool
) -> None:
    thoughts = [f"step {number} " for number in range(12)]
    upstream.always(
        Reply(tokens=[ANSWER], reasoning=thoughts, pace_s=0.03)
        if field
        else Reply(tokens=["<think>", *thoughts, "</think>", ANSWER], pace_s=0.03)
    )
    viewer, seen = await ask(client)
    assert viewer.text == ANSWER
    told = [frame for frame in seen if frame.type.startswith("reasoning")]
    pieces = [frame.content["text"] for frame in told if frame.type == "reasoning_delta"]
    assert len(pieces) >= 2
    assert "".join(thoughts).startswith("".join(pieces))
    assert told[-1].content["text"] == "".join(thoughts).strip()
    [_, answer] = (await client.get("/conversations/s1/messages")).json()["items"]
    stored = [stage["type"] for stage in answer["evidence"] if stage["type"].startswith("reason")]
    assert stored == ["reasoning_start", "reasoning_complete"]


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("/api/chat/stream", {"query": QUESTION}),
        (
            "/api/ai/chat",
            {
                "id": "c1",
                "messages": [
                    {"id": "m1", "role": "user", "parts": [{"type": "text", "text": QUESTION}]}
                ],
            },
        ),
    ],
)
async def test_other_formats_tell_the_stage_alone(
    client: httpx.AsyncClient, upstream: FakeOpenAI, route: str, body: dict[str, object]
) -> None:
    upstream.always(Reply(tokens=[ANSWER], reasoning=["step "] * 12, pace_s=0.03))
    said = (await client.post(route, json=body)).text
    assert '"status":"started"' in said
    assert '"status":"streaming"' not in said


async def test_a_conversation_beyond_the_window_goes_on(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    def refuse(record: Record) -> str | None:
        asked = sum(1 + 3 * (not character.isascii()) for character in record.prompt) // 4
        return (
            f"maximum context length is 8192 tokens, you requested {asked}" * (asked > 8192) or None
        )

    upstream.always(Reply(tokens=["吐き気です[1]。" * 300], refuse=refuse))
    for _ in range(7):
        _, seen = await ask(client)
        assert seen[-1].type == "done"
        assert QUESTION in upstream.requests[-1].prompt.rpartition("Question:")[2]
    bodies = [str(request.body["messages"]) for request in upstream.requests]
    assert len(set(bodies)) == len(bodies)

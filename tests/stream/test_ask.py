"""The spine: a question over HTTP, real database, real graph, fake model service."""

import asyncio

import httpx

from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.sse import Frame, frames, stage_types
from tests.stream.conftest import QUESTION, TEXTS

STAGES = [
    "run_start",
    "retrieval_start",
    "retrieval_complete",
    "reranking_start",
    "reranking_complete",
    "grading_start",
    "grading_complete",
    "generation_start",
    "token",
    "citations",
    "done",
]


async def ask(client: httpx.AsyncClient, **body: object) -> list[Frame]:
    async with client.stream("POST", "/chat", json={"message": QUESTION, **body}) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["x-accel-buffering"] == "no"
        assert response.headers["cache-control"] == "no-cache, no-transform"
        seen = [frame async for frame in frames(response)]
        assert response.headers["x-run-id"] == seen[0].content["run_id"]
    return seen


async def test_a_question_streams_its_stages_tokens_citations_and_done(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["Common side effects ", "include nausea ", "[1", "]."]))
    seen = await ask(client, session_id="s1")
    assert stage_types(seen) == STAGES
    assert [frame.id for frame in seen] == sorted({frame.id for frame in seen})
    passages = next(f for f in seen if f.type == "generation_start").content["passages"]
    text = "".join(frame.content for frame in seen if frame.type == "token")
    assert text == "Common side effects include nausea [1]."
    citation = seen[-2].content["citations"][0]
    assert citation["verified"] is True
    assert citation["passage_id"] == passages[0]["passage_id"]
    quoted = passages[0]["text"][citation["quote_start"] : citation["quote_end"]]
    assert citation["quote"] == quoted
    done = seen[-1].content
    assert (done["finish_reason"], done["saved"]) == ("stop", True)
    assert done["usage"]["estimated"] is False


async def test_the_conversation_is_stored_and_the_next_question_uses_it(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["Nausea [1]."]), Reply(tokens=["Once a day [1]."]))
    await ask(client, session_id="s1")
    await ask(client, session_id="s1", message="And how is it taken?")
    prompt = upstream.requests[-1].prompt
    assert prompt.count(QUESTION) == 1
    assert prompt.count("Nausea [1].") == 1
    assert TEXTS[2] in prompt
    messages = (await client.get("/conversations/s1/messages")).json()["items"]
    assert [m["role"] for m in messages] == ["user", "assistant", "user", "assistant"]
    answer = messages[1]
    assert answer["content"] == "Nausea [1]."
    assert answer["status"] == "complete"
    assert answer["usage"]["output_tokens"] > 0
    assert answer["timings"]["total_ms"] > 0
    assert {item["type"] for item in answer["evidence"]} >= {"retrieval_complete"}
    conversation = (await client.get("/conversations/s1")).json()
    assert conversation["title"] == QUESTION
    assert conversation["active_run_id"] is None


async def test_feedback_comes_back_with_its_answer(client: httpx.AsyncClient) -> None:
    await ask(client, session_id="s1")
    stored = (await client.get("/conversations/s1/messages")).json()["items"]
    message_id = stored[1]["message_id"]
    route = f"/conversations/s1/messages/{message_id}/feedback"

    async def said() -> object:
        items = (await client.get("/conversations/s1/messages")).json()["items"]
        return [item["feedback"] for item in items]

    assert (await client.put(route, json={"rating": "up"})).status_code == 204
    assert await said() == [None, {"rating": "up", "comment": ""}]
    wrong = await client.put(route, json={"rating": "sideways", "comment": "x"})
    assert (wrong.status_code, "rating" in wrong.text) == (422, True)
    assert (await client.delete(route)).status_code == 204
    assert await said() == [None, None]


async def test_json_is_one_object(client: httpx.AsyncClient) -> None:
    response = await client.post(
        "/chat", json={"message": QUESTION}, headers={"Accept": "application/json"}
    )
    body = response.json()
    assert response.status_code == 200
    assert body["answer"]
    assert set(body) == {
        *("run_id", "session_id", "message_id", "answer", "citations"),
        *("finish_reason", "usage", "timings"),
    }


async def test_the_named_event_format_is_the_same_run(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["Nausea ", "[1]."]))
    response = await client.post("/api/chat/stream", json={"query": QUESTION})
    blocks = [block.split("\n") for block in response.text.strip().split("\n\n")]
    names = [next(line for line in block if line.startswith("event: ")) for block in blocks]
    assert names[-1] == "event: done"
    assert names[-2] == "event: citations"
    assert "event: token" in names
    assert set(names) == {"event: stage", "event: token", "event: citations", "event: done"}
    assert blocks[-1][-1] == "data: {}"


async def test_a_service_that_refuses_streaming_is_asked_once_without(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=["Nausea [1]."], refuse_stream=True))
    seen = await ask(client)
    assert "".join(f.content for f in seen if f.type == "token") == "Nausea [1]."
    assert seen[-1].content["finish_reason"] == "stop"


async def test_ten_sessions_at_once(client: httpx.AsyncClient) -> None:
    many = await asyncio.gather(*(ask(client, session_id=f"s{n}") for n in range(10)))
    assert {seen[-1].type for seen in many} == {"done"}
    assert len({seen[0].content["run_id"] for seen in many}) == 10


async def test_a_filter_holds_and_an_unknown_source_is_named(client: httpx.AsyncClient) -> None:
    seen = await ask(client, filters={"kinds": ["recording"]})
    assert seen[-1].content["finish_reason"] == "no_evidence"
    assert "recordings" in "".join(f.content for f in seen if f.type == "token")
    added_later = {"after": "2999-01-01"}
    seen = await ask(client, filters=added_later)
    assert seen[0].content["filters"] == {"source_ids": [], "kinds": [], "tags": [], **added_later}
    graded = next(frame for frame in seen if frame.type == "grading_complete")
    assert graded.content["outside_filter"] > 0
    assert "sources added since 2999-01-01" in "".join(f.content for f in seen if f.type == "token")
    seen = await ask(client, filters={"after": "2000-01-01", "before": "2999-01-01"})
    assert seen[-1].content["finish_reason"] == "stop"
    refused = await client.post(
        "/chat", json={"message": QUESTION, "filters": {"recording_id": "nope"}}
    )
    assert refused.status_code == 422
    assert refused.json()["error"]["details"] == {"field": "filters.source_ids"}


async def test_nothing_on_the_way_may_transform_a_stream(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=["Nausea ", "[1]."]))
    seen = await ask(client, session_id="s1")
    run_id, message_id = (seen[0].content[name] for name in ("run_id", "message_id"))
    upload = await client.post("/sources", files={"file": ("tea.md", b"# Tea\n\nIt is steeped.\n")})
    said = {"id": "m", "role": "user", "parts": [{"type": "text", "text": QUESTION}]}
    asked = {"messages": [{"role": "user", "content": QUESTION}]}
    streams: list[tuple[str, str, dict[str, object] | None]] = [
        ("POST", "/api/chat/stream", {"query": QUESTION}),
        ("POST", "/v1/chat/completions", {"model": "citestream", "stream": True, **asked}),
        ("POST", "/api/ai/chat", {"id": "c", "trigger": "submit-message", "messages": [said]}),
        ("POST", f"/conversations/s1/messages/{message_id}/regenerate", {}),
        ("GET", f"/runs/{run_id}/events", None),
        ("GET", f"/jobs/{upload.json()['job_id']}/events", None),
        ("GET", "/health/stream?frames=1&pause_ms=5", None),
    ]
    for method, path, body in streams:
        async with client.stream(method, path, json=body) as response:
            assert response.headers["content-type"].startswith("text/event-stream"), path
            assert response.headers["cache-control"] == "no-cache, no-transform", path
            assert response.headers["x-accel-buffering"] == "no", path
            await response.aread()

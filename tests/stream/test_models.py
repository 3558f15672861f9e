"""Several models: listed to those who may use them, chosen per question, remembered."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port
from tests.harness.run_client import asking, last_answer
from tests.harness.serving import Serving, serving
from tests.harness.sse import frames
from tests.harness.users import Person, person
from tests.stream.conftest import QUESTION, app_settings

ONE, TWO = "Nausea, says one [1].", "Nausea, says two [1]."
KEY = "sk-second-endpoint"


@pytest.fixture
async def second() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as fake:
        fake.always(Reply(tokens=[TWO]))
        yield fake


@pytest.fixture
async def house(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    second: FakeOpenAI,
    tmp_path: Path,
    embedder: MiniLM,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator["House"]:
    """Ann may use everything, Ben neither the model of one person nor that of a group."""
    monkeypatch.setenv("SECOND_KEY", KEY)
    upstream.always(Reply(tokens=[ONE]))
    with closed_port() as port:
        listed = [
            {
                "name": "team/two:latest",
                "label": "Model two",
                "base_url": second.base_url,
                "model": "meta/two:7b",
                "key": "SECOND_KEY",
                "context_window": 8192,
                "input_price": 0.5,
                "output_price": 1.5,
                "groups": ["research"],
            },
            {"name": "anns", "base_url": second.base_url, "model": "m", "people": ["ann"]},
            {"name": "gone", "base_url": f"http://127.0.0.1:{port}/v1", "model": "m"},
        ]
        settings = app_settings(
            stocked_dsn, upstream, tmp_path, auth="token", models=json.dumps(listed)
        )
        async with serving(settings, embedder) as server, AsyncExitStack() as stack:
            await server.runtime.database.execute("UPDATE sources SET shared = true")
            ann = await person(server, "ann", groups=("research",))
            ben = await person(server, "ben")
            for one in (ann, ben):
                await stack.enter_async_context(one.http)
            yield House(server, ann, ben)


class House:
    def __init__(self, server: Serving, ann: Person, ben: Person) -> None:
        self.server = server
        self.ann, self.ben = ann.http, ben.http


async def models(http: httpx.AsyncClient, **query: Any) -> dict[str, Any]:
    response = await http.get("/api/models", params=query)
    assert response.status_code == 200, response.text
    return dict(response.json())


async def names(http: httpx.AsyncClient, **query: Any) -> list[str]:
    return [one["name"] for one in (await models(http, **query))["items"]]


async def answer(http: httpx.AsyncClient, **body: Any) -> tuple[str, str]:
    """The model that `run_start` names, and the text."""
    async with asking(http, QUESTION, **body) as asked:
        terminal = await asked.rest()
    assert terminal.type == "done", terminal.content
    return asked.seen[0].content["model"], asked.viewer.text


async def test_people_see_the_models_that_they_may_use(house: House, second: FakeOpenAI) -> None:
    assert await names(house.ann) == ["fake", "team/two:latest", "anns", "gone", "extractive"]
    assert await names(house.ben) == ["fake", "gone", "extractive"]
    two = (await models(house.ann))["items"][1]
    assert two.pop("reachable") in (None, True)
    assert two == {
        "name": "team/two:latest",
        "label": "Model two",
        "provider": "openai",
        "sends_to": f"127.0.0.1:{second.port}",
        "context_window": 8192,
        "input_price": 0.5,
        "output_price": 1.5,
        "found": False,
        "reason": None,
    }
    assert (await models(house.ann))["search_sends_to"] == []
    assert (await models(house.ben))["items"][-1]["sends_to"] is None


async def test_the_list_is_searched_and_cut(house: House) -> None:
    assert await names(house.ann, q="model TWO") == ["team/two:latest"]
    assert await names(house.ann, q="extr", limit=1) == ["extractive"]
    cut = await models(house.ann, limit=2)
    assert (len(cut["items"]), cut["total"]) == (2, 5)


async def test_a_question_is_answered_by_the_model_it_names(
    house: House, upstream: FakeOpenAI, second: FakeOpenAI
) -> None:
    assert await answer(house.ann) == ("fake", ONE)
    assert second.requests == []
    assert await answer(house.ann, model="team/two:latest") == ("team/two:latest", TWO)
    (request,) = second.requests
    assert request.body["model"] == "meta/two:7b"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert len(upstream.requests) == 1
    name, text = await answer(house.ann, model="extractive")
    assert (name, "nausea, vomiting, headache" in text) == ("extractive", True)
    assert (len(upstream.requests), len(second.requests)) == (1, 1)


async def test_the_choice_is_remembered_with_the_conversation(house: House) -> None:
    async def remembered() -> Any:
        return (await house.ann.get("/conversations/s")).json()["model"]

    await answer(house.ann, session_id="s")
    assert await remembered() is None
    await answer(house.ann, session_id="s", model="team/two:latest")
    assert await remembered() == "team/two:latest"
    assert (await last_answer(house.ann, "s"))["model"] == "team/two:latest"
    patched = await house.ann.patch("/conversations/s", json={"model": "extractive"})
    assert patched.json()["model"] == "extractive"
    assert await remembered() == "extractive"
    listed = (await house.ann.get("/conversations")).json()["items"]
    assert [one["model"] for one in listed] == ["extractive"]


@pytest.mark.parametrize("name", ["team/two:latest", "anns", "nowhere"])
async def test_what_is_unknown_or_forbidden_names_the_field_and_what_is_offered(
    house: House, second: FakeOpenAI, name: str
) -> None:
    await answer(house.ben, session_id="s")
    told = {
        "code": "model_not_offered",
        "message": f"model: got {name}, which is not offered to you; takes fake, gone, extractive",
        "details": {"field": "model", "accepted": ["fake", "gone", "extractive"]},
    }
    for method, path, body in (
        ("POST", "/chat", {"message": QUESTION}),
        ("POST", "/api/chat/stream", {"query": QUESTION}),
        ("PATCH", "/conversations/s", {}),
    ):
        refused = await house.ben.request(method, path, json={**body, "model": name})
        assert (refused.status_code, refused.json()["error"]) == (422, told), path
    assert second.requests == []


async def test_the_failure_of_one_model_names_it_and_the_others_answer(house: House) -> None:
    async with asking(house.ben, QUESTION, session_id="s", model="gone") as asked:
        terminal = await asked.rest()
    assert terminal.content["code"] == "UPSTREAM_UNAVAILABLE"
    assert terminal.content["message"].startswith("gone at 127.0.0.1:")
    assert "its base_url in MODELS" in terminal.content["message"]
    assert await answer(house.ben, session_id="s", model="fake") == ("fake", ONE)
    async with asyncio.timeout(10):
        while (await models(house.ben))["items"][1]["reachable"] is not False:
            await asyncio.sleep(0.05)


async def test_no_key_is_sent_or_logged(house: House, caplog: pytest.LogCaptureFixture) -> None:
    await answer(house.ann, model="team/two:latest")
    for path in ("/api/models", "/health/ready", "/conversations"):
        assert KEY not in (await house.ann.get(path)).text
    assert KEY not in caplog.text


async def test_an_answer_goes_on_with_the_model_that_began_it(
    house: House, second: FakeOpenAI
) -> None:
    second.script(Reply(tokens=["Nausea", " and", " more"], cut_after=2, cut="reset"))
    async with asking(house.ann, QUESTION, session_id="s", model="team/two:latest") as asked:
        assert (await asked.rest()).type == "error"
    broken = (await last_answer(house.ann, "s"))["message_id"]
    path = f"/conversations/s/messages/{broken}/continue"
    async with house.ann.stream("POST", path, json={}) as response:
        assert '"model":"team/two:latest"' in (await response.aread()).decode()


async def regenerated(http: httpx.AsyncClient, message_id: str, **body: Any) -> list[str]:
    """The types of the events of another answer."""
    path = f"/conversations/s/messages/{message_id}/regenerate"
    async with http.stream("POST", path, json=body) as response:
        assert response.status_code == 200, await response.aread()
        return [frame.type async for frame in frames(response)]


async def test_another_model_answers_from_the_same_passages(
    house: House, upstream: FakeOpenAI, second: FakeOpenAI
) -> None:
    await answer(house.ann, session_id="s")
    first = await last_answer(house.ann, "s")
    searched = await regenerated(house.ann, first["message_id"], model="team/two:latest")
    assert "retrieval_start" in searched
    kept = await regenerated(
        house.ann, first["message_id"], model="team/two:latest", keep_passages=True
    )
    assert kept == ["run_start", "generation_start", "token", "citations", "done"]
    both = [upstream.requests[0], second.requests[-1]]
    assert len({str(request.messages[-1]) for request in both}) == 1
    other = await last_answer(house.ann, "s")
    assert (other["model"], other["content"]) == ("team/two:latest", TWO)
    assert other["question_id"] == first["question_id"]
    assert [c["passage_id"] for c in other["citations"]] == [
        c["passage_id"] for c in first["citations"]
    ]
    # Comparing is not choosing.
    assert (await house.ann.get("/conversations/s")).json()["model"] is None


async def test_passages_that_may_not_be_read_any_more_are_not_used_again(house: House) -> None:
    await answer(house.ann, session_id="s")
    first = await last_answer(house.ann, "s")
    await house.server.runtime.database.execute("UPDATE sources SET shared = false")
    path = f"/conversations/s/messages/{first['message_id']}/regenerate"
    refused = await house.ann.post(path, json={"keep_passages": True})
    assert (refused.status_code, refused.json()["error"]["details"]) == (
        422,
        {"field": "message_id"},
    )


async def test_models_that_an_endpoint_lists_are_found_and_used(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    second: FakeOpenAI,
    tmp_path: Path,
    embedder: MiniLM,
) -> None:
    listed = {"data": [{"id": f"org/model-{n}:free"} for n in range(600)]}
    second.always(Reply(body=json.dumps(listed)), route="models")
    given = json.dumps([{"name": "two", "base_url": second.base_url, "model": "org/model-7:free"}])
    settings = app_settings(stocked_dsn, upstream, tmp_path, models=given)
    async with (
        serving(settings, embedder) as server,
        httpx.AsyncClient(base_url=server.url, timeout=20) as http,
    ):
        assert second.requests == []  # no request before someone opens the list
        name = f"127.0.0.1:{second.port}/org/model-499:free"
        # Chosen before anything was listed, as by another process.
        assert await answer(http, model=name, session_id="s") == (name, TWO)
        assert second.requests[-1].body["model"] == "org/model-499:free"
        async with asyncio.timeout(10):
            while (found := await models(http, limit=200))["searching"]:
                await asyncio.sleep(0.05)
        assert [one["name"] for one in found["items"][:3]] == ["fake", "two", "extractive"]
        assert (len(found["items"]), found["total"]) == (200, 3 + 499)
        assert found["items"][3]["sends_to"] == f"127.0.0.1:{second.port}"
        assert len(await names(http, q="model-49 free")) == 11
        gone = f"127.0.0.1:{second.port}/org/model-599:free"
        refused = await http.post("/chat", json={"message": QUESTION, "model": gone})
        assert refused.json()["error"]["code"] == "model_not_offered"
        assert len(refused.json()["error"]["message"]) < 2_000


async def test_with_a_sign_in_nothing_is_found_unless_asked_for(
    house: House, second: FakeOpenAI
) -> None:
    await names(house.ann)
    assert {record.route for record in second.requests} <= {"chat"}

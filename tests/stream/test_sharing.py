"""Private, shared with groups, shared with all: in lists, passages, files, search and prompts."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, is_token
from tests.harness.serving import serving
from tests.harness.sse import frames
from tests.harness.users import Person, person
from tests.stream.conftest import app_settings

NOTE = b"# Brewing\n\nOolong is brewed at ninety degrees for three minutes.\n"
QUESTION = "How long is oolong brewed?"
READING = (
    "/sources/{0}",
    "/sources/{0}/passages",
    "/sources/{0}/passages/{1}",
    "/sources/{0}/file",
)


class Office:
    """Ann has a source. Ben is in one of her groups, Cleo is in none."""

    def __init__(self, people: list[Person], source_id: str, passage_id: str) -> None:
        self.ann, self.ben, self.cleo = (one.http for one in people)
        self.source_id = source_id
        self.passage_id = passage_id

    async def share(self, **body: object) -> httpx.Response:
        return await self.ann.patch(f"/sources/{self.source_id}", json=body)

    async def reads(self, http: httpx.AsyncClient) -> bool:
        """Whether the user can read it; all ways of reading must agree."""
        addresses = [one.format(self.source_id, self.passage_id) for one in READING]
        statuses = {(await http.get(address)).status_code for address in addresses}
        assert len(statuses) == 1, statuses
        listed = [one["source_id"] for one in (await http.get("/sources")).json()["items"]]
        readable = statuses == {200}
        assert (self.source_id in listed) == readable
        async with asking(http, QUESTION) as asked:
            await asked.rest()
        found = any("ninety" in str(frame.content) for frame in asked.seen)
        assert found == readable
        filtered = {"message": QUESTION, "filters": {"source_ids": [self.source_id]}}
        assert ((await http.post("/chat", json=filtered)).status_code == 200) == readable
        return readable


@pytest.fixture
async def office(
    database_dsn: str, upstream: FakeOpenAI, tmp_path: Path, embedder: MiniLM
) -> AsyncIterator[Office]:
    settings = app_settings(
        database_dsn, upstream, tmp_path, auth="token", shutdown_grace_s=0, idle_timeout_s=60
    )
    async with serving(settings, embedder) as server, AsyncExitStack() as stack:
        people = [
            await person(server, "ann", groups=("tea", "board")),
            await person(server, "ben", groups=("coffee", "tea")),
            await person(server, "cleo"),
        ]
        for one in people:
            await stack.enter_async_context(one.http)
        ann = people[0].http
        job = (await ann.post("/sources", files=[("file", ("oolong.md", NOTE))])).json()["job_id"]
        async with ann.stream("GET", f"/jobs/{job}/events") as response:
            assert [frame async for frame in frames(response)][-1].type == "done"
        source_id = (await ann.get("/sources")).json()["items"][0]["source_id"]
        passages = (await ann.get(f"/sources/{source_id}/passages")).json()["items"]
        yield Office(people, source_id, passages[0]["passage_id"])


async def test_a_source_is_read_by_those_it_is_shared_with(office: Office) -> None:
    people = (office.ann, office.ben, office.cleo)

    async def readers() -> list[bool]:
        return [await office.reads(http) for http in people]

    assert await readers() == [True, False, False]
    shared = await office.share(access="groups", groups=["tea"])
    assert (shared.json()["access"], shared.json()["groups"]) == ("groups", ["tea"])
    assert await readers() == [True, True, False]
    seen = (await office.ben.get(f"/sources/{office.source_id}")).json()
    assert (seen["mine"], seen["groups"]) == (False, [])
    await office.share(access="all")
    assert await readers() == [True, True, True]
    await office.share(access="private")
    assert await readers() == [True, False, False]


async def test_readers_change_nothing_and_strangers_groups_are_refused(office: Office) -> None:
    await office.share(access="all")
    url = f"/sources/{office.source_id}"
    for http in (office.ben, office.cleo):
        assert (await http.patch(url, json={"access": "private"})).status_code == 404
        assert (await http.patch(url, json={"title": "Mine"})).status_code == 404
        assert (await http.delete(url)).status_code == 404
    foreign = await office.share(access="groups", groups=["tea", "coffee"])
    assert foreign.status_code == 422
    assert foreign.json()["error"]["details"] == {"field": "groups"}
    for body in ({"access": "groups"}, {"access": "all", "groups": ["tea"]}, {"groups": ["tea"]}):
        assert (await office.share(**body)).status_code == 422


async def test_a_new_version_keeps_its_readers(office: Office) -> None:
    await office.share(access="groups", groups=["tea"])
    newer = ("file", ("oolong.md", NOTE + b"\nOr at eighty.\n"))
    job = (await office.ann.post("/sources", files=[newer])).json()["job_id"]
    async with office.ann.stream("GET", f"/jobs/{job}/events") as response:
        assert [frame async for frame in frames(response)][-1].type == "done"
    assert (await office.ben.get(f"/sources/{office.source_id}")).status_code == 200
    assert (await office.cleo.get(f"/sources/{office.source_id}")).status_code == 404


async def test_what_may_no_longer_be_read_is_not_gone_on_with(
    office: Office, upstream: FakeOpenAI
) -> None:
    await office.share(access="all")
    slow = Reply(tokens=["Three minutes", " [1]", "."], stall_after=2)
    upstream.when(lambda record: record.stream and "<passage>" in record.prompt, slow)
    async with asking(office.ben, QUESTION, session_id="s", on_disconnect="continue") as asked:
        await asked.until(is_token)
        await office.ben.post(f"/runs/{asked.run_id}/stop")
        await asked.rest()
    answer = (await office.ben.get("/conversations/s/messages")).json()["items"][-1]
    await office.share(access="private")
    url = f"/conversations/s/messages/{answer['message_id']}/continue"
    refused = await office.ben.post(url, json={})
    assert refused.status_code == 422
    assert "no longer shared" in refused.text
    again = await office.ben.post(url.replace("continue", "regenerate"), json={})
    assert "ninety" not in again.text

"""P11: every route of the OpenAPI document, requested by everyone without access."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from app.api.auth import setup as auth_setup
from app.api.auth.middleware import OPEN
from app.cli.contracts import openapi
from app.db.pool import Database
from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.event_source import EventSource
from tests.harness.run_client import asking, following, is_token
from tests.harness.serving import Serving, serving
from tests.harness.sse import frames
from tests.harness.users import Person, person
from tests.stream.conftest import QUESTION, app_settings

NOTE = b"# Brewing\n\nOolong is brewed at ninety degrees for three minutes.\n"
CHAT: dict[str, object] = {"message": "How long is oolong brewed?"}
BODIES: dict[str, dict[str, object]] = {
    "PATCH /conversations/{session_id}": {"title": "Mine now"},
    "PATCH /sources/{source_id}": {"title": "Mine now"},
    "POST /chat": CHAT,
    "POST /api/chat/stream": {"query": QUESTION},
    "POST /auth/sign-in": {"token": "x"},
    "PUT /conversations/{session_id}/messages/{message_id}/feedback": {"rating": "up"},
    "POST /v1/chat/completions": {
        "model": "citestream",
        "messages": [{"role": "user", "content": QUESTION}],
    },
}


def operations() -> Iterator[tuple[str, str]]:
    for path, methods in orjson.loads(openapi())["paths"].items():
        for method in methods:
            yield method.upper(), path


OPERATIONS = tuple(operations())
NOBODYS = frozenset({"/metrics", "/v1/models/{model}"})
CLOSED = tuple(one for one in OPERATIONS if one not in OPEN)


@dataclass(frozen=True)
class Household:
    """Ann has one object of every kind; Ben has nothing; Cleo's token was revoked."""

    server: Serving
    ann: Person
    ben: Person
    cleo: Person
    ids: dict[str, str]

    def address(self, path: str) -> str:
        return path.format_map(self.ids)

    async def ask(self, http: httpx.AsyncClient, method: str, path: str) -> httpx.Response:
        body: dict[str, Any] = {}
        if (method, path) == ("POST", "/sources"):
            body = {"files": [("file", ("a.md", NOTE))]}
        elif method in {"POST", "PUT", "PATCH"}:
            body = {"json": BODIES.get(f"{method} {path}", {})}
        return await http.request(method, self.address(path), **body)


@pytest.fixture
async def household(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
    embedder: MiniLM,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Household]:
    monkeypatch.setattr(auth_setup, "RECHECK_S", 0.1)
    settings = app_settings(
        stocked_dsn, upstream, tmp_path, auth="token", idle_timeout_s=60, shutdown_grace_s=0
    )
    async with serving(settings, embedder) as server, AsyncExitStack() as stack:
        people = [await person(server, name) for name in ("ann", "ben", "cleo")]
        for one in people:
            await stack.enter_async_context(one.http)
        ann, ben, cleo = people
        await cleo.revoke()
        yield Household(server, ann, ben, cleo, await furnish(ann, upstream))


async def furnish(ann: Person, upstream: FakeOpenAI) -> dict[str, str]:
    """One object of every kind, with its id; the run is still running."""
    uploaded = await ann.http.post("/sources", files=[("file", ("oolong.md", NOTE))])
    job_id = uploaded.json()["job_id"]
    async with ann.http.stream("GET", f"/jobs/{job_id}/events") as response:
        assert [frame async for frame in frames(response)][-1].type == "done"
    source = (await ann.http.get("/sources")).json()["items"][0]
    passages = (await ann.http.get(f"/sources/{source['source_id']}/passages")).json()["items"]
    upstream.script(Reply(tokens=["Three minutes", " [1]", "."], stall_after=2))
    question = "How long is oolong brewed?"
    async with asking(ann.http, question, session_id="tea", on_disconnect="continue") as answer:
        await answer.until(is_token)
    items = (await ann.http.get("/conversations/tea/messages")).json()["items"]
    return {
        "job_id": job_id,
        "source_id": source["source_id"],
        "passage_id": passages[0]["passage_id"],
        "session_id": "tea",
        "message_id": items[-1]["message_id"],
        "run_id": answer.run_id,
        "chat_id": "tea",
        "model": "citestream",
    }


async def test_nobody_and_a_revoked_person_get_in_nowhere(household: Household) -> None:
    async with httpx.AsyncClient(base_url=household.server.url) as nobody:
        for method, path in CLOSED:
            for http, challenge in (
                (nobody, "Bearer"),
                (household.cleo.http, 'Bearer error="invalid_token"'),
            ):
                response = await household.ask(http, method, path)
                assert response.status_code == 401, f"{method} {path}"
                assert response.headers["www-authenticate"] == challenge
                assert "tea" not in response.text
    assert len(CLOSED) >= 34


async def test_another_person_finds_nothing_of_anyones(household: Household) -> None:
    ids = set(household.ids.values()) - {"tea", "citestream"}
    tried = 0
    for method, path in CLOSED:
        if path in NOBODYS or (method, path) == ("POST", "/sources"):
            continue
        response = await household.ask(household.ben.http, method, path)
        if "{" in path:
            tried += 1
            nothing = 204 if path == "/api/ai/chat/{chat_id}/stream" else 404  # as useChat expects
            assert response.status_code == nothing, f"{method} {path}: {response.text[:200]}"
        assert not any(one in response.text for one in ids), f"{method} {path}"
        assert "ninety" not in response.text, f"{method} {path}"
    assert tried >= 23


async def test_what_others_tried_changed_nothing(household: Household) -> None:
    for method, path in CLOSED:
        if "{" in path:
            await household.ask(household.ben.http, method, path)
    run = household.address("/runs/{run_id}/events")
    async with following(household.ann.http, household.ids["run_id"]) as mine:
        await mine.until(is_token)
    stopped = await household.ann.http.post(run.replace("/events", "/stop"))
    assert stopped.json()["already"] is False
    conversation = await household.ann.http.get("/conversations/tea")
    assert conversation.json()["title"] == "How long is oolong brewed?"
    source = await household.ann.http.get(household.address("/sources/{source_id}"))
    assert source.json()["title"] != "Mine now"


FORGED = (
    "x",
    "cst_",
    "cst_" + "A" * 43,
    "cst_" + "A" * 44,
    "null",
    "ü" * 43,
    "a.b.c",
    "A" * 20_000,
)


NOT_ACCEPTED = {
    "code": "sign_in_required",
    "message": "The token is not accepted: it is unknown, expired or revoked.",
    "details": {"auth": "token"},
}


async def test_a_forged_token_is_refused(household: Household) -> None:
    async with httpx.AsyncClient(base_url=household.server.url) as http:
        for token in FORGED:
            headers = {b"Authorization": f"Bearer {token}".encode()}
            told = await http.get("/sources", headers=headers)
            assert (told.status_code, told.json()["error"]) == (401, NOT_ACCEPTED), token[:50]
            signed_in = await http.post("/auth/sign-in", json={"token": token})
            if signed_in.status_code == 401:
                assert signed_in.json()["error"] == NOT_ACCEPTED
            assert signed_in.status_code in {401, 422}, token[:50]
            assert "set-cookie" not in signed_in.headers


async def test_a_token_sent_twice_or_beside_a_session_does_not_help(household: Household) -> None:
    good = f"Bearer {household.ann.token}".encode()
    async with httpx.AsyncClient(base_url=household.server.url) as http:
        twice = [(b"Authorization", good), (b"Authorization", b"Bearer x")]
        assert (await http.get("/sources", headers=twice)).status_code == 401
        await http.post("/auth/sign-in", json={"token": household.ann.token})
        assert (await http.get("/sources")).status_code == 200
        bad = {"Authorization": "Bearer x"}
        assert (await http.get("/sources", headers=bad)).status_code == 401


async def test_an_expired_token_is_refused(household: Household) -> None:
    dora = await person(household.server, "dora", lasts=timedelta(seconds=-1))
    async with dora.http as http:
        told = await http.get("/sources")
    assert (told.status_code, told.json()["error"]) == (401, NOT_ACCEPTED)
    assert told.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_who_brings_no_token_is_asked_to_sign_in(household: Household) -> None:
    async with httpx.AsyncClient(base_url=household.server.url) as http:
        for headers in ({}, {"Authorization": "Basic YTpi"}, {"Cookie": "citestream_session=x"}):
            told = (await http.get("/sources", headers=headers)).json()["error"]
            assert told == NOT_ACCEPTED | {"message": "Sign in to continue."}


async def test_a_browser_signs_in_follows_with_event_source_and_signs_out(
    household: Household,
) -> None:
    async with httpx.AsyncClient(base_url=household.server.url, timeout=20) as browser:
        signed_in = await browser.post("/auth/sign-in", json={"token": household.ann.token})
        assert signed_in.json() == {"auth": "token", "person": "ann", "groups": []}
        cookie = signed_in.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert household.ann.token not in cookie
        async with asking(browser, QUESTION, session_id="second") as asked:
            await asked.rest()
        source = EventSource(f"/runs/{asked.run_id}/events")
        viewer = await source.run(browser, drop_after=3)
        assert viewer.text == asked.viewer.text
        kept = dict(browser.cookies)
        assert (await browser.post("/auth/sign-out")).status_code == 204
        browser.cookies.update(kept)
        assert (await browser.get("/auth/session")).status_code == 401


async def test_behind_https_the_cookie_is_bound_to_the_host(household: Household) -> None:
    async with httpx.AsyncClient(base_url=household.server.url) as http:
        response = await http.post(
            "/auth/sign-in",
            json={"token": household.ann.token},
            headers={"X-Forwarded-Proto": "https"},
        )
    assert response.headers["set-cookie"].startswith("__Host-citestream_session=")
    assert "Secure" in response.headers["set-cookie"]


async def test_revoking_ends_live_streams_replays_and_sessions(household: Household) -> None:
    run_id = household.ids["run_id"]
    async with httpx.AsyncClient(base_url=household.server.url, timeout=20) as browser:
        await browser.post("/auth/sign-in", json={"token": household.ann.token})
        async with following(household.ann.http, run_id) as live, following(browser, run_id) as too:
            await live.until(is_token)
            await too.until(is_token)
            await household.ann.revoke()
            async with asyncio.timeout(10):
                for stream in (live, too):
                    assert [
                        frame.type async for frame in stream.frames if frame.type == "done"
                    ] == []
        for http in (browser, household.ann.http):
            assert (await http.get(f"/runs/{run_id}/events")).status_code == 401


async def test_an_answer_as_json_ends_with_its_credentials(
    household: Household, upstream: FakeOpenAI
) -> None:
    upstream.script(Reply(tokens=["Never"], stall_after=1))
    asked = household.ann.http.post("/chat", json=CHAT, headers={"Accept": "application/json"})
    waiting = asyncio.ensure_future(asked)
    await upstream.wait_until(lambda: len(upstream.requests) == 2)
    await household.ann.revoke()
    assert (await waiting).status_code == 401


async def test_two_people_share_no_session_no_idempotency_and_no_chosen_run(
    household: Household,
) -> None:
    chosen = str(uuid.uuid4())
    for one in (household.ann, household.ben):
        headers = {"Idempotency-Key": "k"}
        async with asking(one.http, QUESTION, session_id="same", headers=headers) as asked:
            await asked.rest()
        items = (await one.http.get("/conversations/same/messages")).json()["items"]
        assert [item["role"] for item in items] == ["user", "assistant"]
    body = {**CHAT, "run_id": chosen}
    assert (await household.ann.http.post("/chat", json=body)).status_code == 200
    taken = await household.ben.http.post("/chat", json=body)
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "run_id_taken")


async def test_what_only_local_can_read_is_said_at_the_start(
    stocked_dsn: str,
    upstream: FakeOpenAI,
    tmp_path: Path,
    embedder: MiniLM,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings = app_settings(stocked_dsn, upstream, tmp_path, auth="token")
    database = await Database.open(stocked_dsn, max_size=1)
    try:
        await database.execute("UPDATE sources SET shared = true")
        async with serving(settings, embedder):
            assert not [line for line in caplog.messages if line.startswith("Only `local`")]
        await database.execute(
            "UPDATE sources SET shared = number <> (SELECT min(number) FROM sources)"
        )
        async with serving(settings, embedder):
            (line,) = [line for line in caplog.messages if line.startswith("Only `local`")]
    finally:
        await database.close()
    assert "1 source added with AUTH=none" in line
    assert ".venv/bin/python -m app.ingest --shared PATH" in line

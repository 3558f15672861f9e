"""Limits on one person's open requests, in front of an application that responds on command."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from app.api.auth.authenticators import Credentials
from app.api.auth.middleware import MAX_OPEN, AuthMiddleware
from app.domain.principals import AuthMode, Grant, Principal


class ByName:
    """Everyone is the person named by their token."""

    mode: AuthMode = "token"

    async def identify(self, credentials: Credentials) -> Principal | None:
        return Principal(credentials.bearer) if credentials.bearer else None

    async def exchange(self, token: str) -> Grant | None:
        return None


class Counter:
    """An application whose `/wait` responds once released; counts the requests inside."""

    def __init__(self) -> None:
        self.inside = 0
        self.may = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.inside += 1
        try:
            if scope["path"] == "/wait":
                await self.may.wait()
            if scope["path"] == "/break":
                raise ConnectionResetError
            await PlainTextResponse("in")(scope, receive, send)
        finally:
            self.inside -= 1


@asynccontextmanager
async def browser(guard: AuthMiddleware, person: str) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(guard, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {person}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as http:
        yield http


async def test_one_person_has_a_hundred_requests_open_and_others_have_theirs() -> None:
    counter = Counter()
    guard = AuthMiddleware(counter, identity=ByName())
    async with AsyncExitStack() as stack:
        ann, ben = [await stack.enter_async_context(browser(guard, name)) for name in "ab"]
        waiting = [asyncio.ensure_future(ann.get("/wait")) for _ in range(MAX_OPEN)]
        async with asyncio.timeout(10):
            while counter.inside < MAX_OPEN:
                await asyncio.sleep(0)
        refused = await ann.get("/sources")
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")
        assert refused.json()["error"]["code"] == "too_many_requests"
        assert "100" in refused.json()["error"]["message"]
        assert (await ben.get("/sources")).status_code == 200
        counter.may.set()
        assert {one.status_code for one in await asyncio.gather(*waiting)} == {200}
        assert (await ann.get("/sources")).status_code == 200


async def test_requests_that_break_or_are_given_up_do_not_count_any_more() -> None:
    counter = Counter()
    guard = AuthMiddleware(counter, identity=ByName(), max_open=2)
    async with browser(guard, "ann") as http:
        for _ in range(3):
            assert (await http.get("/break")).status_code == 500
        given_up = [asyncio.ensure_future(http.get("/wait")) for _ in range(2)]
        async with asyncio.timeout(10):
            while counter.inside < 2:
                await asyncio.sleep(0)
        assert (await http.get("/sources")).status_code == 429
        for one in given_up:
            one.cancel()
        await asyncio.wait(given_up)
        assert (await http.get("/sources")).status_code == 200

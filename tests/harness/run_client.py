"""Asks and follows runs over HTTP, as clients do."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from tests.harness.sse import Frame, Viewer, frames


def http_client(url: str, *, headers: Mapping[str, str] | None = None) -> httpx.AsyncClient:
    """A client that opens a new connection for each request, as a page does after a cut."""
    limits = httpx.Limits(max_keepalive_connections=0)
    return httpx.AsyncClient(
        base_url=url, timeout=20, limits=limits, headers=headers, verify=False, trust_env=False
    )


class Following:
    """An open stream and the events read from it."""

    def __init__(self, response: httpx.Response, viewer: Viewer | None = None) -> None:
        self.response = response
        self.run_id = response.headers["x-run-id"]
        self.viewer = viewer or Viewer()
        self.seen: list[Frame] = []
        self.frames = frames(response)

    async def until(self, reached: Callable[[Frame], bool]) -> Frame:
        """Read up to the first matching frame."""
        async for frame in self.frames:
            self.seen.append(frame)
            self.viewer.take(frame)
            if reached(frame):
                return frame
        raise AssertionError(f"the stream ended after {[frame.type for frame in self.seen]}")

    async def rest(self) -> Frame:
        """Read to the end; returns the terminal event, which must be the last frame."""
        async for frame in self.frames:
            self.seen.append(frame)
            self.viewer.take(frame)
        assert self.viewer.terminal is not None, [frame.type for frame in self.seen]
        return self.viewer.terminal


@asynccontextmanager
async def asking(
    http: httpx.AsyncClient,
    message: str,
    *,
    headers: Mapping[str, str] | None = None,
    **body: Any,
) -> AsyncIterator[Following]:
    """`POST /chat`; exiting the block closes the connection."""
    asked = {"message": message, **body}
    async with http.stream("POST", "/chat", json=asked, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        following = Following(response)
        async with aclosing(following.frames):
            yield following


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, run_id: str, *, viewer: Viewer | None = None
) -> AsyncIterator[Following]:
    """`GET /runs/{run_id}/events` after what `viewer` has seen, by `Last-Event-ID`."""
    seen = viewer or Viewer()
    headers = {"Last-Event-ID": str(seen.position)} if seen.position else {}
    async with http.stream("GET", f"/runs/{run_id}/events", headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        follower = Following(response, seen)
        async with aclosing(follower.frames):
            yield follower


async def last_answer(http: httpx.AsyncClient, session_id: str) -> Any:
    """The newest answer of a conversation, as returned by the history."""
    response = await http.get(f"/conversations/{session_id}/messages")
    assert response.status_code == 200, response.text
    answers = [m for m in response.json()["items"] if m["role"] == "assistant"]
    return answers[-1]


def is_token(frame: Frame) -> bool:
    return frame.type == "token"

"""The client: `async with Citestream(url) as library`, then ask, follow and stop.

async with Citestream("http://localhost:8000") as library:
    async with library.ask("What are the side effects of aripiprazole?") as answer:
        async for event in answer:
            if event.type == "token":
                show(event.content)
    print(answer.text, [citation.title for citation in answer.citations])
"""

import ssl
import uuid
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Literal, Self

import httpx

from citestream_client.answer import Answer, Opened, refusal
from citestream_client.errors import Unreachable
from citestream_client.events import Filters

OnDisconnect = Literal["cancel", "continue"]

SILENCE_S: Final = 40.0
"""The server sends a heartbeat every 15 s: after this long a connection is dead."""
_CONNECT_S: Final = 10.0
_STREAM: Final = {"Accept": "text/event-stream"}


class Citestream:
    """One server. Any number of answers may be read at once; connections are not limited."""

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        silence_s: float = SILENCE_S,
        patience_s: float = 60.0,
    ) -> None:
        """`patience_s`: how long a lost answer is tried for before `Unreachable`."""
        if httpx.URL(url).scheme not in {"http", "https"}:
            raise ValueError(f"url: got {url!r}, takes an address like http://localhost:8000")
        self.url = url.rstrip("/")
        self._headers = dict(headers or {})
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._silence_s = silence_s
        self._patience_s = patience_s
        self._http: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(
            headers=self._headers,
            follow_redirects=True,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
            timeout=httpx.Timeout(self._silence_s, connect=_CONNECT_S, pool=None),
            trust_env=False,
            verify=ssl.create_default_context(),  # the certificates this machine trusts
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    @property
    def http(self) -> httpx.AsyncClient:
        """For routes this client has no method for."""
        if self._http is None:
            raise RuntimeError("use this client inside `async with`")
        return self._http

    def ask(
        self,
        message: str,
        *,
        session_id: str | None = None,
        filters: Filters | None = None,
        on_disconnect: OnDisconnect = "continue",
        run_id: str | None = None,
        model: str | None = None,
    ) -> Answer:
        """Ask a question. `run_id`, a random UUID, makes `stop` possible before the first byte.

        `model`: one of `models()`, by name; None: the server's default.
        """
        run_id = run_id or str(uuid.uuid4())
        body: dict[str, object] = {
            "message": message,
            "run_id": run_id,
            "on_disconnect": on_disconnect,
        }
        if session_id is not None:
            body["session_id"] = session_id
        if filters is not None:
            body["filters"] = filters.model_dump(mode="json", exclude_defaults=True)
        if model is not None:
            body["model"] = model
        headers = _STREAM | {"Idempotency-Key": run_id}

        def ask() -> Opened:
            return self.http.stream("POST", f"{self.url}/chat", json=body, headers=headers)

        return self._answer(run_id, ask=ask, after=0)

    def follow(self, run_id: str, *, after: int = 0) -> Answer:
        """Read a run from a position; leaving it does not stop it."""
        return self._answer(run_id, ask=None, after=after)

    async def stop(self, run_id: str) -> dict[str, Any]:
        """End a run; the receipt. Raises `Refused` and `Unreachable`."""
        receipt: dict[str, Any] = (await self._send("POST", f"/runs/{run_id}/stop")).json()
        return receipt

    async def models(self) -> list[dict[str, Any]]:
        """The models to choose from, the default first. Raises `Refused` and `Unreachable`."""
        response = await self._send("GET", "/api/models")
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    async def messages(self, session_id: str) -> list[dict[str, Any]]:
        """The first page of a conversation, oldest first. Raises `Refused` and `Unreachable`."""
        response = await self._send("GET", f"/conversations/{session_id}/messages?limit=200")
        items: list[dict[str, Any]] = response.json()["items"]
        return items

    async def _send(self, method: str, path: str) -> httpx.Response:
        try:
            response = await self.http.request(method, self.url + path)
        except httpx.RequestError as error:
            raise Unreachable(f"no response from {self.url}: {error}") from error
        if not response.is_success:
            raise await refusal(response)
        return response

    def _answer(self, run_id: str, *, ask: Callable[[], Opened] | None, after: int) -> Answer:
        def follow(position: int) -> Opened:
            headers = _STREAM | ({"Last-Event-ID": str(position)} if position else {})
            return self.http.stream("GET", f"{self.url}/runs/{run_id}/events", headers=headers)

        return Answer(
            run_id,
            follow=follow,
            stop=lambda: self.stop(run_id),
            ask=ask,
            after=after,
            patience_s=self._patience_s,
        )

"""A fake OpenAI-compatible server: real HTTP on its own port, faults on demand.

    async with FakeOpenAI() as upstream:
        upstream.script(Reply(tokens=["Hel", "lo"], cut_after=1, cut="reset"))
        ...
        record = await upstream.wait_for(lambda r: r.closed_by_client_at is not None)

As a separate process: `python -m tests.fakes.openai_server --port 9000`; see the README here.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

import orjson
import uvloop

from tests.fakes.http_wire import Connection, HttpRequest, ProtocolError, listen, send_json
from tests.fakes.openai_exchange import Exchange
from tests.fakes.openai_frames import error_body
from tests.fakes.openai_script import Record, Reply, Route, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType

__all__ = ["FakeOpenAI", "Record", "Reply", "closed_port"]

_ROUTES: Final[dict[tuple[str, str], Route]] = {
    ("POST", "/v1/chat/completions"): "chat",
    ("POST", "/v1/embeddings"): "embeddings",
    ("GET", "/v1/models"): "models",
    ("POST", "/v1/rerank"): "rerank",
}


class FakeOpenAI:
    """The server; use it as an async context manager. `keep` limits the records kept."""

    def __init__(self, *, port: int = 0, model: str = "fake", keep: int = 10_000) -> None:
        self.requests: list[Record] = []
        self.model = model
        self._script = Script()
        self._port = port
        self.keep = keep
        self._served = 0
        self._connections: set[Connection] = set()
        self._waiters: set[asyncio.Future[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> FakeOpenAI:
        self._server = await listen(self._serve, port=self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.reset()
        await self.wait_until(lambda: not self._connections)

    @property
    def port(self) -> int:
        """The TCP port on 127.0.0.1."""
        return self._port

    @property
    def base_url(self) -> str:
        """What clients take as `base_url`: ends in `/v1`."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def open_connections(self) -> int:
        """Open client connections, including idle ones."""
        return len(self._connections)

    def script(self, *replies: Reply, route: Route = "chat") -> None:
        """Queues replies for the next requests of the route, one for each."""
        self._script.queue.setdefault(route, []).extend(replies)

    def always(self, reply: Reply, *, route: Route = "chat") -> None:
        """The reply when nothing is queued and no rule matches."""
        self._script.default[route] = reply

    def when(self, matches: Callable[[Record], bool], reply: Reply) -> None:
        """The reply to every matching request; precedes the queue, the first rule wins."""
        self._script.rules.append((matches, reply))

    def clear(self) -> None:
        """Discards replies and records."""
        self._script.clear()
        self.requests.clear()

    async def wait_for(self, matches: Callable[[Record], bool], timeout_s: float = 30.0) -> Record:
        """The first matching record, now or later. Raises `TimeoutError`."""
        await self.wait_until(lambda: any(map(matches, self.requests)), timeout_s)
        return next(filter(matches, self.requests))

    async def wait_until(self, holds: Callable[[], bool], timeout_s: float = 30.0) -> None:
        """Waits until the condition holds, checked at each change of the server's state."""
        async with asyncio.timeout(timeout_s):
            while not holds():
                waiter = asyncio.get_running_loop().create_future()
                self._waiters.add(waiter)
                try:
                    await waiter
                finally:
                    self._waiters.discard(waiter)

    def _changed(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def _serve(self, connection: Connection) -> None:
        self._connections.add(connection)
        self._changed()
        try:
            while connection.alive:
                request = await connection.read_request()
                if request is None or not await self._answer(connection, request):
                    break
        except (ConnectionError, ProtocolError, asyncio.IncompleteReadError):
            connection.reset()
        finally:
            await connection.close()
            self._connections.discard(connection)
            self._changed()

    async def _answer(self, connection: Connection, request: HttpRequest) -> bool:
        path, _, query = request.path.partition("?")
        route = _ROUTES.get((request.method, path))
        if route is None:
            status, body = self._own_route(request.method, path, request.body)
            await send_json(connection, status, body)
            return True
        given = orjson.loads(request.body) if request.body else {}
        record = Record(route, given, request.headers, time.monotonic(), query)
        self.requests.append(record)
        del self.requests[: -self.keep]
        self._served += 1
        exchange = Exchange(
            connection,
            record,
            reply=self._script.take(record),
            model=self.model,
            completion_id=f"chatcmpl-fake-{self._served}",
            changed=self._changed,
        )
        return await exchange.run()

    def _own_route(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if (method, path) == ("GET", "/_records"):
            records = [asdict(r) | {"prompt": r.prompt} for r in self.requests]
            state = {"open_connections": self.open_connections, "records": records}
            return 200, orjson.dumps(state)
        if (method, path) == ("POST", "/_control"):
            try:
                self._control(orjson.loads(body))
            except (ValueError, TypeError) as error:
                return 400, error_body(str(error), 400, code="bad_control")
            return 200, b"{}"
        return 404, error_body(f"no route {method} {path}", 404, code="not_found")

    def _control(self, order: Mapping[str, Any]) -> None:
        unknown = set(order) - {"clear", "route", "next", "default", "rules"}
        if unknown:
            raise ValueError(f"unknown control fields: {sorted(unknown)}")
        route: Route = order.get("route", "chat")
        replies = [Reply.from_json(reply) for reply in order.get("next", ())]
        rules = [(r["contains"], Reply.from_json(r["reply"])) for r in order.get("rules", ())]
        if order.get("clear"):
            self.clear()
        self.script(*replies, route=route)
        if "default" in order:
            self.always(Reply.from_json(order["default"]), route=route)
        for contains, reply in rules:
            self.when(_prompt_contains(contains), reply)


def _prompt_contains(text: str) -> Callable[[Record], bool]:
    return lambda record: text in record.prompt


@contextmanager
def closed_port() -> Iterator[int]:
    """A port that refuses connections, held so that nothing else can bind it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def _serve_for_ever(arguments: argparse.Namespace) -> None:
    async with FakeOpenAI(port=arguments.port) as upstream:
        pace_s = 1 / arguments.tokens_per_s if arguments.tokens_per_s else 0.0
        upstream.always(Reply(pace_s=pace_s, length=arguments.tokens))
        sys.stdout.write(f"fake openai ready {upstream.base_url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


def main() -> None:
    """Serves until SIGINT; prints the base URL in one line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.openai_server")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--tokens-per-s", type=float, default=0.0, help="0: as fast as it goes")
    parser.add_argument("--tokens", type=int, default=None, help="length of the default answer")
    try:
        uvloop.run(_serve_for_ever(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()

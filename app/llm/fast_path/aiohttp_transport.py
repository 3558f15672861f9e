"""HTTP to model services: aiohttp below the OpenAI SDK, with the sockets in view.

It adds three things to the SDK's own clients: each run learns when its socket opened and closed
(`Upstream`), a response that is not read to its end closes its socket at once instead of draining
it, and connections belong to the event loop that opened them.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from typing_extensions import override

from app.domain.ports import Upstream, current_upstream
from app.llm.fast_path.versions import AIOHTTP
from app.llm.model_transport import KEEP_ALIVE_S, KEEPS_METHOD
from app.llm.per_loop import PerLoop

WRITTEN_FOR: Final = (AIOHTTP,)

BODY: Final = "body"
"""The extension of a response with its own stream: httpx2 wraps the other one once more."""

_MAX_HEADER = 65_536


class _Protocol(ResponseHandler):
    """Resumes only what was paused: aiohttp does it, and parses nothing, after each read."""

    @override
    def resume_reading(self, resume_parser: bool = True) -> None:
        if self._reading_paused:
            super().resume_reading(resume_parser)


class _Lease:
    """One connection leased to one request; reports to the run when it opened and closed."""

    def __init__(self, upstream: Upstream, protocol: ResponseHandler) -> None:
        self._upstream = upstream
        self._protocol = protocol
        self._closed = protocol.closed
        self._open = True
        upstream.open_sockets += 1
        upstream.opened_at = time.monotonic()
        if self._closed is not None:
            self._closed.add_done_callback(self._on_closed)

    def let_go(self) -> None:
        """aiohttp takes the connection back: to close it, or to keep it for another request."""
        asyncio.get_running_loop().call_soon(self._if_kept)

    def _if_kept(self) -> None:
        if self._open and self._protocol.is_connected():
            self._end()

    def _on_closed(self, closed: asyncio.Future[None]) -> None:
        if not closed.cancelled():
            closed.exception()
        if self._open:
            self._upstream.closed_at = time.monotonic()
            self._end()

    def _end(self) -> None:
        self._open = False
        self._upstream.open_sockets -= 1
        if self._closed is not None:
            self._closed.remove_done_callback(self._on_closed)


class _WatchedConnector(aiohttp.TCPConnector):
    """Connects without a limit and leases each connection to the run of the current task."""

    def __init__(self) -> None:
        super().__init__(limit=0, keepalive_timeout=KEEP_ALIVE_S)
        protocol: Callable[..., ResponseHandler] = _Protocol
        self._factory = partial(protocol, loop=self._loop)

    @override
    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[aiohttp.tracing.Trace]",
        timeout: aiohttp.ClientTimeout,
    ) -> "aiohttp.connector.Connection":
        connection = await super().connect(req, traces, timeout)
        upstream = current_upstream.get()
        if upstream is not None and connection.protocol is not None:
            connection.add_callback(_Lease(upstream, connection.protocol).let_go)
        return connection


class _Body(httpx2.AsyncByteStream):
    """A response's bytes, as many at a time as have arrived."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        # All that is buffered in one piece: frames that arrived together can be merged here.
        content = self._response.content
        with _as_httpx_errors():
            while data := await content.readany():
                yield data

    @override
    async def aclose(self) -> None:
        """Return a connection whose answer was read whole; close any other one now."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Usable from any event loop; the connections of a loop close when that loop shuts down."""

    def __init__(self, *, proxy: str | None = None) -> None:
        self._proxy = proxy
        self._sessions = PerLoop(_session)

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        session = await self._sessions.get()
        body = await request.aread()
        timeout = request.extensions.get("timeout", {})
        with _as_httpx_errors():
            response = await session.request(
                request.method,
                str(request.url),
                headers=request.headers.multi_items(),
                data=body or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=timeout.get("pool"),
                    sock_connect=timeout.get("connect"),
                    sock_read=timeout.get("read"),
                ),
            )
        stream = _Body(response)
        return httpx2.Response(
            status_code=KEEPS_METHOD.get(response.status, response.status),
            headers=list(response.raw_headers),
            stream=stream,
            extensions={"http_version": b"HTTP/1.1", BODY: stream},
        )

    @override
    async def aclose(self) -> None:
        """Close the running loop's connections; a later request opens new ones."""
        await self._sessions.close()


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=_WatchedConnector(),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=_MAX_HEADER,
        max_field_size=_MAX_HEADER,
    )


@contextmanager
def _as_httpx_errors() -> Iterator[None]:
    """Maps aiohttp's errors to the ones that the OpenAI SDK distinguishes."""
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except (aiohttp.ServerTimeoutError, TimeoutError) as error:
        raise httpx2.ReadTimeout(str(error)) from error
    except aiohttp.ClientConnectorError as error:
        raise httpx2.ConnectError(str(error)) from error
    except aiohttp.InvalidURL as error:
        raise httpx2.UnsupportedProtocol(str(error)) from error
    except (aiohttp.ClientError, ConnectionError) as error:
        raise httpx2.ReadError(str(error)) from error

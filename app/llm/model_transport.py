"""HTTP to model services by httpx2, the OpenAI SDK's client, reporting its sockets.

Each run learns when its socket opened and when it closed (`Upstream`), and connections belong to
the event loop that opened them. `fast_path/aiohttp_transport.py` does the same with aiohttp.
"""

import time
from collections.abc import AsyncIterator, Mapping
from typing import Final

import httpx2
from typing_extensions import override

from app.domain.ports import Upstream, current_upstream
from app.llm.per_loop import PerLoop

KEEP_ALIVE_S: Final = 30.0
KEEPS_METHOD: Final = {301: 308, 302: 307}
"""Replaced statuses: clients would repeat a redirected POST as a GET without a body."""

_SENDING: Final = "send_request_headers.started"


class _Connection:
    """One connection leased to one request; notifies `Upstream` when it opens and closes."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._open = False

    async def trace(self, event: str, _: Mapping[str, object]) -> None:
        """A `trace` extension: a request being sent has its connection."""
        if event.endswith(_SENDING) and not self._open:
            self._open = True
            self._upstream.open_sockets += 1
            self._upstream.opened_at = time.monotonic()

    def ended(self, *, closed: bool) -> None:
        """Ends the lease. `closed`: the connection was closed too, else it is kept in the pool."""
        if not self._open:
            return
        self._open = False
        self._upstream.open_sockets -= 1
        if closed:
            self._upstream.closed_at = time.monotonic()


class _Body(httpx2.AsyncByteStream):
    """A response's bytes. Closing it before their end closes the connection."""

    def __init__(self, stream: httpx2.AsyncByteStream, connection: _Connection) -> None:
        self._stream = stream
        self._connection = connection
        self._whole = False

    @override
    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._stream:
            yield data
        self._whole = True

    @override
    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._connection.ended(closed=not self._whole)


class HttpxTransport(httpx2.AsyncBaseTransport):
    """Usable from any event loop; the connections of a loop close when that loop shuts down."""

    def __init__(self, *, proxy: str | None = None) -> None:
        self._proxy = proxy
        # At start, before any stream: loading the certificates takes some 30 ms.
        self._tls = httpx2.create_ssl_context(trust_env=True)  # honours SSL_CERT_FILE
        self._transports = PerLoop(self._make)

    def _make(self) -> httpx2.AsyncHTTPTransport:
        return httpx2.AsyncHTTPTransport(
            verify=self._tls,
            trust_env=False,
            proxy=self._proxy,
            limits=httpx2.Limits(keepalive_expiry=KEEP_ALIVE_S),
        )

    @override
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        transport = await self._transports.get()
        connection = _Connection(current_upstream.get() or Upstream())
        request.extensions = {**request.extensions, "trace": connection.trace}
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            connection.ended(closed=True)
            raise
        stream = response.stream
        if not isinstance(stream, httpx2.AsyncByteStream):
            raise TypeError(f"an asynchronous transport gave a {type(stream).__name__}")
        return httpx2.Response(
            status_code=KEEPS_METHOD.get(response.status_code, response.status_code),
            headers=response.headers.raw,
            stream=_Body(stream, connection),
            extensions=response.extensions,
        )

    @override
    async def aclose(self) -> None:
        """Close the running loop's connections; a later request opens new ones."""
        await self._transports.close()

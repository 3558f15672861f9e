"""Pure ASGI middleware that gives every request an id and records it when it ends.

`send` is passed through without an extra await per frame of a stream.
"""

import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from app.domain.context import current_request

HEADER = b"x-request-id"
ACCEPTED = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
OTHER = "other"


class RequestObserver(Protocol):
    """Receives a notification for every HTTP request."""

    def request_ended(
        self, method: str, route: str, status: int, seconds: float, *, streamed: bool
    ) -> None:
        """`route` is the path's template; `status` 0: the client left before the response."""
        ...

    def viewers(self, change: int) -> None:
        """An event stream began (1) or ended (-1)."""
        ...


class RequestIds:
    """Uses the caller's `X-Request-Id` if it is well-formed, else a new id. Echoes it.

    `around` may set more context from the request's headers (tracing).
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        observer: RequestObserver,
        around: Callable[[Mapping[str, str]], None] | None = None,
    ) -> None:
        self._app = app
        self._observer = observer
        self._around = around

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        token = current_request.set(request_id)
        if self._around is not None:
            self._around({k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]})
        began = time.monotonic()
        status, streams = 0, False

        def sending(message: MutableMapping[str, Any]) -> Awaitable[None]:
            nonlocal status, streams
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-Id"] = request_id
                if headers.get("content-type", "").startswith("text/event-stream"):
                    streams = True
                    self._observer.viewers(1)
            return send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            current_request.reset(token)
            if streams:
                self._observer.viewers(-1)
            took = time.monotonic() - began
            route = _route(scope)
            self._observer.request_ended(scope["method"], route, status, took, streamed=streams)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == HEADER and ACCEPTED.fullmatch(value):
            return str(value, "ascii")
    return uuid.uuid4().hex


def _route(scope: Scope) -> str:
    """The path's template: raw paths would create an unbounded number of labels."""
    route = scope.get("route")
    path = getattr(route, "path", OTHER)
    return OTHER if path == "/{path:path}" else str(path)

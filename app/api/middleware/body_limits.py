"""Pure ASGI middleware that limits the size, media type and duration of request bodies."""

import asyncio
import time
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import error_response

MAX_JSON_BYTES = 256 * 1024
MAX_HEAD_BYTES = 64 * 1024
MAX_TARGET_LENGTH = 16 * 1024
UPLOADS = "/sources"
QUIET_S = 30.0
"""Maximum seconds without a byte while a body is expected."""
MIN_BYTES_PER_S = 1024
"""Minimum average bytes per second of a body, after the first `QUIET_S` seconds."""
TOO_LARGE = f"The request body is larger than {MAX_JSON_BYTES // 1024} KB."
TOO_SLOW = "The request body came too slowly."
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CLOSE = {"Connection": "close"}  # the rest of the body is not read


class BodyLimits:
    """Rejects bodies that are not JSON (415), too large (413) or too slow (408).

    Exception: `POST /sources` accepts multipart only and enforces its own size limits.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        quiet_s: float = QUIET_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._quiet_s = quiet_s
        self._monotonic = monotonic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks the headers first, then counts the bytes that arrive."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(scope)
        if refusal is not None:
            await refusal(scope, receive, send)
        elif scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
        else:
            most = None if _is_upload(scope) else MAX_JSON_BYTES
            await self._app(scope, self._counted(receive, most), send)

    def _counted(self, receive: Receive, most: int | None) -> Receive:
        read, more, began = 0, True, self._monotonic()

        async def counting() -> Message:
            nonlocal read, more
            if not more:
                return await receive()
            try:
                async with asyncio.timeout(self._quiet_s):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, TOO_SLOW, _CLOSE) from None
            read += len(message.get("body", b""))
            more = message.get("more_body", False)
            if most is not None and read > most:
                raise HTTPException(413, TOO_LARGE, _CLOSE)
            took = self._monotonic() - began
            if more and took > self._quiet_s + read / MIN_BYTES_PER_S:
                raise HTTPException(408, TOO_SLOW, _CLOSE)
            return message

        return counting


def _is_upload(scope: Scope) -> bool:
    path: str = scope["path"]
    return scope["method"] == "POST" and path.rstrip("/") == UPLOADS


def _refusal(scope: Scope) -> Response | None:
    """The response to invalid headers; None when they are acceptable."""
    headers = scope["headers"]
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEAD_BYTES:
        return error_response(431, "headers_too_large", "The request's headers are too large.")
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_LENGTH:
        return error_response(414, "address_too_long", "The address is too long.")
    if scope["method"] not in _WITH_BODY:
        return None
    known = dict(headers)
    length = known.get(b"content-length", b"")
    kind = known.get(b"content-type", b"").split(b";")[0].strip().lower()
    if _is_upload(scope):
        return None if kind == b"multipart/form-data" else _wrong_media_type("multipart/form-data")
    if (length not in {b"", b"0"} or b"transfer-encoding" in known) and kind != b"application/json":
        return _wrong_media_type("application/json")
    if length.isdigit() and int(length) > MAX_JSON_BYTES:
        return error_response(413, "too_large", TOO_LARGE, headers=_CLOSE)
    return None


def _wrong_media_type(kind: str) -> Response:
    what = "files" if kind.startswith("multipart") else "the body"
    message = f"Send {what} as Content-Type: {kind}."
    return error_response(415, "unsupported_media_type", message)

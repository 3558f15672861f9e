"""Pure ASGI middleware: body size and type, and the warning about an open server."""

import ipaddress
import logging
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import error_response

log = logging.getLogger(__name__)

LARGEST_JSON = 256 * 1024
UPLOADS = "/sources"
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


TOO_LARGE = f"The request body is larger than {LARGEST_JSON // 1024} KB."


class BodyGuard:
    """Refuses bodies that are not JSON (415) or too large (413) before any route reads them.

    Uploads are the exception: `POST /sources` takes nothing but multipart and counts for itself.
    Any website can make a browser send multipart here without asking first, so what comes from
    other origins than `origins` is refused (403).
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks the headers first, then counts what really arrives."""
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        length = headers.get(b"content-length", b"")
        has_body = length not in {b"", b"0"} or b"transfer-encoding" in headers
        kind = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if scope["method"] == "POST" and scope["path"].rstrip("/") == UPLOADS:
            await self._upload(scope, receive, send, kind=kind, headers=headers)
            return
        if has_body and kind != b"application/json":
            refusal = error_response(
                415, "unsupported_media_type", "Send the body as Content-Type: application/json."
            )
            await refusal(scope, receive, send)
            return
        if length.isdigit() and int(length) > LARGEST_JSON:
            await _too_large(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _upload(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        *,
        kind: bytes,
        headers: Mapping[bytes, bytes],
    ) -> None:
        app = self._app
        if kind != b"multipart/form-data":
            app = error_response(
                415, "unsupported_media_type", "Send files as Content-Type: multipart/form-data."
            )
        elif self._is_foreign(headers):
            app = error_response(403, "forbidden", "Another website may not upload files here.")
        await app(scope, receive, send)

    def _is_foreign(self, headers: Mapping[bytes, bytes]) -> bool:
        """Browsers say where a request comes from; scripts send neither header."""
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin in self._origins:
            return False
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site not in {b"same-origin", b"none"}
        own = headers.get(b"host", b"").decode("latin-1")
        return bool(origin) and urlsplit(origin).netloc.lower() != own.lower()

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def counting() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > LARGEST_JSON:
                raise HTTPException(413, TOO_LARGE)
            return message

        await self._app(scope, counting, send)


async def _too_large(scope: Scope, receive: Receive, send: Send) -> None:
    await error_response(413, "too_large", TOO_LARGE)(scope, receive, send)


class OpenServerWarning:
    """With `AUTH=none`, says loudly, once, that others can reach this server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Looks at the address the request arrived on, whoever started uvicorn."""
        if not self._warned and scope["type"] == "http" and not _loopback(scope.get("server")):
            self._warned = True
            log.warning(
                "AUTH=none, and a request arrived on %s: anyone who reaches this address can read "
                "every conversation and source. Listen on 127.0.0.1 or put a sign-in in front.",
                scope["server"][0],
            )
        await self._app(scope, receive, send)


def _loopback(server: "tuple[str, int | None] | None") -> bool:
    """Names (test clients) and Unix sockets count as loopback."""
    if server is None or server[1] is None:
        return True
    try:
        return ipaddress.ip_address(server[0]).is_loopback
    except ValueError:
        return True

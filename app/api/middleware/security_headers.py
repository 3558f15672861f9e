"""Pure ASGI middleware against browser-based attacks: headers, host names, origins."""

import ipaddress
import re
from collections.abc import Awaitable, Collection, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import error_response
from app.api.middleware.path_prefix import is_secure

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::[0-9]{1,5})?")
_SHORTER = frozenset({"localhost", "local"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # The default for responses other than the page, which sets its own policy (page.py).
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
HTTPS = ("Strict-Transport-Security", "max-age=31536000")


class SecurityHeaders:
    """Adds missing `HEADERS` to every response, and keeps JSON out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_secure(scope)

        def sending(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if headers.get("content-type") == "application/json":
                    headers.setdefault("Cache-Control", "no-store")
                if secure:
                    headers.setdefault(*HTTPS)
            return send(message)

        await self._app(scope, receive, sending)


class HostAllowList:
    """Rejects unknown host names (421) to prevent DNS rebinding.

    Without a list these are allowed: IP addresses, names without a dot, `*.localhost` and
    `*.local`. None of them can be registered in the public DNS.
    """

    def __init__(self, app: ASGIApp, *, allowed: Sequence[str] = ()) -> None:
        self._app = app
        self._any = "*" in allowed
        self._names = frozenset(name.lower() for name in allowed if not name.startswith("*."))
        self._ends = tuple(name[1:].lower() for name in allowed if name.startswith("*."))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles HTTP only. HTTP/1.0 clients may omit `Host`; browsers never do."""
        if scope["type"] != "http" or self._any:
            await self._app(scope, receive, send)
            return
        names = [value for name, value in scope["headers"] if name == b"host"]
        if not names or (len(names) == 1 and self._knows(names[0].decode("latin-1"))):
            await self._app(scope, receive, send)
            return
        got = names[0].decode("latin-1")[:200]
        refusal = error_response(
            421, "unknown_host", f"This server is not known as {got!r}: add it to ALLOWED_HOSTS."
        )
        await refusal(scope, receive, send)

    def _knows(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name = match[1].lower().rstrip(".")
        if name in self._names or name.endswith(self._ends):
            return True
        return "." not in name or _is_address(name) or name.rpartition(".")[2] in _SHORTER


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


class SameOriginGuard:
    """Rejects state-changing requests from pages of other websites (403).

    Browsers send `Sec-Fetch-Site` and `Origin`, which no script can set; other clients send
    neither. `origins` are those of `CORS_ORIGINS`.
    """

    def __init__(self, app: ASGIApp, *, origins: Collection[str] = ()) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only."""
        app = self._app
        if scope["type"] == "http" and scope["method"] not in _SAFE and self._is_foreign(scope):
            app = error_response(403, "forbidden", "Another website may not do this here.")
        await app(scope, receive, send)

    def _is_foreign(self, scope: Scope) -> bool:
        headers = dict(scope["headers"])
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin in self._origins:
            return False
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            return site not in {b"same-origin", b"none"}
        own = headers.get(b"host", b"").decode("latin-1")
        return bool(origin) and urlsplit(origin).netloc.lower() != own.lower()

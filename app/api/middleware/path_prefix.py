"""Serves the application under a prefix (`https://example.org/citestream/`): pure ASGI.

Routes never see the prefix: it is removed from the path if the proxy left it there, and kept for
the few addresses that responses contain (`prefix_of`, `public_base`).
"""

import re
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX: Final = re.compile(r"(/[A-Za-z0-9._~-]{1,100}){1,10}")


class UnderPrefix:
    """The prefix is `ROOT_PATH`, else the server's `root_path`, else `X-Forwarded-Prefix`.

    The header is accepted from any client: forging it only changes addresses in the client's own
    responses.
    """

    def __init__(self, app: ASGIApp, *, root_path: str = "") -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """HTTP only."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        prefix = self._root_path or scope.get("root_path", "").rstrip("/") or _forwarded(scope)
        if not prefix:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        if path == prefix:
            await RedirectResponse(f"{prefix}/", 308)(scope, receive, send)
            return
        inside = {**scope, "root_path": "", "state": {**scope.get("state", {}), "prefix": prefix}}
        if path.startswith(f"{prefix}/"):
            inside["path"] = path[len(prefix) :]
            inside["raw_path"] = scope.get("raw_path", path.encode())[len(prefix.encode()) :]
        await self._app(inside, receive, send)


def _forwarded(scope: Scope) -> str:
    """The header if it is a plain path. In a list, the first value is the browser's."""
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-prefix"]
    first = values[0].decode("latin-1").partition(",")[0].strip().rstrip("/") if values else ""
    return first if _PREFIX.fullmatch(first) and ".." not in first else ""


def prefix_of(request: Request) -> str:
    """The prefix of every path as the browser sees it; empty without one."""
    return str(request.scope.get("state", {}).get("prefix", ""))


def is_secure(scope: Scope) -> bool:
    """Whether the browser uses HTTPS, possibly terminated at a proxy.

    The header is accepted from any client: forging it only makes the client's own cookie stricter.
    """
    if scope["scheme"] == "https":
        return True
    forwarded = (value for name, value in scope["headers"] if name == b"x-forwarded-proto")
    return any(value.split(b",")[0].strip().lower() == b"https" for value in forwarded)


def public_base(request: Request) -> str:
    """The address of the start page as the browser sees it, without a trailing slash."""
    scheme = "https" if is_secure(request.scope) else request.url.scheme
    return f"{scheme}://{request.url.netloc}{prefix_of(request)}"

"""Authentication and per-user limits: pure ASGI middleware around every route.

Every route requires sign-in except those in `OPEN` and the files of the page, so a new route is
protected by default. Routes read the principal from `request.state`.
"""

import asyncio
import ipaddress
import logging
import re
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.auth.authenticators import Credentials, Identity
from app.api.errors import error_response, sign_in_unavailable, store_unavailable
from app.api.middleware.path_prefix import is_secure
from app.domain.encoding import counted
from app.domain.errors import SignInUnavailable, StoreUnavailable
from app.domain.principals import Principal

log = logging.getLogger(__name__)

OPEN = frozenset(
    {
        ("GET", "/health"),
        ("GET", "/health/ready"),
        ("GET", "/health/stream"),
        ("POST", "/auth/sign-in"),
        ("POST", "/auth/sign-out"),
    }
)
PAGE = re.compile(r"/(?:|library|c/.*|assets/.*|docs|docs/[\w.-]+|[\w-]+\.(?:svg|png|ico|js|txt))")
"""The page and its files contain no user data and must load to show the sign-in form."""
COOKIE = "citestream_session"
SECURE_COOKIE = "__Host-citestream_session"
RECHECK_S = 10.0
MAX_OPEN = 100
"""Maximum concurrent requests of one user in a process, streams included."""


class AuthMiddleware:
    """Rejects requests whose credentials the authenticator does not accept.

    An open stream ends when its credentials are revoked.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        identity: Identity,
        recheck_s: float = RECHECK_S,
        max_open: int = MAX_OPEN,
    ) -> None:
        self._app = app
        self._identity = identity
        self._recheck_s = recheck_s
        self._max_open = max_open
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles HTTP only: there are no WebSockets."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["principal"] = None
        if is_open(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        credentials = credentials_of(scope)
        try:
            principal = await self._identity.identify(credentials)
        except StoreUnavailable as error:
            await store_unavailable(error)(scope, receive, send)
            return
        except SignInUnavailable:
            await sign_in_unavailable()(scope, receive, send)
            return
        state["principal"] = principal
        if principal is None:
            await refused(self._identity.mode, credentials)(scope, receive, send)
        elif self._identity.mode == "none":
            await self._app(scope, receive, send)
        else:
            await self._serve(principal, credentials, scope, receive, send)

    async def _serve(
        self,
        principal: Principal,
        credentials: Credentials,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        owner = principal.owner_id
        if self._open[owner] >= self._max_open:
            await _too_many_open(self._max_open)(scope, receive, send)
            return
        self._open[owner] += 1

        async def is_still_valid() -> bool:
            try:
                return await self._identity.identify(credentials) == principal
            except (StoreUnavailable, SignInUnavailable):  # an outage must not end open streams
                return True

        request = RevocableRequest(receive, send, is_still_valid, every_s=self._recheck_s)
        try:
            await self._app(scope, request.receive, request.send)
        finally:
            self._open[owner] -= 1
            if not self._open[owner]:
                del self._open[owner]
        if request.revoked and request.is_incomplete:
            if request.started:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            else:
                await refused(self._identity.mode, credentials)(scope, receive, send)


class RevocableRequest:
    """A request whose credentials are checked again while it is open.

    After a revocation the application receives `http.disconnect`, and nothing more is sent.
    """

    def __init__(
        self,
        receive: Receive,
        send: Send,
        is_still_valid: Callable[[], Awaitable[bool]],
        *,
        every_s: float,
    ) -> None:
        self._receive = receive
        self._send = send
        self._is_still_valid = is_still_valid
        self._every_s = every_s
        self.revoked = False
        self.started = False
        self.is_incomplete = True

    async def receive(self) -> Message:
        """Returns the client's messages, or `http.disconnect` once the credentials are revoked."""
        while not self.revoked:
            try:
                async with asyncio.timeout(self._every_s):
                    return await self._receive()
            except TimeoutError:
                self.revoked = not await self._is_still_valid()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Sends nothing once the credentials are revoked."""
        if self.revoked:
            return
        if message["type"] == "http.response.start":
            self.started = True
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.is_incomplete = False
        await self._send(message)


def is_open(method: str, path: str) -> bool:
    """Whether this request needs no sign-in."""
    if method == "HEAD":
        method = "GET"
    return (method, path) in OPEN or (method == "GET" and PAGE.fullmatch(path) is not None)


def cookie_name(scope: Scope) -> str:
    """The `__Host-` prefix keeps other hosts of the same domain from setting the cookie."""
    return SECURE_COOKIE if is_secure(scope) else COOKIE


def credentials_of(scope: Scope) -> Credentials:
    """The credentials in this request."""
    headers = defaultdict[str, list[str]](list)
    for name, value in scope["headers"]:
        headers[name.decode("latin-1")].append(value.decode("latin-1"))
    client = scope.get("client")
    return Credentials(
        headers={name: tuple(values) for name, values in headers.items()},
        session=_cookie(headers["cookie"], cookie_name(scope)),
        peer=client[0] if client else None,
    )


def _cookie(headers: list[str], wanted: str) -> str | None:
    pairs = (pair.strip().partition("=") for header in headers for pair in header.split(";"))
    found = [value for name, _, value in pairs if name == wanted]
    return found[0] if len(found) == 1 else None


def refused(mode: str, credentials: Credentials) -> Response:
    """401: no credentials, or invalid or revoked ones."""
    if mode != "proxy" and credentials.bearer is not None:
        return refused_token(mode)
    return _unauthorized(mode, "Sign in to continue.", challenge="Bearer")


def refused_token(mode: str) -> Response:
    """401 for an invalid token. Gives no reason, because it would help an attacker."""
    return _unauthorized(
        mode,
        "The token is not accepted: it is unknown, expired or revoked.",
        challenge='Bearer error="invalid_token"',
    )


def _unauthorized(mode: str, message: str, *, challenge: str) -> Response:
    return error_response(
        401,
        "sign_in_required",
        message,
        details={"auth": mode},
        headers={"WWW-Authenticate": challenge, "Cache-Control": "no-store"},
    )


def _too_many_open(limit: int) -> Response:
    return error_response(
        429,
        "too_many_requests",
        f"You have {counted(limit, 'request')} open here, which is the limit. "
        "Close some pages or streams.",
        headers={"Retry-After": "5"},
    )


class OpenServerWarning:
    """With `AUTH=none`, logs one warning when other machines can reach this server."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._warned = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks the address the request arrived on, however uvicorn was started."""
        if not self._warned and scope["type"] == "http" and not _loopback(scope.get("server")):
            self._warned = True
            log.warning(
                "AUTH=none, and a request arrived on %s: anyone who reaches this address can read "
                "every conversation and source. Listen on 127.0.0.1, or set AUTH (QUICKSTART.md).",
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

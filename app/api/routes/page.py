"""Serves the built page. Its own addresses (`/c/…`, `/library`) all get `index.html`.

So does a person who follows a link to nothing: `PageForPeople`.
"""

import re
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.errors import ANY_PATH, allowed_methods
from app.api.middleware.path_prefix import prefix_of

FOR_EVER = "public, max-age=31536000, immutable"  # file names carry a hash of their content
POLICY = "; ".join(
    (
        "default-src 'self'",  # nothing from elsewhere, whatever an answer talks the page into
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    )
)
_OWN_ADDRESS = re.compile(r'\b(src|href)="/(?!/)')
NOT_BUILT = (
    "<!doctype html><title>Citestream</title><p>The page is not built yet. Run <code>make run"
    "</code>, or <code>cd frontend && npm ci && npm run build</code>, and reload."
)


def page_router(dist: Path) -> APIRouter:
    """Everything that is not an API route; must be included last."""
    router = APIRouter(include_in_schema=False)

    @router.get(ANY_PATH)
    def page(path: str, request: Request) -> Response:
        response = _file(dist, path, prefix_of(request))
        if response is None:
            raise HTTPException(405 if allowed_methods(request) else 404)
        return response

    return router


def _file(dist: Path, path: str, prefix: str) -> Response | None:
    if path in {"", "library"} or path.startswith("c/"):
        return _index(dist, prefix)
    file = _inside(dist, path)
    if file is None:
        return None
    return FileResponse(
        file, headers=_headers(FOR_EVER if path.startswith("assets/") else "no-cache")
    )


def under(html: str, prefix: str) -> str:
    """The page for a browser that finds all of this below `prefix`.

    Its scripts name each other relatively, and ask the routes below what the page says.
    """
    html = _OWN_ADDRESS.sub(rf'\1="{prefix}/', html)
    return html.replace('name="root-path" content=""', f'name="root-path" content="{prefix}"')


def _index(dist: Path, prefix: str, status: int = 200) -> Response:
    index = dist / "index.html"
    if not index.is_file():
        return HTMLResponse(NOT_BUILT, status)
    if not prefix:
        return FileResponse(index, status, headers=_headers("no-cache"))
    return HTMLResponse(under(index.read_text(), prefix), status, headers=_headers("no-cache"))


def _inside(dist: Path, path: str) -> Path | None:
    """The file of this name; None also for a name that no file can have."""
    try:
        file = (dist / path).resolve()
        return file if file.is_relative_to(dist.resolve()) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _headers(kept: str) -> dict[str, str]:
    """Scripts have the policy, too: a worker obeys the one that it came with."""
    return {
        "Cache-Control": kept,
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


class PageForPeople:
    """Middleware: who looks at an address in a browser gets the page, not JSON, when it is refused.

    The page says what there is to say, or asks for the sign-in; the status stays.
    """

    def __init__(self, app: ASGIApp, dist: Path) -> None:
        self._app = app
        self._dist = dist

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Everything that is not refused passes untouched."""
        if not _is_navigation(scope):
            await self._app(scope, receive, send)
            return
        status = 0

        async def unless_refused(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and _is_refusal(message):
                status = message["status"]
            elif not status:
                await send(message)

        await self._app(scope, receive, unless_refused)
        if status:
            index = _index(self._dist, prefix_of(Request(scope)), status)
            await index(scope, receive, send)


def _is_navigation(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    return "text/html" in Headers(scope=scope).get("accept", "")


def _is_refusal(message: Message) -> bool:
    kind = Headers(raw=message["headers"]).get("content-type", "")
    return message["status"] in {401, 404, 405} and kind.startswith("application/json")

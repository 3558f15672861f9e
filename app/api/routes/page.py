"""Serves the built page. Its client-side routes (`/c/…`, `/library`) get `index.html`.

So do browsers that navigate to an unknown path; see `PageFallback`.
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

IMMUTABLE = "public, max-age=31536000, immutable"  # file names carry a hash of their content
POLICY = "; ".join(
    (
        "default-src 'self'",  # no other origin, whatever an answer contains
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
    """The router for all paths without an API route. It must be included last."""
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
        file, headers=_headers(IMMUTABLE if path.startswith("assets/") else "no-cache")
    )


def under(html: str, prefix: str) -> str:
    """Adapt the page to a browser that reaches it below `prefix`.

    Its scripts import each other by relative path and read the API's base from the page.
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
    """The file with this name; None if there is none or the name is invalid."""
    try:
        file = (dist / path).resolve()
        return file if file.is_relative_to(dist.resolve()) and file.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


def _headers(kept: str) -> dict[str, str]:
    """Scripts get the policy too: a worker uses the policy of its own response."""
    return {
        "Cache-Control": kept,
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }


class PageFallback:
    """Middleware: a rejected browser navigation gets the page instead of JSON.

    The page shows the error or the sign-in form; the status is unchanged.
    """

    def __init__(self, app: ASGIApp, dist: Path) -> None:
        self._app = app
        self._dist = dist

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes every other response through."""
        if not _is_navigation(scope):
            await self._app(scope, receive, send)
            return
        status = 0

        async def send_unless_refused(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start" and _is_refusal(message):
                status = message["status"]
            elif not status:
                await send(message)

        await self._app(scope, receive, send_unless_refused)
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

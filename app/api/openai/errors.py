"""Error responses under `/v1` in OpenAI's format, whichever layer refused the request.

Pure ASGI around the application, so that refusals by sign-in, size limits and routing have the
same format: `{"error": {"message", "type", "param", "code"}}`. An invalid field is 400, not 422.
"""

from typing import Final

import orjson
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.openai.schemas import OpenAIErrorDetail
from app.domain.encoding import compact_json

PREFIX: Final = "/v1/"
_TYPES: Final = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_FAILED_RUN: Final = frozenset({502, 504})


class OpenAIErrors:
    """Translates error bodies of `/v1`; other responses pass through unbuffered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Buffers error responses, which are short, and passes everything else through."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        body = b""

        async def translating(message: Message) -> None:
            nonlocal start, body
            if message["type"] == "http.response.start" and message["status"] >= 400:
                start = message
            elif start is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body"):
                    await _send_translated(start, body, send)

        await self._app(scope, receive, translating)


async def _send_translated(start: Message, body: bytes, send: Send) -> None:
    translated = _translated(start["status"], body)
    if translated is not None:
        status = start["status"]
        start = {**start, "status": 400 if status == 422 else status}
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["content-length"] = str(len(translated))
        if status in _FAILED_RUN:
            # The server has already retried: a client's retry would ask the model again.
            headers["x-should-retry"] = "false"
        start["headers"] = headers.raw
    await send(start)
    await send({"type": "http.response.body", "body": body if translated is None else translated})


def _translated(status: int, body: bytes) -> bytes | None:
    """None when the body is not an error of this API."""
    try:
        given = orjson.loads(body)
        error = given["error"]
        code, message = error["code"], error["message"]
    except (ValueError, KeyError, TypeError):
        return None
    details = error.get("details") or {}
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    given["error"] = OpenAIErrorDetail(
        message=message, type=kind, param=details.get("field"), code=code
    )
    return compact_json(given)

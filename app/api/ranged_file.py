"""A file response with range support and errors in the API's JSON format."""

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from app.api.errors import error_response

_WHY: Final = {
    400: ("invalid_range", "The Range header is invalid: it takes ranges such as bytes=0-99."),
    416: ("range_not_satisfiable", "The file has no such range."),
}


class RangedFile(FileResponse):
    """Replaces Starlette's plain-text error for an invalid range by the API's JSON error."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [pair for pair in scope["headers"] if _is_understood(*pair)]
        refusal: Response | None = None

        async def sending(message: Message) -> None:
            nonlocal refusal
            if message["type"] == "http.response.start" and message["status"] in _WHY:
                size = Headers(raw=message["headers"]).get("content-range")
                code, why = _WHY[message["status"]]
                extra = {} if size is None else {"Content-Range": size}
                refusal = error_response(message["status"], code, why, headers=extra)
            elif refusal is None:
                await send(message)

        await super().__call__({**scope, "headers": headers}, receive, sending)
        if refusal is not None:
            await refusal(scope, receive, send)


def _is_understood(name: bytes, value: bytes) -> bool:
    """RFC 9110, 14.2: a range in an unknown unit is ignored."""
    return name != b"range" or value.strip().lower().startswith(b"bytes")

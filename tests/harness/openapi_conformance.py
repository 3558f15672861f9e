"""Validates every response of an application against its OpenAPI document."""

from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.cli.contracts import openapi

MAX_ERRORS = 10


@lru_cache
def document() -> dict[str, Any]:
    """The document, with additional properties forbidden in all objects."""
    parsed: dict[str, Any] = orjson.loads(openapi())
    for schema in parsed["components"]["schemas"].values():
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
    return parsed


@lru_cache
def validator(pointer: tuple[str, ...]) -> Draft202012Validator:
    """A validator for one response schema, resolving references in the document."""
    schema: Any = document()
    for key in pointer:
        schema = schema[key]
    return Draft202012Validator({**schema, "components": document()["components"]})


@dataclass
class Described:
    """Responses so far by operation, status and media type, and the violations."""

    sent: Counter[tuple[str, str, int, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def take(self, method: str, path: str, status: int, media_type: str, body: bytes) -> None:
        """Record one response and its violations."""
        self.sent[method, path, status, media_type] += 1
        what = f"{method} {path} {status}"
        operation = document()["paths"].get(path, {}).get(method.lower())
        if operation is None:
            return  # not part of the contract: the page, /docs
        if str(status) not in operation["responses"]:
            self._note(f"{what} is not documented")
            return
        content = operation["responses"][str(status)].get("content", {})
        if media_type not in content:
            if body:
                self._note(f"{what} is {media_type}, documented: {sorted(content)}")
        elif media_type == "application/json":
            where = ("paths", path, method.lower(), "responses", str(status), "content")
            check = validator((*where, media_type, "schema"))
            for error in check.iter_errors(orjson.loads(body)):
                self._note(f"{what}: {error.json_path} {error.message}")

    def _note(self, text: str) -> None:
        if len(self.wrong) < MAX_ERRORS and text not in self.wrong:
            self.wrong.append(text)


class Watch:
    """Middleware that passes every finished response of a route to `described`."""

    def __init__(self, app: ASGIApp, described: Described) -> None:
        self._app = app
        self._described = described

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, media_type, body = 0, "", bytearray()

        async def noted(message: Message) -> None:
            nonlocal status, media_type
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = dict(message.get("headers", ()))
                media_type = headers.get(b"content-type", b"").decode("latin-1").partition(";")[0]
            elif message["type"] == "http.response.body" and media_type == "application/json":
                body.extend(message.get("body", b""))
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body"):
                route = scope.get("route")
                if route is not None:
                    self._described.take(
                        scope["method"], route.path, status, media_type, bytes(body)
                    )

        await self._app(scope, receive, noted)

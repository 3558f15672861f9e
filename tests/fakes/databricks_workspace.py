"""A fake Databricks workspace: serving endpoints behind tokens that expire, and Lakebase.

async with DatabricksWorkspace() as workspace:
    workspace.script(Reply(content_parts=True))  # as with FakeOpenAI
    WorkspaceClient(host=workspace.host, token=workspace.pat)
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import orjson
from typing_extensions import override

from tests.fakes.http_wire import send_json
from tests.fakes.openai_server import FakeOpenAI

if TYPE_CHECKING:
    from tests.fakes.http_wire import Connection, HttpRequest

_CHAT: Final = "/serving-endpoints/chat/completions"
_INVOKED: Final = "/serving-endpoints/embedder/invocations"
_INVALID: Final = b'{"error_code":"403","message":"Invalid access token."}'


class DatabricksWorkspace(FakeOpenAI):
    """Refuses requests without a valid, unexpired token.

    `pat` is a personal token; `client_id` and `client_secret` get OAuth tokens that live for
    `oauth_s` seconds. `calls` names the requests that were signed.
    """

    client_id = "app"
    client_secret = "app-secret"

    def __init__(self) -> None:
        super().__init__()
        self.pat = "dapi-first"
        self.valid = {self.pat}
        self.oauth_s = 3600
        self.issued = 0
        self.credentials = 0
        self.credential_life = timedelta(hours=1)
        self.busy = 0
        self.calls: list[str] = []

    @property
    def host(self) -> str:
        """The value of `DATABRICKS_HOST`."""
        return f"http://127.0.0.1:{self.port}"

    def expire_tokens(self) -> None:
        """Invalidates all issued tokens."""
        self.valid.clear()

    @override
    async def _answer(self, connection: Connection, request: HttpRequest) -> bool:
        path = request.path.partition("?")[0]
        if path.startswith(("/oidc/", "/.well-known/")):
            status, body = self._sign_in(path, request.body)
            await send_json(connection, status, body)
            return True
        if path.startswith(("/serving-endpoints", "/api/2.0/")):
            token = request.headers.get("authorization", "").removeprefix("Bearer ")
            if token not in self.valid:
                await send_json(connection, 403, _INVALID)
                return True
            self.calls.append(token)
        if path == _CHAT:
            return await super()._answer(connection, _as_openai(request))
        if path == _INVOKED:
            return await self._embed(connection, request)
        if path == "/api/2.0/database/credentials":
            await send_json(connection, 200, self._credential(orjson.loads(request.body)))
            return True
        return await super()._answer(connection, request)

    def _sign_in(self, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/.well-known/databricks-config":
            return 200, orjson.dumps({"oidc_endpoint": f"{self.host}/oidc", "workspace_id": "1"})
        if path.endswith("oauth-authorization-server"):
            endpoints = {
                "authorization_endpoint": f"{self.host}/oidc/v1/authorize",
                "token_endpoint": f"{self.host}/oidc/v1/token",
            }
            return 200, orjson.dumps(endpoints)
        if path == "/oidc/v1/token":
            asked = parse_qs(body.decode())
            if asked.get("grant_type") != ["client_credentials"]:
                return 400, b'{"error":"unsupported_grant_type"}'
            self.issued += 1
            token = f"oauth-{self.issued}"
            self.valid.add(token)
            given = {"access_token": token, "token_type": "Bearer", "expires_in": self.oauth_s}
            return 200, orjson.dumps(given)
        return 404, b'{"error_code":"NOT_FOUND","message":"nothing here"}'

    async def _embed(self, connection: Connection, request: HttpRequest) -> bool:
        if self.busy:
            self.busy -= 1
            body = b'{"error_code":"REQUEST_LIMIT_EXCEEDED","message":"slow down"}'
            await send_json(connection, 429, body)
            return True
        return await super()._answer(connection, replace(request, path="/v1/embeddings"))

    def _credential(self, asked: dict[str, Any]) -> bytes:
        assert asked["instance_names"] == ["library"]
        self.credentials += 1
        ends = datetime.now(UTC) + self.credential_life
        return orjson.dumps(
            {"token": f"pg-{self.credentials}", "expiration_time": ends.isoformat()}
        )


def _as_openai(request: HttpRequest) -> HttpRequest:
    """Endpoints report the usage of a stream without being asked."""
    body = orjson.loads(request.body)
    if body.get("stream"):
        body["stream_options"] = {"include_usage": True}
    return replace(request, path="/v1/chat/completions", body=orjson.dumps(body))

"""What browsers may do, and how requests may look, in front of any application."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import orjson
import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api import errors
from app.api.auth.middleware import OPEN, PAGE, OpenServerWarning, is_open
from app.api.middleware.body_limits import MAX_JSON_BYTES, BodyLimits
from app.api.middleware.security_headers import HostAllowList, SameOriginGuard, SecurityHeaders
from app.cli.contracts import openapi
from app.config import Settings, load_settings
from app.domain.errors import SettingError
from app.main import create_app

EVIL = ("http://evil.example", "https://localhost.evil.example", "null", "http://localhost:8001")


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = await Request(scope, receive).body()
    await JSONResponse({"read": len(body)})(scope, receive, send)


def client(app: ASGIApp, host: str = "localhost:8000") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}")


@pytest.mark.parametrize(
    "host",
    [
        *(
            "localhost",
            "localhost:8000",
            "127.0.0.1:8000",
            "[::1]:8000",
            "192.168.1.5",
            "citestream",
        ),
        *("test", "printer.local", "app.localhost:3000", "chat.example.org", "a.b.example.com"),
    ],
)
async def test_names_that_are_ours_are_served(host: str) -> None:
    app = HostAllowList(echo, allowed=("chat.example.org", "*.example.com"))
    async with client(app) as http:
        assert (await http.get("/", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *(
            "evil.example",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "example.com.evil.net",
        ),
        *(
            "localhost:80:80",
            "localhost@evil.example",
            "evil.example/localhost",
            "",
            "a b",
            "1.2.3",
        ),
        *("notexample.com", "example.com", "evil.example:8000", "chat.example.org.evil.net"),
    ],
)
async def test_names_of_others_are_refused(host: str) -> None:
    app = HostAllowList(echo, allowed=("chat.example.org", "*.example.com"))
    async with client(app) as http:
        response = await http.get("/", headers={"Host": host})
        assert (response.status_code, response.json()["error"]["code"]) == (421, "unknown_host")
        twice = [("Host", "localhost"), ("Host", "localhost")]
        assert (await http.get("/", headers=twice)).status_code == 421


@pytest.mark.parametrize("origin", EVIL)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_other_websites_change_nothing(origin: str, method: str) -> None:
    app = SameOriginGuard(echo, origins=("https://intranet.example.org",))
    async with client(app) as http:
        assert (await http.request(method, "/", headers={"Origin": origin})).status_code == 403
        for site in ("cross-site", "same-site"):
            headers = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": site}
            assert (await http.request(method, "/", headers=headers)).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://localhost:8000"},
        {"Origin": "https://localhost:8000"},
        {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://intranet.example.org", "Sec-Fetch-Site": "cross-site"},
    ],
)
async def test_our_page_scripts_and_chosen_origins_may(headers: dict[str, str]) -> None:
    async with client(SameOriginGuard(echo, origins=("https://intranet.example.org",))) as http:
        assert (await http.post("/", headers=headers)).status_code == 200
        assert (await http.get("/", headers={"Origin": EVIL[0]})).status_code == 200


async def test_every_response_has_safe_headers_and_its_own_win() -> None:
    async def framed(scope: Scope, receive: Receive, send: Send) -> None:
        answer = JSONResponse({}, headers={"X-Frame-Options": "SAMEORIGIN"})
        await answer(scope, receive, send)

    async with client(SecurityHeaders(framed)) as http:
        plain = (await http.get("/")).headers
        tls = (await http.get("/", headers={"X-Forwarded-Proto": "https"})).headers
    assert plain["x-frame-options"] == "SAMEORIGIN"
    assert plain["x-content-type-options"] == "nosniff"
    assert plain["cache-control"] == "no-store"
    assert plain["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert "strict-transport-security" not in plain
    assert tls["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("headers", "content", "status"),
    [
        ({"Content-Type": "application/json"}, b"{}", 200),
        ({"Content-Type": "text/plain"}, b"{}", 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, b"--x--", 415),
        ({"Content-Type": "application/json"}, b" " * (MAX_JSON_BYTES + 1), 413),
        ({"X-Long": "x" * 70_000}, b"", 431),
    ],
)
async def test_a_request_has_a_size_and_a_type(
    headers: dict[str, str], content: bytes, status: int
) -> None:
    async with client(BodyLimits(echo)) as http:
        response = await http.post("/", headers=headers, content=content)
        assert response.status_code == status
        assert (await http.get("/?" + "q" * 20_000)).status_code == 414


def routed() -> FastAPI:
    app = FastAPI()
    errors.install(app)

    @app.post("/sources")
    @app.post("/chat")
    async def take(request: Request) -> dict[str, int]:
        return {"read": len(await request.body())}

    return app


async def post(
    app: ASGIApp, path: str, kind: bytes, receive: Callable[[], Awaitable[Message]]
) -> int:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    headers = [(b"content-type", kind), (b"transfer-encoding", b"chunked")]
    scope: Scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    scope.update(query_string=b"", http_version="1.1", scheme="http")
    await app(scope, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("path", "kind"), [("/chat", b"application/json"), ("/sources", b"multipart/form-data")]
)
async def test_a_body_that_does_not_come_is_not_waited_for(path: str, kind: bytes) -> None:
    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    assert await post(BodyLimits(routed(), quiet_s=0.01), path, kind, never) == 408


@pytest.mark.parametrize("most", [30, 3_000])
async def test_a_body_that_drips_is_cut_off(most: int) -> None:
    seconds = iter(range(most * 10))

    async def drip() -> Message:
        return {"type": "http.request", "body": b" ", "more_body": True}

    app = BodyLimits(routed(), quiet_s=float(most), monotonic=lambda: float(next(seconds)))
    assert await post(app, "/chat", b"application/json", drip) == 408


async def test_a_body_that_grows_without_a_length_is_cut_off() -> None:
    async def flood() -> Message:
        return {"type": "http.request", "body": b" " * 60_000, "more_body": True}

    assert await post(BodyLimits(routed()), "/chat", b"application/json", flood) == 413


def test_only_what_is_listed_is_open() -> None:
    for path, methods in orjson.loads(openapi())["paths"].items():
        for method in methods:
            assert is_open(method.upper(), path) == ((method.upper(), path) in OPEN), path
            assert PAGE.fullmatch(path) is None, path
    for path in ("/", "/library", "/c/x", "/assets/a.js", "/docs", "/docs/style.css", "/icon.svg"):
        assert is_open("GET", path)
        assert not is_open("POST", path)
    for path in ("/openapi.json", "/metrics", "//sources", "/c", "/assets", "/sources/x.svg", "/x"):
        assert not is_open("GET", path)


async def test_the_docs_load_nothing_from_elsewhere() -> None:
    async with client(create_app(Settings.model_validate({"sample_library": False}))) as http:
        page = await http.get("/docs")
        style = await http.get("/docs/style.css")
    assert "/conversations/{session_id}" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert "<style" not in page.text
    assert "//" not in page.text.replace("http://localhost", "")[:600]
    assert style.headers["content-type"].startswith("text/css")


async def test_others_that_may_reach_an_open_server_are_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = OpenServerWarning(echo)

    async def ask(address: str) -> None:
        scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": []}
        scope.update(server=(address, 8000), query_string=b"")

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            pass

        await app(scope, receive, send)

    await ask("127.0.0.1")
    await ask("::1")
    assert caplog.text == ""
    for _ in range(2):
        await ask("192.168.1.5")
    assert caplog.text.count("AUTH=none") == 1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"auth": "proxy"}, "TRUSTED_PROXIES"),
        ({"auth": "proxy", "trusted_proxies": "10.0.0.0/8,everyone"}, "TRUSTED_PROXIES"),
        ({"auth": "jwt"}, "JWT_ISSUER"),
        ({"auth": "jwt", "jwt_issuer": "https://id.example"}, "JWT_AUDIENCE"),
        ({"auth": "jwt", "jwt_issuer": "http://id.example", "jwt_audience": "a"}, "JWT_ISSUER"),
        ({"auth": "maybe"}, "AUTH"),
        ({"cors_origins": "*"}, "CORS_ORIGINS"),
    ],
)
def test_a_sign_in_that_is_set_up_by_half_is_refused(
    settings: dict[str, object], named: str
) -> None:
    with pytest.raises(SettingError, match=f"^{named}: got .*, takes "):
        load_settings(**settings)


@pytest.mark.parametrize(
    "secret",
    ["short", "secret" * 10, "a" * 64, "changeme-changeme-changeme-changeme", "0123456789" * 4],
)
def test_a_secret_that_can_be_guessed_is_refused(secret: str) -> None:
    chosen = {"auth": "jwt", "jwt_issuer": "us", "jwt_audience": "chat", "jwt_secret": secret}
    with pytest.raises(SettingError, match="JWT_SECRET") as refused:
        load_settings(**chosen)
    assert secret not in str(refused.value)


def test_people_have_a_limit_and_the_one_local_person_has_none() -> None:
    assert Settings.model_validate({"auth": "none"}).runs_per_user is None
    assert Settings.model_validate({"auth": "token"}).runs_per_user == 8
    assert Settings.model_validate({"auth": "none", "max_runs_per_user": 3}).runs_per_user == 3

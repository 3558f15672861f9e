"""Authentication: proxies, signed tokens, API tokens and the command that creates them."""

import asyncio
import hmac
import json
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from threading import Event, Thread
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from pydantic import SecretStr
from typing_extensions import override

from app.api.auth.authenticators import Credentials, ProxyAuth
from app.api.auth.jwt import JwksCache, JwtAuth, SharedSecret
from app.cli import tokens
from app.config import Settings
from app.db.access_store import PostgresAccess
from app.db.pool import Database
from app.domain.access import AccessStore
from app.domain.errors import CitestreamError, SignInUnavailable
from app.domain.principals import Principal
from app.main import create_app

AUDIENCE = "citestream"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FOREIGN = rsa.generate_private_key(public_exponent=65537, key_size=2048)
CURVE = ec.generate_private_key(ec.SECP256R1())
PUBLIC_PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
SECRET = "Zk3v-9QwLr_71xTnB0eUyHs5GdPj8aCm2RfVo4iX"


class Provider(BaseHTTPRequestHandler):
    """An identity provider: its configuration and its keys."""

    keys: Any
    asked = 0
    arrived = Event()
    answering = Event()

    @classmethod
    @contextmanager
    def held(cls) -> Iterator[None]:
        """Requests wait until the block ends."""
        cls.arrived.clear()
        cls.answering.clear()
        try:
            yield
        finally:
            cls.answering.set()

    def do_GET(self) -> None:
        Provider.asked += 1
        Provider.arrived.set()
        Provider.answering.wait()
        issuer = f"http://{self.headers['Host']}"
        body: dict[str, Any] = {"issuer": issuer, "jwks_uri": f"{issuer}/keys"}
        if self.path == "/keys":
            body = {"keys": Provider.keys}
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    @override
    def log_message(self, format: str, *args: object) -> None:
        pass


def published(private: Any, key_id: str, **more: str) -> dict[str, Any]:
    algorithm = RSAAlgorithm if isinstance(private, rsa.RSAPrivateKey) else ECAlgorithm
    return {**algorithm.to_jwk(private.public_key(), as_dict=True), "kid": key_id, **more}


@contextmanager
def provider() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def issuer() -> Iterator[str]:
    Provider.keys = [
        published(KEY, "one", alg="RS256"),
        published(CURVE, "two"),
        {"kty": "oct", "kid": "shared", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"},
    ]
    Provider.asked = 0
    Provider.answering.set()
    with provider() as address:
        yield address


@pytest.fixture
def access(database: Database) -> Callable[[], Any]:
    store = PostgresAccess(database)

    async def opened() -> AccessStore:
        return store

    return opened


def now() -> datetime:
    return datetime.now(UTC)


def signed_tokens(issuer: str, access: Any, keys: Any = None) -> JwtAuth:
    return JwtAuth(
        access,
        keys or JwksCache(issuer, None, monotonic=time.monotonic),
        issuer=issuer,
        audience=AUDIENCE,
        person_claim="sub",
        groups_claim="groups",
        now=now,
    )


def claims(issuer: str, **changed: object) -> dict[str, Any]:
    said = {
        "iss": issuer,
        "aud": AUDIENCE,
        "sub": "ann",
        "groups": ["tea"],
        "exp": time.time() + 60,
    }
    return {name: value for name, value in {**said, **changed}.items() if value is not None}


def bearing(token: str) -> Credentials:
    return Credentials({"authorization": (f"Bearer {token}",)}, None, "127.0.0.1")


async def test_a_token_of_the_provider_is_believed(issuer: str, access: Any) -> None:
    identity = signed_tokens(issuer, access)
    for key, key_id, algorithm in ((KEY, "one", "RS256"), (CURVE, "two", "ES256")):
        token = jwt.encode(claims(issuer), key, algorithm, headers={"kid": key_id})
        assert await identity.identify(bearing(token)) == Principal("ann", ("tea",))


def forgeries(issuer: str) -> dict[str, str]:
    def signed(
        key: Any = KEY, algorithm: str = "RS256", kid: str = "one", **changed: object
    ) -> str:
        return jwt.encode(claims(issuer, **changed), key, algorithm, headers={"kid": kid})

    good = signed()
    head, body, signature = good.split(".")
    nobody = jwt.encode(claims(issuer), "", "none", headers={"kid": "one"})
    mixed = jwt.api_jws.PyJWS()
    mixed._algorithms["HS256"].prepare_key = lambda key: key  # type: ignore[method-assign]
    confused = mixed.encode(
        json.dumps(claims(issuer)).encode(), PUBLIC_PEM, "HS256", headers={"kid": "one"}
    )
    return {
        "expired": signed(exp=time.time() - 120),
        "not yet valid": signed(nbf=time.time() + 600),
        "without an end": signed(exp=None),
        "of another issuer": signed(iss="https://evil.example"),
        "for another service": signed(aud="other"),
        "without an audience": signed(aud=None),
        "without a person": signed(sub=None),
        "of a person that is none": signed(sub=""),
        "signed by a stranger": signed(FOREIGN),
        "of an unknown key": signed(kid="three"),
        "of the wrong kind of key": signed(CURVE, "ES256", "one"),
        "of another algorithm of the key": signed(algorithm="PS256"),
        "of a published shared secret": signed(
            "secret-secret-secret-secret-secret", "HS256", "shared"
        ),
        "unsigned": nobody,
        "unsigned, in capitals": nobody.replace(nobody.split(".")[0], _head(alg="NONE", kid="one")),
        "public key as shared secret": confused,
        "with its own key": f"{_head(alg='RS256', jwk=published(FOREIGN, 'x'))}.{body}.{signature}",
        "changed": f"{head}.{_segment(claims(issuer, sub='ben'))}.{signature}",
        "without a signature": f"{head}.{body}.",
        "cut": good[:-8],
        "too long": good + "A" * 20_000,
        "nothing": "",
        "no token": "....",
    }


def _segment(value: dict[str, Any]) -> str:
    return jwt.utils.base64url_encode(json.dumps(value).encode()).decode()


def _head(**fields: object) -> str:
    return _segment({"typ": "JWT", **fields})


async def test_forged_foreign_and_expired_tokens_are_not(issuer: str, access: Any) -> None:
    identity = signed_tokens(issuer, access)
    tried = forgeries(issuer)
    for name, token in tried.items():
        assert await identity.identify(bearing(token)) is None, name
    assert len(tried) >= 20


async def test_a_shared_secret_means_one_algorithm(access: Any) -> None:
    identity = signed_tokens("us", access, SharedSecret(SECRET))
    good = jwt.encode(claims("us"), SECRET, "HS256")
    assert await identity.identify(bearing(good)) == Principal("ann", ("tea",))
    for token in (
        jwt.encode(claims("us"), SECRET + SECRET, "HS384"),
        jwt.encode(claims("us"), SECRET[::-1], "HS256"),
        jwt.encode(claims("us"), "", "none"),
        jwt.encode(claims("us"), KEY, "RS256"),
    ):
        assert await identity.identify(bearing(token)) is None


async def test_keys_are_fetched_once_and_again_when_one_is_new(issuer: str) -> None:
    seconds = 1_000.0
    keys = JwksCache(issuer, None, monotonic=lambda: seconds)
    assert await keys("one") is not None
    for _ in range(20):
        assert await keys("three") is None
    assert Provider.asked == 2
    Provider.keys.append(published(FOREIGN, "three"))
    seconds += 31
    assert await keys("three") is not None
    assert Provider.asked == 4


async def test_a_provider_that_is_away_costs_the_known_nothing(
    issuer: str, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = 1_000.0
    keys = JwksCache(issuer, f"{issuer}/keys", monotonic=lambda: seconds)
    assert await keys("one") is not None
    Provider.keys = []
    seconds += 700
    assert await keys("one") is not None
    assert "could not be fetched" in caplog.text


async def test_a_configuration_of_somebody_else_is_not_taken(issuer: str) -> None:
    keys = JwksCache(f"{issuer}/other", None, monotonic=time.monotonic)
    with pytest.raises(SignInUnavailable):
        await keys("one")


@pytest.mark.parametrize("asked_by", ["identify", "exchange"])
async def test_who_comes_while_keys_load_waits_for_them(
    issuer: str, access: Any, asked_by: str
) -> None:
    identity = signed_tokens(issuer, access)
    token = jwt.encode(claims(issuer), KEY, "RS256", headers={"kid": "one"})
    with Provider.held():
        asked: list[Awaitable[object]] = [
            identity.identify(bearing(token))
            if asked_by == "identify"
            else identity.exchange(token)
            for _ in range(10)
        ]
        waiting = [asyncio.ensure_future(one) for one in asked]
        await asyncio.to_thread(Provider.arrived.wait)
        waiting[0].cancel()  # the first caller leaves; the others still get the keys
        await asyncio.wait(waiting[:1])
    assert all(await asyncio.gather(*waiting[1:]))
    assert Provider.asked == 2  # the configuration and the keys, once


async def test_keys_that_cannot_be_fetched_are_an_outage_until_they_can(
    issuer: str, access: Any
) -> None:
    seconds = 1_000.0
    keys = JwksCache(issuer, None, monotonic=lambda: seconds)
    identity = signed_tokens(issuer, access, keys)
    token = jwt.encode(claims(issuer), KEY, "RS256", headers={"kid": "one"})
    good = Provider.keys
    for broken in ([], [1], "no list", [{"kty": "RSA", "kid": "one"}]):
        Provider.keys = broken
        with pytest.raises(SignInUnavailable):
            await identity.identify(bearing(token))
        asked = Provider.asked
        with pytest.raises(SignInUnavailable):
            await identity.identify(bearing(token))
        assert Provider.asked == asked  # not again at once
        seconds += 1
    Provider.keys = good
    assert await identity.identify(bearing(token)) == Principal("ann", ("tea",))


async def test_an_outage_of_the_provider_is_503_and_ends_with_it(
    issuer: str, database_dsn: str
) -> None:
    settings = Settings(
        auth="jwt",
        jwt_issuer=issuer,
        jwt_audience=AUDIENCE,
        database_url=SecretStr(database_dsn),
        sample_library=False,
    )
    app = create_app(settings)
    token = jwt.encode(claims(issuer), KEY, "RS256", headers={"kid": "one"})
    good, Provider.keys = Provider.keys, []
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", headers=headers
    ) as http:
        for path in ("/sources", "/v1/models"):
            refused = await http.get(path)
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "sign_in_unavailable"
            assert refused.headers["Retry-After"] == "2"
        Provider.keys = good
        while (answer := await http.get("/sources")).status_code == 503:
            await asyncio.sleep(0.1)
        assert answer.json()["items"] == []
    await app.state.containers.close()


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize(
    "value",
    [1e14, 1e20, 1e308, -1e20, 10**400, math.inf, -math.inf, math.nan, "soon", [], {}, True],
)
async def test_times_beyond_the_calendar_are_no_tokens(
    access: Any, claim: str, value: object
) -> None:
    identity = signed_tokens("us", access, SharedSecret(SECRET))
    token = _signed({**claims("us"), claim: value})
    found = await identity.identify(bearing(token))
    assert found is None or claim in {"nbf", "iat"}  # long ago is no reason


@pytest.mark.parametrize("part", [0, 1])
async def test_brackets_in_brackets_are_no_token(access: Any, part: int) -> None:
    identity = signed_tokens("us", access, SharedSecret(SECRET))
    parts = [_head(alg="HS256"), _segment(claims("us")), "AAAA"]
    parts[part] = jwt.utils.base64url_encode(b"[" * 6_000).decode()
    parts[2] = _signature(parts)
    assert await identity.identify(bearing(".".join(parts))) is None


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", "", "a" * 201, 7, None, ["ann"]])
async def test_names_that_cannot_be_stored_are_nobody(access: Any, name: object) -> None:
    identity = signed_tokens("us", access, SharedSecret(SECRET))
    assert await identity.identify(bearing(_signed({**claims("us"), "sub": name}))) is None
    token = _signed({**claims("us"), "groups": [name, "tea"]})
    assert await identity.identify(bearing(token)) == Principal("ann", ("tea",))


def _signed(body: dict[str, Any]) -> str:
    parts = [_head(alg="HS256"), _segment(body)]
    return ".".join((*parts, _signature(parts)))


def _signature(parts: list[str]) -> str:
    message = ".".join(parts[:2]).encode()
    return jwt.utils.base64url_encode(hmac.digest(SECRET.encode(), message, "sha256")).decode()


async def test_a_blocked_person_is_out_in_every_mode(
    issuer: str, access: Any, database: Database
) -> None:
    identity = signed_tokens(issuer, access)
    token = jwt.encode(claims(issuer), KEY, "RS256", headers={"kid": "one"})
    store = PostgresAccess(database)
    await store.open_session("s" * 43, Principal("ann"), token=None, now=now(), expires_at=later())
    session = Credentials({}, "s" * 43, None)
    assert await identity.identify(bearing(token)) is not None
    assert await identity.identify(session) is not None
    await store.block("ann", now=now())
    assert await identity.identify(bearing(token)) is None
    assert await identity.identify(session) is None
    assert await proxy(access).identify(proxied("10.0.0.7", "ann")) is None
    assert await store.unblock("ann")
    assert await identity.identify(bearing(token)) is not None


def later() -> datetime:
    return now() + timedelta(hours=1)


def proxy(access: Any, *trusted: str) -> ProxyAuth:
    networks = [ip_network(one) for one in trusted or ("10.0.0.0/8",)]
    return ProxyAuth(
        access,
        trusted=networks,
        person_header="X-Forwarded-Email",
        groups_header="X-Forwarded-Groups",
    )


def proxied(peer: str | None, *people: str, **headers: str) -> Credentials:
    more = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return Credentials({"x-forwarded-email": people, **more}, None, peer)


async def test_only_a_trusted_proxy_says_who_somebody_is(access: Any) -> None:
    identity = proxy(access)
    believed = await identity.identify(
        proxied("10.0.0.7", "ann@example.org", x_forwarded_groups="tea, coffee,")
    )
    assert believed == Principal("ann@example.org", ("tea", "coffee"))
    over_ipv6 = await identity.identify(proxied("::ffff:10.0.0.7", "ann@example.org"))
    assert over_ipv6 == Principal("ann@example.org")
    for credentials in (
        proxied("192.168.0.1", "ann"),
        proxied("127.0.0.1", "ann"),
        proxied(None, "ann"),
        proxied("nonsense", "ann"),
        proxied("10.0.0.7"),
        proxied("10.0.0.7", ""),
        proxied("10.0.0.7", "ann", "ben"),
        proxied("10.0.0.7", "ann, ben"),
        # uvicorn has replaced the peer's address with a forged X-Forwarded-For.
        proxied("10.0.0.7", "ann", x_forwarded_for="10.0.0.7"),
        proxied("10.0.0.7", "ann", x_forwarded_for="1.2.3.4, 10.0.0.7:99"),
    ):
        assert await identity.identify(credentials) is None, credentials


async def test_a_proxy_on_a_unix_socket_is_trusted_by_name(access: Any) -> None:
    identity = ProxyAuth(
        access, trusted=["unix"], person_header="X-Forwarded-Email", groups_header="X"
    )
    assert await identity.identify(proxied(None, "ann")) == Principal("ann")
    assert await identity.identify(proxied("127.0.0.1", "ann")) is None


async def command(database: Database, *arguments: str) -> str:
    return await tokens.run(tokens.parse(arguments), PostgresAccess(database), now=now())


async def test_the_command_makes_lists_and_revokes_tokens(database: Database) -> None:
    made = await command(database, "create", "ann", "--groups", "tea,coffee", "--label", "laptop")
    token, about = made.split("\n")
    store = PostgresAccess(database)
    grant = await store.by_token(token, now=now())
    assert grant is not None
    assert grant.principal == Principal("ann", ("tea", "coffee"))
    assert grant.expires_at is not None
    token_id = about.split()[1]
    listed = await command(database, "list")
    assert token_id in listed
    assert "laptop" in listed
    assert token not in listed
    assert (await store.by_token(token, now=now() + timedelta(days=91))) is None
    await command(database, "revoke", token_id)
    assert await store.by_token(token, now=now()) is None
    assert "revoked" in await command(database, "list")
    with pytest.raises(CitestreamError, match="no token"):
        await command(database, "revoke", token_id)
    with pytest.raises(CitestreamError, match="not blocked"):
        await command(database, "unblock", "ann")


async def test_a_token_is_nowhere_in_the_database(database: Database) -> None:
    token = (await command(database, "create", "ann", "--expires", "never")).split("\n")[0]
    rows = await database.fetch("SELECT t::text FROM api_tokens t")
    assert all(token not in row[0] and token[4:] not in row[0] for row in rows)


@pytest.mark.parametrize(
    "arguments",
    [
        ["create", "ann smith"],
        ["create", "ann", "--expires", "soon"],
        ["create", "ann", "--expires", "0d"],
        ["create", "ann", "--groups", "a b"],
        ["create", "ann\0"],
        [],
    ],
)
def test_the_command_says_what_it_takes(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        tokens.parse(arguments)
    assert "usage: python -m app.tokens" in capsys.readouterr().err


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:9/nothing")
    assert tokens.main(["list"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


async def test_sessions_that_are_over_are_swept(database: Database) -> None:
    store = PostgresAccess(database)
    before = now() - timedelta(days=40)
    ended = before + timedelta(days=30)
    await store.open_session("a" * 43, Principal("ann"), token=None, now=before, expires_at=ended)
    assert await store.by_session("a" * 43, now=now()) is None
    await store.open_session("b" * 43, Principal("ann"), token=None, now=now(), expires_at=later())
    assert await database.fetchval("SELECT count(*) FROM sessions") == 1
    assert await asyncio.gather(store.end_session("b" * 43), store.end_session("c" * 43))


async def test_labels_and_names_do_nothing_to_the_terminal(database: Database) -> None:
    store, hostile = PostgresAccess(database), "\x1b[31mred\x9b2J\u202e\rover\nt1  ann  -"
    await store.add(
        *("t0", "cs_" + "t" * 43, Principal(hostile, (hostile,))),
        label=hostile,
        now=now(),
        expires_at=None,
    )
    shown = await tokens.run(tokens.parse(["list"]), store, now=now())
    assert [c for c in shown if not c.isprintable() and c != "\n"] == []
    assert len(shown.splitlines()) == 2
    assert shown.count(r"\x1b[31mred\x9b2J\u202e\rover\nt1  ann  -") == 3

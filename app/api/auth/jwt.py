"""`AUTH=jwt`: tokens signed by an identity provider, verified with the keys it publishes.

With published keys only asymmetric algorithms are accepted, and only the algorithm of the key, so
that neither `none` nor a public key used as a shared secret is accepted. A shared secret
(`JWT_SECRET`) is used with HS256 only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import jwt
from jwt import PyJWK, PyJWKSet, PyJWTError

from app.api.auth.authenticators import Access, Credentials, Now, by_session
from app.domain.encoding import clean_text
from app.domain.errors import SignInUnavailable
from app.domain.principals import AuthMode, Grant, Principal
from app.domain.proxies import DIRECT, ProxyRules
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
LEEWAY_S: Final = 30  # clock skew between two machines
KEYS_KEPT_S: Final = 600.0
MIN_REFRESH_INTERVAL_S: Final = 30.0  # at most one refresh per interval for unknown key ids
RETRY_S: Final = 1.0  # after a failure: recover soon after the provider does
FETCH_S: Final = 5.0
MAX_KEYS_BYTES: Final = 512 * 1024
_MAX_NAME_LENGTH: Final = 200
_MAX_GROUPS: Final = 200

Key = PyJWK | bytes
FindKey = Callable[[str | None], Awaitable[Key | None]]
"""The key of this id; None when there is none."""


_FETCH_FAILURES: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, TimeoutError, PyJWTError, RecursionError),
    *(ValueError, TypeError, AttributeError, LookupError),  # a malformed document
)


class JwksCache:
    """The provider's keys, fetched on first use, when they are stale and for an unknown key id."""

    def __init__(
        self,
        issuer: str,
        jwks_url: str | None,
        *,
        monotonic: Callable[[], float],
        proxies: ProxyRules = DIRECT,
    ) -> None:
        self._issuer = issuer
        self._url = jwks_url
        self._monotonic = monotonic
        self._proxies = proxies
        self._keys: dict[str | None, PyJWK] = {}
        self._fetched = -KEYS_KEPT_S
        self._tried = -MIN_REFRESH_INTERVAL_S
        self._failed = False
        self._fetches: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    async def __call__(self, key_id: str | None) -> PyJWK | None:
        """The key; None when the provider has none with this id. Raises `SignInUnavailable`.

        Concurrent callers share one fetch. Known keys stay valid during a refresh and while the
        provider is unreachable.
        """
        key = self._find(key_id)
        waited = self._monotonic() - self._tried
        if key is None:
            # Nobody can sign in without keys: retry soon, so that recovery is quick.
            if self._fetching() or waited >= (RETRY_S if self._failed else MIN_REFRESH_INTERVAL_S):
                await self._refresh()
            key = self._find(key_id)
            if key is None and self._failed:
                raise SignInUnavailable("the keys of sign-ins could not be fetched")
        elif self._monotonic() - self._fetched >= KEYS_KEPT_S and waited >= MIN_REFRESH_INTERVAL_S:
            await self._refresh()
            key = self._find(key_id)
        return key

    def _fetching(self) -> bool:
        return asyncio.get_running_loop() in self._fetches

    async def _refresh(self) -> None:
        """Fetch, or wait for the fetch in progress, which outlives a cancelled caller."""
        loop = asyncio.get_running_loop()
        fetch = self._fetches.get(loop)
        if fetch is None:
            self._tried = self._monotonic()
            fetch = TaskTracker().spawn(self._fetch_once(loop), name="sign-in keys", awaited=True)
            self._fetches[loop] = fetch
        await asyncio.shield(fetch)

    async def _fetch_once(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            await self._fetch()
            self._fetched = self._monotonic()
            self._failed = False
        except _FETCH_FAILURES as error:
            self._failed = True
            log.warning("The keys of %s could not be fetched: %s", self._issuer, error)
        finally:
            del self._fetches[loop]

    def _find(self, key_id: str | None) -> PyJWK | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _fetch(self) -> None:
        client = httpx.AsyncClient(
            timeout=FETCH_S,
            proxy=self._proxies.url_for(self._url or self._issuer),
            trust_env=False,
            verify=httpx.create_ssl_context(trust_env=True),  # honours SSL_CERT_FILE
        )
        async with asyncio.timeout(FETCH_S), client:
            url = self._url or await self._discover(client)
            found = PyJWKSet.from_dict(await _json(client, url))
        usable = (key for key in found.keys if key.algorithm_name in ASYMMETRIC)
        self._keys = {key.key_id: key for key in usable if key.public_key_use in {None, "sig"}}

    async def _discover(self, client: httpx.AsyncClient) -> str:
        """OpenID Connect Discovery 1.0, section 4."""
        address = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await _json(client, address)
        if found.get("issuer") != self._issuer or not isinstance(found.get("jwks_uri"), str):
            raise ValueError(f"{address} is not the configuration of this issuer")
        return cast("str", found["jwks_uri"])


async def _json(client: httpx.AsyncClient, url: str) -> dict[str, Any]:
    body = bytearray()
    async with client.stream("GET", url) as response:
        response.raise_for_status()
        async for part in response.aiter_bytes():
            body += part
            if len(body) > MAX_KEYS_BYTES:
                raise ValueError(f"{url} sends too much")
    found = httpx.Response(200, content=bytes(body)).json()
    if not isinstance(found, dict):
        raise ValueError(f"{url} is no JSON object")
    return found


class SharedSecret:
    """The one key of `JWT_SECRET`."""

    def __init__(self, secret: str) -> None:
        self._key = secret.encode()

    async def __call__(self, key_id: str | None) -> bytes | None:
        """The key, whatever id the token names."""
        return self._key


class JwtAuth:
    """Implements `Identity` for `AUTH=jwt`."""

    mode: AuthMode = "jwt"

    def __init__(
        self,
        access: Access,
        find_key: FindKey,
        *,
        issuer: str,
        audience: str,
        person_claim: str,
        groups_claim: str,
        now: Now,
    ) -> None:
        self._access = access
        self._find_key = find_key
        self._issuer = issuer
        self._audience = audience
        self._person = person_claim
        self._groups = groups_claim
        self._now = now

    async def identify(self, credentials: Credentials) -> Principal | None:
        """A token takes precedence over the session opened with one."""
        if credentials.bearer is not None:
            grant = await self.exchange(credentials.bearer)
        else:
            grant = await by_session(await self._access(), credentials, self._now())
        return grant.principal if grant else None

    async def exchange(self, token: str) -> Grant | None:
        grant = await self._verified(token)
        if grant is None or await (await self._access()).is_blocked(grant.principal.owner_id):
            return None
        return grant

    async def _verified(self, token: str) -> Grant | None:
        try:
            header = jwt.get_unverified_header(token)
            key_id = header.get("kid")
            key = await self._find_key(key_id if isinstance(key_id, str) else None)
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name] if isinstance(key, PyJWK) else ["HS256"],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iss", "aud"], "enforce_minimum_key_length": True},
            )
            return self._grant(claims)
        except (PyJWTError, ValueError, TypeError, OverflowError, OSError, RecursionError) as error:
            # Timestamps out of range and deeply nested JSON are invalid tokens too.
            log.debug("A token is refused: %s", type(error).__name__)
            return None

    def _grant(self, claims: dict[str, Any]) -> Grant | None:
        person = claims.get(self._person)
        if not isinstance(person, str) or not _is_name(person):
            return None
        until = datetime.fromtimestamp(int(claims["exp"]) + LEEWAY_S, UTC)
        return Grant(Principal(person, _names(claims.get(self._groups))), until)


def _names(listed: object) -> tuple[str, ...]:
    if not isinstance(listed, list):
        return ()
    names = (name for name in listed[:_MAX_GROUPS] if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in names if _is_name(name)))


def _is_name(text: str) -> bool:
    """Whether the database can store it: no NUL, no lone surrogate."""
    return 0 < len(text) <= _MAX_NAME_LENGTH and clean_text(text) == text

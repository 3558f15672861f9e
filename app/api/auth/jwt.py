"""`AUTH=jwt`: tokens that an identity provider signed, checked against the keys it publishes.

Only asymmetric algorithms are accepted from published keys, and only the one that the key is for,
so that neither `none` nor a public key used as a shared secret gets in. A shared secret
(`JWT_SECRET`) means HS256 and nothing else.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, cast

import httpx
import jwt
from jwt import PyJWK, PyJWKSet, PyJWTError

from app.api.auth.authenticators import Access, Credentials, Mode, Now, by_session
from app.domain.encoding import clean_text
from app.domain.errors import SignInUnavailable
from app.domain.principals import Grant, Principal
from app.domain.proxies import DIRECT, ProxyRules
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
LEEWAY_S: Final = 30  # the clocks of two machines
KEYS_KEPT_S: Final = 600.0
AGAIN_S: Final = 30.0  # an unknown key id asks no more often
RETRY_S: Final = 1.0  # after a failure, so that an outage ends when the provider is back
FETCH_S: Final = 5.0
MAX_KEYS_BYTES: Final = 512 * 1024
_MAX_NAME_LENGTH: Final = 200
_MAX_GROUPS: Final = 200

Key = PyJWK | bytes
FindKey = Callable[[str | None], Awaitable[Key | None]]
"""The key of this id; None when there is none."""


_FETCH_FAILURES: Final = (
    *(httpx.HTTPError, httpx.InvalidURL, TimeoutError, PyJWTError, RecursionError),
    *(ValueError, TypeError, AttributeError, LookupError),  # what is sent is not what it should be
)


class JwksCache:
    """The provider's keys, fetched when first needed and again when they are old or one is new."""

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
        self._tried = -AGAIN_S
        self._failed = False
        self._fetches: dict[asyncio.AbstractEventLoop, asyncio.Task[None]] = {}

    async def __call__(self, key_id: str | None) -> PyJWK | None:
        """The key, None when the provider has none of this id. Raises `SignInUnavailable`.

        However many ask, the provider is asked once. An old key goes on counting meanwhile, and
        while the provider is away.
        """
        key = self._find(key_id)
        waited = self._monotonic() - self._tried
        if key is None:
            # Nobody comes in without: an outage ends as soon as the provider is back.
            if self._fetching() or waited >= (RETRY_S if self._failed else AGAIN_S):
                await self._refresh()
            key = self._find(key_id)
            if key is None and self._failed:
                raise SignInUnavailable("the keys of sign-ins could not be fetched")
        elif self._monotonic() - self._fetched >= KEYS_KEPT_S and waited >= AGAIN_S:
            await self._refresh()
            key = self._find(key_id)
        return key

    def _fetching(self) -> bool:
        return asyncio.get_running_loop() in self._fetches

    async def _refresh(self) -> None:
        """Fetch, or wait for the fetch under way. A caller that leaves does not end it."""
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
            verify=httpx.create_ssl_context(trust_env=True),  # SSL_CERT_FILE counts
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
        """Whatever id the token names."""
        return self._key


class JwtAuth:
    """Implements `Identity` for `AUTH=jwt`."""

    mode: Mode = "jwt"

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
        """A token that is sent decides alone; else the session that one opened."""
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
            # Numbers beyond every calendar and brackets in brackets are no tokens either.
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
    """Whether the database takes it, too: it has no NUL and no half of a character."""
    return 0 < len(text) <= _MAX_NAME_LENGTH and clean_text(text) == text

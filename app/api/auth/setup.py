"""Builds the authenticator and the middleware stack from the settings."""

import time
from datetime import UTC, datetime

from fastapi import FastAPI

from app.api.auth.authenticators import Access, Identity, NoAuth, ProxyAuth, TokenAuth
from app.api.auth.middleware import RECHECK_S, AuthMiddleware, OpenServerWarning
from app.api.dependencies import ServicesProvider
from app.api.middleware.body_limits import BodyLimits
from app.api.middleware.security_headers import HostAllowList, SameOriginGuard
from app.config import Settings
from app.domain.access import AccessStore


def make_identity(settings: Settings, access: Access) -> Identity:
    """The authenticator for `AUTH`. Its settings are already validated."""
    match settings.auth:
        case "none":
            return NoAuth()
        case "token":
            return TokenAuth(access, _now)
        case "proxy":
            return ProxyAuth(
                access,
                trusted=settings.trusted_proxies,
                person_header=settings.proxy_user_header,
                groups_header=settings.proxy_groups_header,
            )
        case "jwt":
            return _signed_tokens(settings, access)


def _signed_tokens(settings: Settings, access: Access) -> Identity:
    # Imported only in this mode: the library is slow to import.
    from app.api.auth.jwt import JwksCache, JwtAuth, SharedSecret

    issuer = settings.jwt_issuer or ""
    secret = settings.jwt_secret
    return JwtAuth(
        access,
        SharedSecret(secret.get_secret_value())
        if secret is not None
        else JwksCache(
            issuer, settings.jwt_jwks_url, monotonic=time.monotonic, proxies=settings.proxies
        ),
        issuer=issuer,
        audience=settings.jwt_audience or "",
        person_claim=settings.jwt_user_claim,
        groups_claim=settings.jwt_groups_claim,
        now=_now,
    )


def _now() -> datetime:
    return datetime.now(UTC)


def add_security_layers(app: FastAPI, settings: Settings, services: ServicesProvider) -> None:
    """Add the middleware that rejects requests, innermost first. Sets `app.state.identity`."""

    async def access() -> AccessStore:
        return (await services()).access

    identity = make_identity(settings, access)
    app.state.identity = identity
    app.add_middleware(BodyLimits)
    app.add_middleware(AuthMiddleware, identity=identity, recheck_s=RECHECK_S)
    app.add_middleware(SameOriginGuard, origins=settings.cors_origins)
    app.add_middleware(HostAllowList, allowed=(*settings.allowed_hosts, settings.host))
    if identity.mode == "none":
        app.add_middleware(OpenServerWarning)

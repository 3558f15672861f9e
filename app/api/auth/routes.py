"""Sign-in with a token, which sets a session cookie, so that the browser's `EventSource` works."""

import secrets
from datetime import timedelta
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from app.api.auth.authenticators import MAX_TOKEN_LENGTH, Identity
from app.api.auth.middleware import cookie_name, credentials_of, refused_token
from app.api.dependencies import WithPrincipal, WithServices
from app.api.documented_responses import Responses, refusals
from app.api.middleware.path_prefix import is_secure
from app.api.response_models import SignedIn
from app.api.schemas import Body
from app.domain.access import new_session
from app.domain.errors import InvalidInput
from app.domain.principals import Principal

router = APIRouter(prefix="/auth", tags=["sign-in"])

SESSION: Final = timedelta(days=30)
PRIVATE: Final = {"Cache-Control": "no-store"}


class SignInBody(Body):
    """Body of `POST /auth/sign-in`."""

    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_LENGTH)]


SIGNED_IN = "The signed-in user."
NOT_SIGNED_IN: Responses = refusals(
    HTTP_401="Nobody is signed in, or the token is invalid, expired or revoked.",
    HTTP_403="The request comes from another website.",
    HTTP_422="A field is invalid, or this server does not support sign-in with a token.",
)


def get_identity(request: Request) -> Identity:
    """The authenticator of this server."""
    return cast("Identity", request.app.state.identity)


WithIdentity = Annotated[Identity, Depends(get_identity)]


@router.post(
    "/sign-in",
    response_model=SignedIn,
    responses=NOT_SIGNED_IN,
    response_description=SIGNED_IN,
)
async def sign_in(
    body: SignInBody,
    request: Request,
    response: Response,
    services: WithServices,
    identity: WithIdentity,
) -> SignedIn | Response:
    """Exchange a token for a session, stored in a cookie that scripts cannot read."""
    if identity.mode in {"none", "proxy"}:
        raise InvalidInput("token", f"token: AUTH={identity.mode} has no sign-in with a token")
    grant = await identity.exchange(body.token)
    if grant is None:
        return refused_token(identity.mode)
    now = services.now()
    until = min(now + SESSION, grant.expires_at or now + SESSION)
    session = new_session(secrets.token_urlsafe)
    await services.access.open_session(
        session,
        grant.principal,
        token=body.token if identity.mode == "token" else None,
        now=now,
        expires_at=until,
    )
    response.headers.update(PRIVATE)
    response.set_cookie(
        cookie_name(request.scope),
        session,
        max_age=max(1, int((until - now).total_seconds())),
        secure=is_secure(request.scope),
        httponly=True,
        samesite="strict",
    )
    return _signed_in(identity, grant.principal)


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, services: WithServices) -> Response:
    """Delete the session on the server, the cookie, and the browser's cached files."""
    session = credentials_of(request.scope).session
    if session is not None:
        await services.access.end_session(session)
    response = Response(status_code=204, headers={**PRIVATE, "Clear-Site-Data": '"cache"'})
    response.delete_cookie(
        cookie_name(request.scope),
        secure=is_secure(request.scope),
        httponly=True,
        samesite="strict",
    )
    return response


@router.get("/session", responses=NOT_SIGNED_IN, response_description=SIGNED_IN)
async def session(response: Response, principal: WithPrincipal, identity: WithIdentity) -> SignedIn:
    """Return the signed-in user."""
    response.headers.update(PRIVATE)
    return _signed_in(identity, principal)


def _signed_in(identity: Identity, principal: Principal) -> SignedIn:
    return SignedIn(auth=identity.mode, person=principal.owner_id, groups=principal.groups)

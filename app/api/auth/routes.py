"""A person signs in with a token and gets a cookie, so that the browser's `EventSource` works."""

import secrets
from datetime import timedelta
from typing import Annotated, Final, cast

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from app.api.auth.authenticators import MAX_TOKEN_LENGTH, Identity, Mode
from app.api.auth.middleware import cookie_name, credentials_of, refused_token
from app.api.dependencies import WithPrincipal, WithServices
from app.api.middleware.path_prefix import is_secure
from app.api.response_models import Responses, Shape, body, refusals
from app.api.schemas import Body
from app.domain.access import new_session
from app.domain.errors import InvalidInput

router = APIRouter(prefix="/auth", tags=["sign-in"], default_response_class=Response)

SESSION: Final = timedelta(days=30)
PRIVATE: Final = {"Cache-Control": "no-store"}


class SignInBody(Body):
    """Body of `POST /auth/sign-in`."""

    token: Annotated[str, Field(min_length=1, max_length=MAX_TOKEN_LENGTH)]


class SessionShape(Shape):
    """Who is signed in, and how."""

    auth: Mode
    person: str
    groups: tuple[str, ...]


SIGNED_IN: Responses = body(SessionShape, "Who is signed in.") | refusals(
    HTTP_401="Nobody is signed in, or the token is worth nothing (any more).",
    HTTP_403="The request comes from a page of another website.",
    HTTP_422="A field is not accepted, or this server does not sign people in by a token.",
)


def get_identity(request: Request) -> Identity:
    """The way of signing in of this server."""
    return cast("Identity", request.app.state.identity)


WithIdentity = Annotated[Identity, Depends(get_identity)]


@router.post("/sign-in", responses=SIGNED_IN)
async def sign_in(
    body: SignInBody, request: Request, services: WithServices, identity: WithIdentity
) -> Response:
    """Exchange a token for a session in a cookie that scripts cannot read."""
    if identity.mode in {"none", "proxy"}:
        raise InvalidInput("token", f"token: AUTH={identity.mode} takes no token here")
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
    who = SessionShape(
        auth=identity.mode, person=grant.principal.owner_id, groups=grant.principal.groups
    )
    response = JSONResponse(who.model_dump(mode="json"), headers=PRIVATE)
    response.set_cookie(
        cookie_name(request.scope),
        session,
        max_age=max(1, int((until - now).total_seconds())),
        secure=is_secure(request.scope),
        httponly=True,
        samesite="strict",
    )
    return response


@router.post("/sign-out", status_code=204)
async def sign_out(request: Request, services: WithServices) -> Response:
    """Forget the session on the server, the cookie, and what the browser kept of the files."""
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


@router.get("/session", responses=SIGNED_IN)
async def session(principal: WithPrincipal, identity: WithIdentity) -> Response:
    """Who is signed in."""
    who = SessionShape(auth=identity.mode, person=principal.owner_id, groups=principal.groups)
    return JSONResponse(who.model_dump(mode="json"), headers=PRIVATE)

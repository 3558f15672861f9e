"""Maps domain and framework errors to HTTP: `{"error": {"code", "message", "details"?}}`."""

import logging
import re
from collections import defaultdict
from collections.abc import Mapping
from typing import cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from pydantic import JsonValue
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from app.api.response_models import Refusal, RefusalDetail, json_response
from app.api.schemas import PATTERNS
from app.domain.errors import (
    Draining,
    IdempotencyMismatch,
    InvalidInput,
    ModelNotOffered,
    NotFound,
    RequestError,
    RunIdTaken,
    RunInProgress,
    ServerBusy,
    SignInUnavailable,
    StorageFull,
    StoreUnavailable,
    TooManyRuns,
    UnknownModel,
)

log = logging.getLogger(__name__)

STATUS: Mapping[type[RequestError], int] = {
    NotFound: 404,
    UnknownModel: 404,
    RunInProgress: 409,
    RunIdTaken: 409,
    InvalidInput: 422,
    ModelNotOffered: 422,
    IdempotencyMismatch: 422,
    TooManyRuns: 429,
    ServerBusy: 503,
    StorageFull: 507,
    Draining: 503,
}
CODES = {
    401: "sign_in_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "too_slow",
    413: "too_large",
    415: "unsupported_media_type",
    416: "range_not_satisfiable",
}
ANY_PATH = "/{path:path}"
"""The catch-all route of the page's router."""
_PAGE_PATH = re.compile(r"/(library|c/.*)?$")
NOT_JSON = "The request body is not valid JSON."
UNREADABLE = "There was an error parsing the body"  # FastAPI's message for bytes that are not UTF-8
RETRY_AFTER_S = 2
WORDS = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "string_type": "must be a string",
    "string_unicode": "must not contain lone surrogate characters",
    "string_too_short": "must have at least {min_length} character",
    "string_too_long": "must have at most {max_length} characters",
    "model_attributes_type": "must be a JSON object",
    "uuid_parsing": "must be a UUID",
    "uuid_version": "must be a random UUID (version 4)",
}


def error_response(
    status: int,
    code: str,
    message: str,
    *,
    details: dict[str, JsonValue] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Build the body of a refusal or failure."""
    error = RefusalDetail(code=code, message=message, details=details)
    return json_response(Refusal(error=error), status, headers)


def install(app: FastAPI) -> None:
    """Register the exception handlers."""
    app.add_exception_handler(RequestError, _refused)
    app.add_exception_handler(StoreUnavailable, _store)
    app.add_exception_handler(SignInUnavailable, _sign_in)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _broken)


def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestError):
        raise error
    status = STATUS.get(type(error), 400)
    headers = {}
    if isinstance(error, TooManyRuns):
        headers["Retry-After"] = str(error.retry_after)
    elif status == 503:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return error_response(status, error.code, error.message, details=error.details, headers=headers)


def _store(_: Request, error: Exception) -> Response:
    return store_unavailable(error)


def store_unavailable(error: Exception) -> Response:
    """503: the database is unreachable."""
    log.warning("The database is unavailable: %s", error)
    return error_response(
        503,
        "database_unavailable",
        "The database cannot be reached right now. Please try again in a moment.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _sign_in(_: Request, error: Exception) -> Response:
    return sign_in_unavailable()


def sign_in_unavailable() -> Response:
    """503: the identity provider is unreachable; signing in again would not help."""
    return error_response(
        503,
        "sign_in_unavailable",
        "Sign-ins cannot be checked right now: the identity provider does not answer. "
        "Please try again in a moment.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


def _invalid(_: Request, error: Exception) -> Response:
    """Name the first invalid field and what it accepts."""
    if not isinstance(error, RequestValidationError):
        raise error
    problem = error.errors()[0]
    path = [str(part) for part in problem["loc"]]
    if path and path[0] in {"body", "query", "path", "header"}:
        path = path[1:]
    if problem["type"] == "json_invalid":
        return error_response(422, "invalid_input", NOT_JSON)
    field = ".".join(path) or "body"
    what = _what(problem)
    return error_response(422, "invalid_input", f"{field}: {what}", details={"field": field})


def _what(problem: Mapping[str, object]) -> str:
    """Describe what the field accepts."""
    context = problem.get("ctx") or {}
    limits = {key: str(value) for key, value in dict(cast("Mapping[str, object]", context)).items()}
    if (pattern := limits.get("pattern")) is not None:
        return PATTERNS[pattern]
    words = WORDS.get(str(problem["type"]))
    if words is not None:
        return words.format_map(defaultdict(str, limits))
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be", 1).replace("String should", "must", 1)


def _path(request: Request) -> str:
    """The path without the prefix added by a proxy."""
    path: str = request.scope["path"]
    return path.removeprefix(request.scope.get("root_path", ""))


def allowed_methods(request: Request) -> str:
    """The methods the API accepts at this path, as in `Allow`; empty without a route."""
    path = _path(request)
    methods: set[str] = set()
    for route in iter_route_contexts(request.app.routes):
        if route.path not in (None, ANY_PATH) and compile_path(route.path)[0].match(path):
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.detail == UNREADABLE:
        return error_response(422, "invalid_input", NOT_JSON)
    code = CODES.get(error.status_code, "bad_request")
    message = str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == 404:
        message = "There is nothing at this address."
    elif error.status_code == 405:
        allowed = allowed_methods(request) or ("GET" if _PAGE_PATH.match(_path(request)) else "")
        if not allowed:
            return _http(request, HTTPException(404))
        headers["Allow"] = allowed
        message = f"{request.method} is not possible at this address; it takes {allowed}."
    return error_response(error.status_code, code, message, headers=headers)


def _broken(_: Request, __: Exception) -> Response:
    """500 for a bug: the server logs the exception, the client gets no details."""
    return error_response(500, "internal", "Something went wrong on our side.")

"""Maps errors of model services to `RunFailure`s and decides whether a retry may help.

Messages name a remedy. They never contain exception text, which may include keys or prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx2
import openai
from langchain_core.exceptions import ContextOverflowError

from app.domain.errors import CitestreamError, FailureCode, RunFailure
from app.llm.error_texts import (
    is_about_money,
    is_about_region,
    is_loading,
    is_too_long,
    text_of,
)


class NotAnAnswer(CitestreamError):
    """A 2xx response without an answer: a web page, another API's body, a broken frame."""

    def __init__(self, kind: Literal["page", "other", "broken"]) -> None:
        super().__init__(kind)
        self.kind = kind


class ReportedError(openai.APIError):
    """An error sent with status 200. `final`: it replaces the whole answer."""

    def __init__(self, message: str, request: httpx2.Request, *, body: object, final: bool) -> None:
        super().__init__(message, request, body=body)
        self.final = final


MODEL_ERRORS = (openai.OpenAIError, httpx2.HTTPError, NotAnAnswer)
"""Errors caused by a service or the network. Any other exception is a bug."""

_MODEL_AND_ADDRESS: Mapping[str, tuple[str, str]] = {
    "DATABRICKS_TOKEN": ("DATABRICKS_ENDPOINT", "DATABRICKS_HOST"),
}
_USUAL = ("LLM_MODEL", "OPENAI_BASE_URL")
_IN_MODELS = ("its model in MODELS", "its base_url in MODELS")
"""Settings other than the key that may be wrong."""

Recovery = Literal["retry", "wait", "shorter", "unstreamed", "no"]
"""What may help: one retry, retries until the deadline, removing the oldest turns, one attempt
without streaming, or nothing."""

_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


@dataclass(frozen=True, slots=True)
class UpstreamFailure:
    """A failed model call. `wait_s`: the delay before a retry that the service asked for.

    `error`: the original exception, never shown to users.
    """

    run_failure: RunFailure
    recovery: Recovery
    wait_s: float | None = None
    error: openai.APIError | None = None


def _final(code: FailureCode, message: str) -> UpstreamFailure:
    return UpstreamFailure(RunFailure(code, message, retryable=False), "no")


def _transient(code: FailureCode, message: str, *, wait_s: float | None = None) -> UpstreamFailure:
    return UpstreamFailure(RunFailure(code, message), "retry", wait_s)


def classify(
    error: Exception,
    *,
    key_setting: str,
    has_key: bool = True,
    is_listed: bool = False,
    partial: bool = False,
) -> UpstreamFailure:
    """Classifies an error. `partial`: tokens were already sent, so the answer is incomplete.

    `is_listed`: the model is an entry of `MODELS`, whose fields messages name.
    """
    names = _IN_MODELS if is_listed else _MODEL_AND_ADDRESS.get(key_setting, _USUAL)
    if not has_key and _refused_key(error):
        return _final(
            "GENERATION_FAILED", f"The model service wants a key; {key_setting} is not set."
        )
    return _trouble_of(error, key_setting, names, partial=partial)


def _trouble_of(
    error: Exception, key_setting: str, names: tuple[str, str], *, partial: bool
) -> UpstreamFailure:
    address = names[1]
    match error:
        case openai.APITimeoutError():
            return _transient("TIMEOUT", "The model service did not answer in time. Try again.")
        case openai.APIConnectionError() | httpx2.HTTPError() if partial:
            return _transient(
                "UPSTREAM_TRUNCATED",
                "The connection to the model service broke in the middle of the answer. Try again.",
            )
        case openai.APIConnectionError() | httpx2.HTTPError():
            return _transient(
                "UPSTREAM_UNAVAILABLE",
                f"The model service could not be reached. Check its address ({address}) "
                "or try again.",
            )
        case openai.APIStatusError():
            headers = error.response.headers
            return _of_status(error, error.status_code, key_setting, names, headers)
        case openai.APIError():
            return _reported(error, key_setting, names)
        case openai.OpenAIError():
            return _final(
                "GENERATION_FAILED",
                f"The model service could not be signed in to. Check {key_setting}.",
            )
        case NotAnAnswer(kind="page"):
            return _final(
                "GENERATION_FAILED",
                f"The model's address ({address}) answers with a web page, not with an API. "
                "It often has to end in /v1.",
            )
        case NotAnAnswer(kind="broken"):
            return _transient(
                "GENERATION_FAILED",
                "The model service sent something that is not an answer. Try again.",
            )
        case NotAnAnswer():
            return _final(
                "GENERATION_FAILED",
                f"The model service sent something that is not an answer. Check its address "
                f"({address}).",
            )
        case _:
            return _final("INTERNAL", "Something went wrong while answering.")


def _refused_key(error: Exception) -> bool:
    """A 401, or a 403 without a known reason."""
    if not isinstance(error, openai.APIError):
        return False
    status = _status_of(error)
    return status in (401, 403) and _known(error, status) is None


def _of_status(
    error: openai.APIError,
    status: int,
    key_setting: str,
    names: tuple[str, str],
    headers: httpx2.Headers,
) -> UpstreamFailure:
    if known := _known(error, status):
        return known
    model, address = names
    match status:
        case 401:
            return _final(
                "GENERATION_FAILED", f"The model service refused the key. Check {key_setting}."
            )
        case 403:
            return _final(
                "GENERATION_FAILED",
                f"The key may not use this model. Check {key_setting} and {model}.",
            )
        case 404:
            return _final(
                "GENERATION_FAILED",
                "The model service does not know this model. "
                f"Check {model} and the service's address ({address}).",
            )
        case 429:
            return _transient(
                "UPSTREAM_RATE_LIMITED",
                "The model service is taking no more questions right now. Try again in a minute.",
                wait_s=retry_after_s(headers),
            )
        case 408 | 409 | 425:
            return _transient("UPSTREAM_UNAVAILABLE", "The model service is busy. Try again.")
        case _ if status >= 500:
            return _transient(
                "UPSTREAM_UNAVAILABLE",
                "The model service has a problem of its own. Try again in a moment.",
                wait_s=retry_after_s(headers),
            )
        case _:
            refused = RunFailure(
                "GENERATION_FAILED",
                "The model service did not accept the request. "
                f"Check {model} and the service's address ({address}).",
            )
            return UpstreamFailure(refused, "unstreamed")


def _status_of(error: openai.APIError) -> int | None:
    """The status of the response, or the one in an error body sent with status 200."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code
    code = str(error.code)
    return int(code) if code.isdecimal() and 400 <= int(code[:4]) < 600 else None


def _reported(error: openai.APIError, key_setting: str, names: tuple[str, str]) -> UpstreamFailure:
    """Classifies an error sent with status 200; some services include a status in it."""
    status = _status_of(error)
    if status is not None:
        return _of_status(error, status, key_setting, names, httpx2.Headers())
    if known := _known(error, None):
        return known
    run_failure = RunFailure("GENERATION_FAILED", "The model service reported an error. Try again.")
    final = isinstance(error, ReportedError) and error.final
    return UpstreamFailure(run_failure, "no" if final else "retry")


def _known(error: openai.APIError, status: int | None) -> UpstreamFailure | None:
    """A failure recognized by the code or wording of the error; None for any other."""
    code, text = str(error.code), text_of(error)
    if code in _FILTER_CODES:
        return filtered()
    if code in _QUOTA_CODES or status == 402:
        return _no_credit()
    if status in (429, 401):
        return None
    if isinstance(error, ContextOverflowError) or status == 413 or is_too_long(text):
        return _too_long(error)
    if status in (400, 403, 404, 451) and is_about_region(text):
        return _final(
            "GENERATION_FAILED",
            "The model service does not serve the country or region that this server asks from. "
            "Use a service, or a region of it, that does.",
        )
    if status in (400, 403) and is_about_money(text):
        return _no_credit()
    if (status is None or status >= 500) and is_loading(text):
        return UpstreamFailure(
            RunFailure(
                "UPSTREAM_UNAVAILABLE", "The model is still being loaded. Try again in a minute."
            ),
            "wait",
        )
    return None


def _no_credit() -> UpstreamFailure:
    return _final(
        "UPSTREAM_RATE_LIMITED",
        "The account at the model service has no quota or credit left. Check its plan and billing.",
    )


def _too_long(error: openai.APIError) -> UpstreamFailure:
    """The prompt is too long; it may fit without the oldest turns."""
    run_failure = RunFailure(
        "GENERATION_FAILED",
        "The question and its passages are too long for this model. "
        "Ask something shorter, or start a new conversation.",
        retryable=False,
    )
    return UpstreamFailure(run_failure, "shorter", error=error)


def filtered() -> UpstreamFailure:
    """The service withheld the whole answer."""
    return _final(
        "CONTENT_FILTERED",
        "The model service's content filter withheld the answer. Ask in other words.",
    )


def truncated() -> UpstreamFailure:
    """The stream ended without a sign that the answer is complete."""
    return _transient(
        "UPSTREAM_TRUNCATED", "The model service broke off before the answer was complete."
    )


def silent(seconds: float) -> UpstreamFailure:
    """No data within the timeout; a retry would exceed it."""
    message = f"The model service was silent for {seconds:g} seconds. Try again."
    return UpstreamFailure(RunFailure("TIMEOUT", message), "no")


def empty(finish_reason: str) -> UpstreamFailure:
    """A complete answer without any text."""
    if finish_reason == "length":
        return _transient(
            "GENERATION_FAILED", "The model used up its length before it said anything. Try again."
        )
    return _transient("GENERATION_FAILED", "The model answered with nothing. Try again.")


def retry_after_s(headers: httpx2.Headers) -> float | None:
    """Seconds from `Retry-After`; a date is relative to the response's own `Date`."""
    for name, per_s in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / per_s)
        except (KeyError, ValueError):
            continue
    try:
        until, sent = (parsedate_to_datetime(headers[name]) for name in ("retry-after", "date"))
        return max(0.0, (until - sent).total_seconds())
    except (KeyError, ValueError, TypeError):
        return None

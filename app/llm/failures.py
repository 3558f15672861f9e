"""Errors of model services as `RunFailure`s: one table, and whether another try may help.

Messages name what a person can do. They never contain exception text, which may hold keys or
prompts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx2
import openai
from langchain_core.exceptions import ContextOverflowError

from app.domain.errors import CitestreamError, FailureCode, RunFailure


class NotAnAnswer(CitestreamError):
    """A success without an answer: a web page, a body that is none of the API's, a broken frame."""

    def __init__(self, kind: Literal["page", "other", "broken"]) -> None:
        super().__init__(kind)
        self.kind = kind


class ReportedError(openai.APIError):
    """An error that came with status 200. `final`: in place of the whole answer."""

    def __init__(self, message: str, request: httpx2.Request, *, body: object, final: bool) -> None:
        super().__init__(message, request, body=body)
        self.final = final


MODEL_ERRORS = (openai.OpenAIError, httpx2.HTTPError, NotAnAnswer)
"""What a service or the way to it did. Everything else is a mistake of ours."""

_MODEL_AND_ADDRESS: Mapping[str, tuple[str, str]] = {
    "DATABRICKS_TOKEN": ("DATABRICKS_ENDPOINT", "DATABRICKS_HOST"),
}
_USUAL = ("LLM_MODEL", "OPENAI_BASE_URL")
"""The settings beside the key's that a person may have to look at."""

Again = Literal["retry", "unstreamed", "no"]
"""What may help: the same again, once without streaming, or nothing."""

_FILTER_CODES = frozenset({"content_filter", "content_policy_violation"})
_TOO_LONG_CODES = frozenset({"context_length_exceeded", "string_above_max_length"})
_QUOTA_CODES = frozenset({"insufficient_quota", "billing_hard_limit_reached"})


@dataclass(frozen=True, slots=True)
class Trouble:
    """A model call that failed. `wait_s`: how long the service asked to be left alone."""

    failure: RunFailure
    again: Again
    wait_s: float | None = None


def _final(code: FailureCode, message: str) -> Trouble:
    return Trouble(RunFailure(code, message, retryable=False), "no")


def _passing(code: FailureCode, message: str, *, wait_s: float | None = None) -> Trouble:
    return Trouble(RunFailure(code, message), "retry", wait_s)


def trouble_of(error: Exception, *, key_setting: str, partial: bool = False) -> Trouble:
    """The table. `partial`: tokens were already sent, so that the answer breaks off here."""
    address = _MODEL_AND_ADDRESS.get(key_setting, _USUAL)[1]
    match error:
        case openai.APITimeoutError():
            return _passing("TIMEOUT", "The model service did not answer in time. Try again.")
        case openai.APIConnectionError() | httpx2.HTTPError() if partial:
            return _passing(
                "UPSTREAM_TRUNCATED",
                "The connection to the model service broke in the middle of the answer. Try again.",
            )
        case openai.APIConnectionError() | httpx2.HTTPError():
            return _passing(
                "UPSTREAM_UNAVAILABLE",
                f"The model service could not be reached. Check its address ({address}) "
                "or try again.",
            )
        case openai.APIStatusError():
            return _of_status(error, key_setting)
        case openai.APIError():
            return _filtered_or_long(error) or _reported(error)
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
            return _passing(
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


def _of_status(error: openai.APIStatusError, key_setting: str) -> Trouble:
    if known := _filtered_or_long(error):
        return known
    model, address = _MODEL_AND_ADDRESS.get(key_setting, _USUAL)
    match error.status_code:
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
        case 429 if error.code in _QUOTA_CODES:
            return _final(
                "UPSTREAM_RATE_LIMITED",
                "The account at the model service has no quota left. Check its plan and billing.",
            )
        case 429:
            return _passing(
                "UPSTREAM_RATE_LIMITED",
                "The model service is taking no more questions right now. Try again in a minute.",
                wait_s=retry_after_s(error.response.headers),
            )
        case 408 | 409 | 425:
            return _passing("UPSTREAM_UNAVAILABLE", "The model service is busy. Try again.")
        case status if status >= 500:
            return _passing(
                "UPSTREAM_UNAVAILABLE",
                "The model service has a problem of its own. Try again in a moment.",
                wait_s=retry_after_s(error.response.headers),
            )
        case _:
            refused = RunFailure(
                "GENERATION_FAILED",
                "The model service did not accept the request. "
                f"Check {model} and the service's address ({address}).",
            )
            return Trouble(refused, "unstreamed")


def _reported(error: openai.APIError) -> Trouble:
    failure = RunFailure("GENERATION_FAILED", "The model service reported an error. Try again.")
    final = isinstance(error, ReportedError) and error.final
    return Trouble(failure, "no" if final else "retry")


def _filtered_or_long(error: openai.APIError) -> Trouble | None:
    if error.code in _FILTER_CODES:
        return filtered()
    too_long = isinstance(error, ContextOverflowError) or error.code in _TOO_LONG_CODES
    if too_long or getattr(error, "status_code", None) == 413:
        return _final(
            "GENERATION_FAILED",
            "The question and its passages are too long for this model. "
            "Ask something shorter, or start a new conversation.",
        )
    return None


def filtered() -> Trouble:
    """The service withheld the whole answer."""
    return _final(
        "CONTENT_FILTERED",
        "The model service's content filter withheld the answer. Ask in other words.",
    )


def truncated() -> Trouble:
    """The stream ended without saying that the answer is complete."""
    return _passing(
        "UPSTREAM_TRUNCATED", "The model service broke off before the answer was complete."
    )


def silent(seconds: float) -> Trouble:
    """Nothing came for the whole time allowed; waiting again would exceed it."""
    message = f"The model service was silent for {seconds:g} seconds. Try again."
    return Trouble(RunFailure("TIMEOUT", message), "no")


def empty(finish_reason: str) -> Trouble:
    """A complete answer without a word in it."""
    if finish_reason == "length":
        return _passing(
            "GENERATION_FAILED", "The model used up its length before it said anything. Try again."
        )
    return _passing("GENERATION_FAILED", "The model answered with nothing. Try again.")


def retry_after_s(headers: httpx2.Headers) -> float | None:
    """Seconds the service asks to wait; a date counts from the response's own `Date`."""
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

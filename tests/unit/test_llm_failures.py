"""The table from errors of model services to failures of runs."""

import httpx2
import openai
import pytest

from app.llm.failures import NotAnAnswer, retry_after_s, trouble_of

REQUEST = httpx2.Request("POST", "https://host.test/v1/chat/completions")
SECRET = "sk-very-secret"


def status_error(status: int, code: str | None = None, **headers: str) -> openai.APIStatusError:
    response = httpx2.Response(status, headers=headers, request=REQUEST)
    error = openai.AsyncOpenAI(api_key="k")._make_status_error(
        SECRET, body={"code": code, "message": SECRET}, response=response
    )
    assert isinstance(error, openai.APIStatusError)
    return error


@pytest.mark.parametrize(
    ("error", "code", "again", "says"),
    [
        (status_error(401), "GENERATION_FAILED", "no", "refused the key. Check OPENAI_API_KEY"),
        (status_error(403), "GENERATION_FAILED", "no", "OPENAI_API_KEY and LLM_MODEL"),
        (status_error(404), "GENERATION_FAILED", "no", "LLM_MODEL"),
        (status_error(400), "GENERATION_FAILED", "unstreamed", "did not accept"),
        (status_error(422), "GENERATION_FAILED", "unstreamed", "did not accept"),
        (status_error(400, "content_filter"), "CONTENT_FILTERED", "no", "filter"),
        (status_error(400, "context_length_exceeded"), "GENERATION_FAILED", "no", "too long"),
        (status_error(413), "GENERATION_FAILED", "no", "too long"),
        (status_error(408), "UPSTREAM_UNAVAILABLE", "retry", "busy"),
        (status_error(429), "UPSTREAM_RATE_LIMITED", "retry", "in a minute"),
        (status_error(429, "insufficient_quota"), "UPSTREAM_RATE_LIMITED", "no", "quota"),
        (status_error(500), "UPSTREAM_UNAVAILABLE", "retry", "problem of its own"),
        (status_error(503), "UPSTREAM_UNAVAILABLE", "retry", "problem of its own"),
        (openai.APITimeoutError(REQUEST), "TIMEOUT", "retry", "in time"),
        (
            openai.APIConnectionError(request=REQUEST),
            "UPSTREAM_UNAVAILABLE",
            "retry",
            "could not be reached",
        ),
        (openai.APIError(SECRET, REQUEST, body={}), "GENERATION_FAILED", "retry", "an error"),
        (openai.OpenAIError(SECRET), "GENERATION_FAILED", "no", "Check OPENAI_API_KEY"),
        (NotAnAnswer("broken"), "GENERATION_FAILED", "retry", "not an answer"),
        (NotAnAnswer("other"), "GENERATION_FAILED", "no", "OPENAI_BASE_URL"),
        (NotAnAnswer("page"), "GENERATION_FAILED", "no", "a web page"),
        (TypeError(SECRET), "INTERNAL", "no", "Something went wrong"),
    ],
)
def test_table(error: Exception, code: str, again: str, says: str) -> None:
    trouble = trouble_of(error, key_setting="OPENAI_API_KEY")
    assert (trouble.failure.code, trouble.again) == (code, again)
    assert says in trouble.failure.message
    assert SECRET not in trouble.failure.message
    assert trouble.failure.retryable is (again != "no")


def test_a_connection_lost_mid_answer_is_a_truncation() -> None:
    lost = openai.APIConnectionError(request=REQUEST)
    trouble = trouble_of(lost, key_setting="K", partial=True)
    assert trouble.failure.code == "UPSTREAM_TRUNCATED"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        (
            {
                "date": "Fri, 20 Nov 2026 10:00:00 GMT",
                "retry-after": "Fri, 20 Nov 2026 10:00:07 GMT",
            },
            7.0,
        ),
        ({"retry-after": "soon", "date": "now"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(httpx2.Headers(headers)) == seconds

"""Maps errors of model services to failures of runs."""

import httpx2
import openai
import pytest

from app.config import load_settings
from app.llm.failures import NotAnAnswer, ReportedError, classify, retry_after_s
from app.llm.quirks import window_of
from app.llm.registry import make_answer_model

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
        (status_error(400, "context_length_exceeded"), "GENERATION_FAILED", "shorter", "too long"),
        (status_error(413), "GENERATION_FAILED", "shorter", "too long"),
        (status_error(402), "UPSTREAM_RATE_LIMITED", "no", "no quota or credit"),
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
    trouble = classify(error, key_setting="OPENAI_API_KEY")
    assert (trouble.run_failure.code, trouble.recovery) == (code, again)
    assert says in trouble.run_failure.message
    assert SECRET not in trouble.run_failure.message
    assert trouble.run_failure.retryable is (again not in ("no", "shorter"))


def worded(status: int, message: str) -> openai.APIStatusError:
    response = httpx2.Response(status, request=REQUEST)
    body = {"message": message, "code": None}
    made = openai.AsyncOpenAI(api_key="k")._make_status_error(message, body=body, response=response)
    assert isinstance(made, openai.APIStatusError)
    return made


TOO_LONG = {
    "vLLM": "This model's maximum context length is 8192 tokens. However, you requested 9000 "
    "tokens (9000 in the messages, 0 in the completion). Please reduce the length of the messages.",
    "vLLM 1": "The decoder prompt (length 9000) is longer than the maximum model length of 8192.",
    "llama.cpp": "the request exceeds the available context size. try increasing the context size",
    "llama.cpp 2026": "request (9000 tokens) exceeds the available context size (8192 tokens), "
    "try increasing it",
    "Mistral": "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 "
    "maximum context length",
    "OpenRouter": "This endpoint's maximum context length is 8192 tokens. However, you requested "
    "about 9000 tokens (9000 of text input). Please reduce the length of either one",
    "LM Studio": "The number of tokens to keep from the initial prompt is greater than the context "
    "length. Try to load the model with a larger context length, or provide a shorter input",
    "LM Studio 0.3": "Trying to keep the first 9000 tokens when context the overflows. However, "
    "the model is loaded with context length of only 4096 tokens, which is not enough.",
    "Gemini": "The input token count (1200000) exceeds the maximum number of tokens allowed "
    "(1048576).",
    "Azure": "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in "
    "300000 tokens. Please reduce the length of the messages.",
    "Anthropic": "prompt is too long: 200001 tokens > 200000 maximum",
    "TGI": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096. Given: "
    "5000 `inputs` tokens and 100 `max_new_tokens`",
    "SGLang": "The input (9000 tokens) is longer than the model's context length (8192 tokens).",
    "Ollama": "the input length exceeds the context length",
    "Bedrock": "Input is too long for requested model.",
    "xAI": "This model's maximum prompt length is 131072 but the request contains 140000 tokens.",
    "Qwen": "Range of input length should be [1, 30720]",
    "Moonshot": "Invalid request: Your request exceeded model token limit: 8192",
}


@pytest.mark.parametrize("status", [400, 413, 422, 500])
@pytest.mark.parametrize("service", TOO_LONG)
def test_too_long_is_recognised_in_the_words_of_each_service(service: str, status: int) -> None:
    trouble = classify(worded(status, TOO_LONG[service]), key_setting="OPENAI_API_KEY")
    assert trouble.recovery == "shorter"
    assert "too long for this model" in trouble.run_failure.message


def test_so_is_an_error_in_the_stream() -> None:
    error = ReportedError(TOO_LONG["llama.cpp"], REQUEST, body={"code": 400}, final=False)
    assert classify(error, key_setting="K").recovery == "shorter"


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (worded(403, "Country, region, or territory not supported"), "country or region"),
        (worded(400, "User location is not supported for the API use."), "country or region"),
        (worded(403, "This model is not available in your region."), "country or region"),
        (worded(402, "Insufficient credits. Add more."), "no quota or credit"),
        (worded(400, "Your credit balance is too low to access the API."), "no quota or credit"),
        (worded(403, "Insufficient Balance"), "no quota or credit"),
        (
            ReportedError("no", REQUEST, body={"code": 402, "message": "no"}, final=False),
            "no quota or credit",
        ),
        (ReportedError("no", REQUEST, body={"code": "401"}, final=True), "refused the key"),
    ],
)
def test_money_and_regions_are_told_as_such(error: openai.APIError, says: str) -> None:
    trouble = classify(error, key_setting="OPENAI_API_KEY")
    assert says in trouble.run_failure.message
    assert trouble.recovery == "no"
    assert "LLM_MODEL" not in trouble.run_failure.message


@pytest.mark.parametrize(
    "message",
    ["Loading model", "Model x is currently loading", "The endpoint is scaling up", "warming up"],
)
def test_a_model_that_is_being_loaded_is_waited_for(message: str) -> None:
    trouble = classify(worded(503, message), key_setting="K")
    assert (trouble.run_failure.code, trouble.recovery) == ("UPSTREAM_UNAVAILABLE", "wait")


@pytest.mark.parametrize(
    ("message", "window", "asked"),
    [
        (TOO_LONG["vLLM"], 8192, 9000),
        (TOO_LONG["llama.cpp 2026"], 8192, 9000),
        (TOO_LONG["Mistral"], 32768, 40000),
        (TOO_LONG["Gemini"], 1048576, 1200000),
        (TOO_LONG["LM Studio 0.3"], 4096, None),
        (TOO_LONG["llama.cpp"], None, None),
        ("too many tokens: size limit exceeded by 120 tokens", None, None),
    ],
)
def test_some_say_how_much_they_take(message: str, window: int | None, asked: int | None) -> None:
    assert window_of(message.lower()) == (window, asked)


def test_a_connection_lost_mid_answer_is_a_truncation() -> None:
    lost = openai.APIConnectionError(request=REQUEST)
    trouble = classify(lost, key_setting="K", partial=True)
    assert trouble.run_failure.code == "UPSTREAM_TRUNCATED"


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


@pytest.mark.parametrize(
    "error",
    [
        status_error(401),
        status_error(403),
        ReportedError("no", REQUEST, body={"code": "401"}, final=True),
    ],
)
def test_a_service_that_wants_a_key_is_told_from_one_that_refuses_it(error: Exception) -> None:
    trouble = classify(error, key_setting="OPENAI_API_KEY", has_key=False)
    assert (
        trouble.run_failure.message == "The model service wants a key; OPENAI_API_KEY is not set."
    )
    assert (trouble.recovery, trouble.run_failure.retryable) == ("no", False)


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (status_error(404), "does not know this model"),
        (status_error(403, "content_filter"), "filter"),
        (status_error(401, "insufficient_quota"), "no quota or credit"),
        (NotAnAnswer("page"), "a web page"),
    ],
)
def test_without_a_key_other_errors_stay_what_they_are(error: Exception, says: str) -> None:
    assert says in classify(error, key_setting="OPENAI_API_KEY", has_key=False).run_failure.message


def test_the_model_knows_whether_its_key_is_set() -> None:
    local = {"openai_base_url": "http://localhost:11434/v1", "llm_model": "m"}
    assert not make_answer_model(load_settings(**local, openai_api_key=None).answer_model).has_key
    assert make_answer_model(load_settings(**local, openai_api_key="sk-abc\n").answer_model).has_key

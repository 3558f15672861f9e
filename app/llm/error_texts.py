"""Recognizes errors of model services by their wording. All patterns expect lower-case text."""

import re
from typing import Final

import openai
import orjson

_MAX_TEXT_LENGTH: Final = 4_000

_TOO_LONG: Final = re.compile(
    # OpenAI, vLLM, SGLang, OpenRouter, Fireworks, xAI, Groq, Together
    r"context_length_exceeded|string_above_max_length|exceed_context_size|contextwindowexceeded"
    r"|maximum (?:context|model|prompt|input|sequence) length|max_model_len"
    r"|reduce (?:the|your) (?:length|prompt|message|input)"
    # llama.cpp, LM Studio, Ollama
    r"|exceeds? (?:the )?(?:available |model'?s? |maximum )?context"
    r"|(?:greater|longer|more) than the (?:model'?s? )?(?:maximum )?(?:context|model)"
    r"|(?:reached|loaded with) context length|context the overflows|context (?:shift|overflow)"
    r"|input is too large to process|larger context length"
    # Mistral, Gemini, Azure, Anthropic, TGI, Cohere, Bedrock, Databricks, Qwen, Moonshot, Zhipu
    r"|too large for model|input token count|exceeds the maximum number of (?:input )?tokens"
    r"|input tokens exceed|too many (?:input )?tokens"
    r"|(?:prompt|input|request|context|message|query|question)s?(?: is| are|) too long"
    r"|exceed(?:s|ed)? (?:model )?(?:context|token|length|max length)(?: limit)?"
    r"|must have less than \d+ tokens|`?inputs`? tokens|input validation error: `?inputs"
    r"|range of input length|input token length|token limit: \d|context window"
)
_LOADING: Final = re.compile(
    r"\bloading\b|being loaded|not (?:yet )?(?:loaded|ready)|still (?:loading|starting)|warming up"
    r"|starting up|cold start|scal(?:ing|ed) (?:up|from|to) ?(?:zero)?"
    r"|is (?:starting|initiali[sz]ing)"
    r"|estimated_time|model_loading"
)
_REGION: Final = re.compile(
    r"unsupported_country|(?:country|region|territory|location)s?\b[^.]{0,60}"
    r"(?:not (?:supported|available|allowed)|unsupported|restrict|block|prohibit)"
    r"|not (?:supported|available|allowed|accessible) (?:in|from) (?:your|this)"
    r" (?:country|region|location)"
)
_MONEY: Final = re.compile(
    r"insufficient[ _](?:balance|credit|fund|quota)|credit balance|(?:out of|no|more) credits"
    r"|payment required|billing_hard_limit|exceeded_current_quota"
    r"|account is (?:suspended|in arrears)"
    r"|top up|past due"
)


def text_of(error: openai.APIError) -> str:
    """The error's text in lower case, truncated so that matching stays fast."""
    body = error.body
    try:
        body_text = body if isinstance(body, str) else orjson.dumps(body).decode()
    except (TypeError, ValueError):
        body_text = ""
    return f"{error.message[:_MAX_TEXT_LENGTH]} {body_text[:_MAX_TEXT_LENGTH]}".lower()


def is_too_long(text: str) -> bool:
    """Whether the prompt exceeds the model's context window."""
    return _TOO_LONG.search(text) is not None


def is_loading(text: str) -> bool:
    """Whether the model is still loading."""
    return _LOADING.search(text) is not None


def is_about_region(text: str) -> bool:
    """Whether the service refuses this country or region."""
    return _REGION.search(text) is not None


def is_about_money(text: str) -> bool:
    """Whether the account has no credit left."""
    return _MONEY.search(text) is not None

"""Maps the finish reasons of model services to those of this application."""

import re
from collections.abc import Mapping
from typing import Final, Literal

Reason = Literal["stop", "length", "content_filter", "error"]

_NONE: Final = frozenset(
    ("", "null", "none", "nil", "undefined", "unspecified", "finish_reason_unspecified",
     "in_progress", "not_finished")
)  # fmt: skip
_WORDS: Final[Mapping[str, Reason]] = {
    **dict.fromkeys(
        ("length", "model_length", "max_length", "max_tokens", "max_output_tokens",
         "max_new_tokens", "max_completion_tokens", "token_limit", "error_limit",
         "model_context_window_exceeded", "context_length_exceeded", "context_window_exceeded"),
        "length",
    ),
    **dict.fromkeys(
        ("content_filter", "content_filtered", "content_policy_violation", "safety",
         "image_safety", "recitation", "blocklist", "prohibited_content", "spii", "refusal",
         "guardrail_intervened", "guardrails", "sensitive", "error_toxic", "toxic", "moderation",
         "model_armor", "language", "blocked", "flagged"),
        "content_filter",
    ),
    **dict.fromkeys(
        ("error", "abort", "aborted", "cancelled", "canceled", "cancel", "user_cancel", "timeout",
         "timed_out", "insufficient_system_resource", "network_error", "server_error",
         "internal_error", "malformed_function_call", "unexpected_tool_call", "failed", "failure",
         "incomplete", "interrupted", "overloaded", "other", "load", "unload"),
        "error",
    ),
}  # fmt: skip
_SEPARATORS: Final = re.compile(r"[^a-z0-9]+")
_PARTS: Final[tuple[tuple[re.Pattern[str], Reason], ...]] = (
    (re.compile(r"filter|safety|prohibited|policy|moderat|guardrail"), "content_filter"),
    (
        re.compile(r"error|fail|abort|cancel|time_?out|insufficient|overload|interrupt|rate_limit"),
        "error",
    ),
    (re.compile(r"max_\w{0,40}tokens|token_limit|_length\b|length_|context_window"), "length"),
)
_FIELDS: Final = ("type", "reason", "finish_reason", "stop_reason", "value", "name", "code")
_NUMBERS: Final[Mapping[int, Reason]] = {1: "stop", 2: "length", 3: "content_filter"}
"""Gemini's enumeration; values above 3 are abnormal ends."""


def meaning(reason: object) -> Reason | None:
    """None: the answer continues. An unknown reason counts as a normal end."""
    if isinstance(reason, Mapping):
        named = next((reason[field] for field in _FIELDS if reason.get(field)), None)
        return "stop" if named is None and reason else _of(named)
    return _of(reason)


def _of(reason: object) -> Reason | None:
    if isinstance(reason, bool) or reason is None:
        return "stop" if reason else None
    if isinstance(reason, int):
        return _NUMBERS.get(reason, "error") if reason else None
    if not isinstance(reason, str):
        return "stop"
    head = reason.partition(":")[0]
    word = _SEPARATORS.sub("_", head[:100].lower()).strip("_")
    if word in _NONE:
        return None
    if word in _WORDS:
        return _WORDS[word]
    return next((known for part, known in _PARTS if part.search(word)), "stop")

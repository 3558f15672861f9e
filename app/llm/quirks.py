"""Deviations of a model service found at run time; one object per model and process."""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import openai

from app.llm.error_texts import is_about_money, is_about_region, is_too_long, text_of

Quirk = Literal["no_stream_options", "no_system_role"]

_REFUSED: Final = frozenset((400, 422))
_NO_SYSTEM: Final = re.compile(
    r"system.{0,30}(?:role|message|prompt|instruction)|role.{0,30}system"
    r"|roles? must alternate|developer instruction"
    r"|only user.{0,5}(?:and|,).{0,5}(?:assistant|model)"
)
_OPTIONS: Final = re.compile(r"stream_options|include_usage")
_WARM_S: Final = 240.0
"""Some servers unload a model after five idle minutes."""


@dataclass(slots=True)
class Quirks:
    """Learned from the service's responses, so that each deviation fails at most once."""

    opens_thoughts: bool = False  # its chat template opens `<think>`; the answer only closes it
    no_stream_options: bool = False
    no_system_role: bool = False
    max_tokens: int | None = None  # estimated limit for prompts, after one was refused
    answered_at: float | None = None  # `time.monotonic()`

    @property
    def is_cold(self) -> bool:
        """Whether the model may have to be loaded before it answers."""
        return self.answered_at is None or time.monotonic() - self.answered_at > _WARM_S

    def answered(self) -> None:
        self.answered_at = time.monotonic()

    def adapt(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """The request, adapted to what the service accepts."""
        adapted = dict(payload)
        if self.no_stream_options:
            adapted.pop("stream_options", None)
        if self.no_system_role:
            adapted["messages"] = without_system(adapted["messages"])
        return adapted

    def refuse(self, tokens: int, error: openai.APIError | None) -> None:
        """Records that a prompt of this size was too long; some services report the limit."""
        window, asked = window_of(text_of(error)) if error is not None else (None, None)
        limit = tokens * 7 // 10
        if window is not None and asked is not None and asked > window:
            limit = tokens * window * 85 // (asked * 100)
        elif window is not None:
            limit = min(limit, window * 8 // 10)
        self.max_tokens = min(limit, self.max_tokens or limit)

    def notes(self) -> list[str]:
        """The deviations in words, for the log and the doctor."""
        notes = {
            "stream_options are refused, so tokens are estimated": self.no_stream_options,
            "it takes no system role, so instructions are sent with the question": (
                self.no_system_role
            ),
            "it thinks in its answers; the thoughts are taken out": self.opens_thoughts,
        }
        return [note for note, holds in notes.items() if holds]


def quirk_of(error: openai.APIStatusError, sent: Mapping[str, Any]) -> tuple[Quirk | None, bool]:
    """The option that was refused, and whether that is only a guess."""
    text = text_of(error)
    if is_too_long(text) or is_about_region(text) or is_about_money(text):
        return None, False
    has_system = any(one.get("role") == "system" for one in sent["messages"])
    if error.status_code in _REFUSED and "stream_options" in sent and _OPTIONS.search(text):
        return "no_stream_options", False
    if error.status_code in (*_REFUSED, 500) and has_system and _NO_SYSTEM.search(text):
        return "no_system_role", False
    names_nothing = error.param is None and error.code is None
    if error.status_code in _REFUSED and "stream_options" in sent and names_nothing:
        return "no_stream_options", True
    return None, False


def without_system(messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Moves the instructions to the start of the first user message."""
    system_texts = [str(one["content"]) for one in messages if one.get("role") == "system"]
    rest = [dict(one) for one in messages if one.get("role") != "system"]
    if system_texts and rest:
        rest[0]["content"] = "\n\n".join((*system_texts, str(rest[0]["content"])))
    return rest


_MIN_WINDOW: Final = 512
"""Minimum tokens of a context window; smaller numbers have another meaning."""
_WINDOWS: Final = (
    re.compile(r"(?:length|size|window|limit)[^\d]{0,40}(\d[\d,]{2,12})"),
    re.compile(r"(\d[\d,]{2,12}) (?:tokens? )?(?:maximum|context|limit)"),
    re.compile(r"(?:maximum|allowed|only|n_ctx)[^\d]{0,40}(\d[\d,]{2,12})"),
    re.compile(r"(?:<=|less than|at most|> ) ?(\d[\d,]{2,12})"),
)
_ASKED: Final = (
    re.compile(
        r"(?:requested|resulted in|contains?|passed|length|count|given|n_prompt_tokens)"
        r"[^\d]{0,20}(\d[\d,]{2,12})"
    ),
    re.compile(r"(?:input|request|prompt) \((\d[\d,]{2,12})"),
    re.compile(r"too long: (\d[\d,]{2,12})"),
)


def window_of(text: str) -> tuple[int | None, int | None]:
    """The context window and the request's tokens, where the error text contains them."""
    windows = [_figure(found) for pattern in _WINDOWS for found in pattern.findall(text)]
    asked = [_figure(found) for pattern in _ASKED for found in pattern.findall(text)]
    window = min((one for one in windows if one >= _MIN_WINDOW), default=None)
    return window, max((one for one in asked if window and one > window), default=None)


def _figure(digits: str) -> int:
    return int(digits.replace(",", ""))

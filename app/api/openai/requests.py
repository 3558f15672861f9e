"""The request body of `POST /v1/chat/completions`.

The last user message is the question; the messages before it are its history. Fields that would
change the answer's form and are not supported are refused by name (images, `n` above 1, a forced
tool, JSON output). Fields that only tune a model (temperature, lengths, stop words, seeds, optional
tools) and unknown fields are ignored, as documented in `docs/clients.md`. System messages are
ignored too, so that none can override the use of sources.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from app.api.schemas import MAX_MESSAGE_LENGTH, FilterBody, question_text
from app.domain.encoding import clean_text
from app.domain.errors import InvalidInput
from app.domain.models import Turn
from app.text.markers import find_markers

SOURCES_HEADING: Final = "\n\n**Sources**\n"
_SOURCE_LINE: Final = re.compile(r"- \[\d+\] ")
_FREE_CHOICES: Final = (None, "auto", "none")
_MAX_MESSAGES: Final = 5_000


class Lenient(BaseModel):
    """Base of models that ignore unknown fields, because clients send their own."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class CompletionMessage(Lenient):
    """One message of the client's conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: JsonValue = None


class StreamOptions(Lenient):
    """`include_usage`: one more chunk with the token counts."""

    include_usage: bool | None = None


class CompletionBody(Lenient):
    """Body of `POST /v1/chat/completions`; `filters` and `append_sources` are extensions."""

    model: str = Field(max_length=200)
    messages: tuple[CompletionMessage, ...] = Field(min_length=1, max_length=_MAX_MESSAGES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: int | None = None
    tool_choice: JsonValue = None
    function_call: JsonValue = None
    response_format: JsonValue = None
    modalities: tuple[str, ...] | None = None
    filters: FilterBody | None = None
    append_sources: bool = True

    def check(self) -> None:
        """Raise `InvalidInput` for unsupported options that must not be ignored."""
        if self.n not in (None, 1):
            raise InvalidInput("n", f"n: got {self.n}, takes 1: there is one answer")
        for field in ("tool_choice", "function_call"):
            if getattr(self, field) not in _FREE_CHOICES:
                raise InvalidInput(field, f'{field}: takes "auto" or "none": no tools are called')
        form = self.response_format
        if form is not None and not (isinstance(form, dict) and form.get("type") == "text"):
            raise InvalidInput(
                "response_format",
                'response_format: takes {"type": "text"}: answers are cited prose',
            )
        if self.modalities is not None and set(self.modalities) - {"text"}:
            raise InvalidInput("modalities", 'modalities: takes ["text"]')

    def question(self) -> str:
        """The last user message. Raises `InvalidInput`."""
        place = self._place()
        field = f"messages.{place}.content"
        text = _text(self.messages[place].content, field=field, strict=True)
        try:
            question_text(text)
        except ValueError as error:
            raise InvalidInput(field, f"{field}: {error}") from error
        if len(text) > MAX_MESSAGE_LENGTH:
            raise InvalidInput(field, f"{field}: must have at most {MAX_MESSAGE_LENGTH} characters")
        return text

    def turns(self) -> tuple[Turn, ...]:
        """The turns before the question, oldest first. One without an answer is interrupted."""
        return _turns(self.messages[: self._place()])

    def _place(self) -> int:
        places = [i for i, message in enumerate(self.messages) if message.role == "user"]
        if not places:
            raise InvalidInput("messages", 'messages: needs one with role "user": the question')
        return places[-1]


def _turns(messages: Sequence[CompletionMessage]) -> tuple[Turn, ...]:
    turns: list[Turn] = []
    asked: list[str] = []
    for message in messages:
        text = clean_text(_text(message.content, field="messages", strict=False)).strip()
        if message.role == "user" and text:
            asked.append(text)
        elif message.role == "assistant" and text and asked:
            turns.append(_turn(asked, _without_sources(text)))
            asked = []
    if asked:
        turns.append(_turn(asked, ""))
    return tuple(turns)


def _without_sources(text: str) -> str:
    """The answer without the source list that `append_sources` added."""
    answer, heading, listed = text.rpartition(SOURCES_HEADING)
    lines = listed.removesuffix("\n").split("\n")
    return answer if heading and all(map(_SOURCE_LINE.match, lines)) else text


def _turn(asked: Sequence[str], answer: str) -> Turn:
    answered = not answer or bool(find_markers(answer))
    question = "\n".join(asked)[:MAX_MESSAGE_LENGTH]
    return Turn(question, answer, interrupted=not answer, answered=answered)


def _text(content: JsonValue, *, field: str, strict: bool) -> str:
    """The text of a message. Other content is rejected if `strict`, else skipped."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    if strict and not isinstance(content, list):
        raise InvalidInput(field, f"{field}: must be a string or a list of text parts")
    texts: list[str] = []
    for part in parts:
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        if isinstance(text, str):
            texts.append(text)
        elif strict:
            kind = part.get("type") if isinstance(part, dict) else type(part).__name__
            raise InvalidInput(
                field, f'{field}: got a part of type {str(kind)[:40]!r}, takes "text" alone'
            )
    return "\n".join(texts)

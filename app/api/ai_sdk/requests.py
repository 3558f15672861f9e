"""The request body of Vercel's `useChat`."""

from typing import Annotated, Final, Literal

from pydantic import Field, JsonValue, model_validator

from app.api.openai.requests import Lenient
from app.api.schemas import (
    MAX_MESSAGE_LENGTH,
    FilterBody,
    OptionalModel,
    SessionId,
    question_text,
)
from app.domain.errors import InvalidInput
from app.domain.models import OnDisconnect

_MAX_MESSAGES: Final = 5_000


class UIMessage(Lenient):
    """One message of the client. Only its text parts are read."""

    id: Annotated[str, Field(max_length=200)] = ""
    role: Literal["system", "user", "assistant"]
    parts: tuple[dict[str, JsonValue], ...] = ()


class AIChatBody(Lenient):
    """Body of `POST /api/ai/chat`: that of `DefaultChatTransport`, plus three fields of this API.

    Only the last user message of `messages` is read, because the server stores the conversation
    under the chat's id. A transport that sends only that message may call it `message`.
    """

    id: SessionId
    messages: tuple[UIMessage, ...] = Field(default=(), max_length=_MAX_MESSAGES)
    message: UIMessage | None = None
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    messageId: Annotated[str, Field(max_length=200)] | None = None
    filters: FilterBody | None = None
    on_disconnect: OnDisconnect = "cancel"
    model: OptionalModel = None

    @model_validator(mode="after")
    def _asked(self) -> "AIChatBody":
        if not any(message.role == "user" for message in self._all()):
            raise ValueError('messages: needs one with role "user": the question')
        return self

    def _all(self) -> tuple[UIMessage, ...]:
        return self.messages if self.message is None else (*self.messages, self.message)

    def question(self) -> str:
        """The text of the last user message. Raises `InvalidInput`."""
        asked = next(message for message in reversed(self._all()) if message.role == "user")
        kinds = {str(part.get("type")) for part in asked.parts}
        if foreign := {kind for kind in kinds if kind == "file"}:
            raise InvalidInput("messages", f"messages: got a part of type {foreign.pop()!r}")
        texts = [part.get("text") for part in asked.parts if part.get("type") == "text"]
        text = "\n".join(text for text in texts if isinstance(text, str))
        try:
            question_text(text)
        except ValueError as error:
            raise InvalidInput("messages", f"messages: the question {error}") from error
        if len(text) > MAX_MESSAGE_LENGTH:
            raise InvalidInput(
                "messages", f"messages: the question has more than {MAX_MESSAGE_LENGTH} characters"
            )
        return text

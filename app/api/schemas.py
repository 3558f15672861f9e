"""Request bodies. Unknown fields are rejected, and every error names its field."""

import re
from datetime import date
from operator import not_
from typing import Annotated, Literal

from fastapi import Query
from pydantic import (
    UUID4,
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.domain.model_endpoints import MAX_NAME
from app.domain.models import Access, Filters, OnDisconnect, OptionalDay, SourceKind, absent

SESSION_ID = r"^[A-Za-z0-9._:-]{1,128}$"
PATTERNS = {
    SESSION_ID: "must have 1 to 128 characters: letters (A to Z, a to z), digits and any of . _ : -"
}
"""Describes each field's pattern in error messages."""
MAX_MESSAGE_LENGTH = 8_000

SessionId = Annotated[str, StringConstraints(pattern=SESSION_ID)]
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def storable(value: str) -> str:
    """Reject text that PostgreSQL cannot store."""
    if _UNSTORABLE.search(value):
        raise ValueError("must not contain NUL or lone surrogate characters")
    return value


def question_text(value: str) -> str:
    """Validate a question: not blank, and storable."""
    if not value.strip():
        raise ValueError("must not be blank")
    return storable(value)


ModelName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_NAME),
    AfterValidator(storable),
]
# Absent when unset, so that a repeated request has the same hash as on an older server.
OptionalModel = Annotated[ModelName | None, Field(exclude_if=absent)]
Limit = Annotated[int, Query(ge=1, le=200)]
Cursor = Annotated[str | None, Query(max_length=4_000)]
Wanted = Annotated[str, Query(max_length=200), AfterValidator(storable)]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]


class Body(BaseModel):
    """Base of request bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class FilterBody(Body):
    """What to search. `recording_id` is an alternative to a single source id.

    `after` and `before` bound the day (UTC) on which a source was added: `after` is inclusive,
    `before` exclusive.
    """

    source_ids: tuple[Tag, ...] = Field(default=(), max_length=500)
    kinds: tuple[SourceKind, ...] = Field(default=(), max_length=2)
    tags: tuple[Tag, ...] = Field(default=(), max_length=100)
    recording_id: Tag | None = None
    after: OptionalDay = None
    before: OptionalDay = None

    @field_validator("before")
    @classmethod
    def _is_nonempty_interval(cls, before: date | None, info: ValidationInfo) -> date | None:
        after = info.data.get("after")
        if before is not None and after is not None and before <= after:
            raise ValueError(f"must be later than after ({after})")
        return before

    def filters(self) -> Filters:
        """Convert to the domain model."""
        ids = (*self.source_ids, *((self.recording_id,) if self.recording_id else ()))
        return Filters(
            source_ids=tuple(dict.fromkeys(ids)),
            kinds=self.kinds,
            tags=self.tags,
            after=self.after,
            before=self.before,
        )


class RunOptions(Body):
    """Options of every request that starts a run.

    `model`: a name from `GET /api/models`; the default model if omitted.
    """

    on_disconnect: OnDisconnect = "cancel"
    run_id: UUID4 | None = None
    model: OptionalModel = None


class RegenerateBody(RunOptions):
    """Body of `POST …/regenerate`. `keep_passages`: reuse the passages of the earlier answer."""

    keep_passages: Annotated[bool, Field(exclude_if=not_)] = False


class ChatBody(RunOptions):
    """Body of `POST /chat`."""

    message: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_LENGTH)]
    session_id: SessionId | None = None
    filters: FilterBody | None = None

    _storable = field_validator("message")(question_text)


class ChatStreamBody(Body):
    """Body of `POST /api/chat/stream`."""

    query: Annotated[str, Field(min_length=1, max_length=MAX_MESSAGE_LENGTH)]
    session_id: SessionId | None = None
    recording_id: Tag | None = None
    model: OptionalModel = None

    _storable = field_validator("query")(question_text)


class ConversationPatch(Body):
    """Body of `PATCH /conversations/{session_id}`: at least one field."""

    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    filters: FilterBody | None = None
    model: ModelName | None = None

    @model_validator(mode="after")
    def _has_a_field(self) -> "ConversationPatch":
        if self.title is None and self.filters is None and self.model is None:
            raise ValueError("give title, filters or model")
        return self

    @field_validator("title")
    @classmethod
    def _title(cls, value: str | None) -> str | None:
        return value if value is None else question_text(value).strip()


class FeedbackBody(Body):
    """Body of `PUT …/messages/{message_id}/feedback`. Replaces earlier feedback."""

    rating: Literal["up", "down"]
    comment: Annotated[str, Field(max_length=2_000), AfterValidator(storable)] = ""


class SourcePatch(Body):
    """Body of `PATCH /sources/{source_id}`: at least one field. `tags` replaces all tags."""

    title: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    tags: tuple[Tag, ...] | None = Field(default=None, max_length=100)
    access: Access | None = None
    groups: tuple[Tag, ...] = Field(default=(), max_length=100)

    @model_validator(mode="after")
    def _has_a_field(self) -> "SourcePatch":
        if self.title is None and self.tags is None and self.access is None:
            raise ValueError("give title, tags or access")
        if bool(self.groups) != (self.access == "groups"):
            raise ValueError('groups goes with access "groups", and at least one')
        return self

    @field_validator("title")
    @classmethod
    def _title(cls, value: str | None) -> str | None:
        return value if value is None else question_text(value).strip()

    @field_validator("tags")
    @classmethod
    def _tags(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return value if value is None else tuple(dict.fromkeys(map(question_text, value)))

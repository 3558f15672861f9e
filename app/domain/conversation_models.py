"""Conversations and their messages."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from app.domain.encoding import Timestamp
from app.domain.errors import FailureCode
from app.domain.models import Citation, Feedback, Filters, FinishReason, Timings, Usage

MessageStatus = Literal["streaming", "complete", "stopped", "error"]
Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as listed; `filters` apply to its next question."""

    session_id: str
    title: str
    filters: Filters
    created_at: Timestamp
    updated_at: Timestamp
    active_run_id: str | None
    model: str | None  # chosen for its questions; null: the default


@dataclass(frozen=True, slots=True)
class Match:
    """The message that matched a search. `text` is an excerpt around the match."""

    message_id: str
    role: Role
    text: str


@dataclass(frozen=True, slots=True)
class FoundConversation:
    """A conversation that matched a search; `match` is None when its title matched."""

    conversation: Conversation
    match: Match | None


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A stage event stored with the answer. `content` may come from a newer version."""

    type: str
    content: JsonValue


@dataclass(frozen=True, slots=True)
class Message:
    """A question or an answer. A question is `complete`, with its own id as `question_id`.

    An answer with status `streaming` has no content yet: follow its run.
    """

    message_id: str
    role: Role
    content: str
    status: MessageStatus
    finish_reason: FinishReason | None
    citations: tuple[Citation, ...]
    evidence: tuple[StageRecord, ...]
    usage: Usage | None
    timings: Timings | None
    error_code: FailureCode | None
    error_message: str | None
    run_id: str | None
    question_id: str
    model: str | None
    filters: Filters
    created_at: datetime
    ended_at: datetime | None
    feedback: Feedback | None

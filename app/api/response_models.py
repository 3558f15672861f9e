"""The JSON bodies of responses, as routes return them and `/openapi.json` documents them.

`tests/stream/test_openapi_conformance.py` compares every response with the document.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from app.domain.conversation_models import (
    Conversation,
    Match,
    Message,
    MessageStatus,
    Role,
    StageRecord,
)
from app.domain.encoding import Timestamp
from app.domain.errors import FailureCode
from app.domain.models import (
    Access,
    Citation,
    Feedback,
    FidelityNote,
    Filters,
    FinishReason,
    LibraryCounts,
    OfferedModel,
    Reading,
    Similar,
    Source,
    SourceKind,
    Timings,
    Usage,
    absent,
)
from app.domain.principals import AuthMode, Principal


class Shape(BaseModel):
    """Base of response bodies. Only declared fields are sent."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True
    )


def json_response(
    body: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON response with another model than the route's."""
    return Response(body.model_dump_json(), status, headers, media_type="application/json")


class RefusalDetail(Shape):
    """`code` is stable, `message` is for people, `details` names a field or a run."""

    code: str
    message: str
    details: Annotated[dict[str, JsonValue] | None, Field(exclude_if=absent)] = None


class Refusal(Shape):
    """The body of every refused or failed request, unless a stream has begun."""

    error: RefusalDetail


class Answer(Shape):
    """The whole answer as one object."""

    run_id: str
    session_id: str
    message_id: str
    answer: str
    citations: tuple[Citation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings


class FailureDetail(Shape):
    """The code and message of the `error` event."""

    code: FailureCode
    message: str


class FailedAnswer(Shape):
    """An answer that failed, with the text written before the failure."""

    error: FailureDetail
    partial: str
    citations: Annotated[tuple[Citation, ...] | None, Field(exclude_if=absent)] = None
    run_id: str
    session_id: str
    message_id: str


class Pending(Shape):
    """The stop was requested; the process that owns the run has not confirmed it yet."""

    pending: Literal[True]


class Model(Shape):
    """The answer model; `sends_to` is the host that passages are sent to.

    `reachable` is null without such a host and before the first check.
    """

    provider: str
    name: str
    label: str
    sends_to: str | None
    reachable: bool | None
    reason: str | None  # why it is unreachable


class ModelChoices(Shape):
    """The models to choose from, the default first.

    `total` counts all matches. `searching`: more models may be found shortly. `search_sends_to`:
    hosts that receive questions for searching, whatever the model.
    """

    items: tuple[OfferedModel, ...]
    total: int
    searching: bool
    search_sends_to: tuple[str, ...]


class Health(Shape):
    """The process is up."""

    status: Literal["healthy"]
    version: str


class Readiness(Shape):
    """Whether this process can answer questions, and what is missing."""

    status: Literal["ready", "unready"]
    database: Literal["ok", "unreachable"]
    migrations: Literal["ok"]
    draining: bool
    failing: tuple[str, ...]  # background loops that keep failing
    library: Literal["ready", "loading"]
    reading: Reading | None
    active_runs: int
    model: Model


class SignedIn(Shape):
    """The signed-in user, and how they signed in."""

    auth: AuthMode
    person: str
    groups: tuple[str, ...]


class Jobs(Shape):
    """`reading`: files of all running jobs; null when there are none."""

    reading: Reading | None


@dataclass(frozen=True, slots=True)
class ListedConversation(Conversation):
    """A listed conversation; `match` is null without a search or if the title matched."""

    match: Match | None

    @classmethod
    def of(cls, conversation: Conversation, match: Match | None = None) -> Self:
        """Add the message that matched the search."""
        return cls(
            session_id=conversation.session_id,
            title=conversation.title,
            filters=conversation.filters,
            created_at=conversation.created_at,
            updated_at=conversation.updated_at,
            active_run_id=conversation.active_run_id,
            model=conversation.model,
            match=match,
        )


class MessageShape(Shape):
    """A question or an answer. An answer with status `streaming` has no content: follow its run."""

    message_id: str
    role: Role
    content: str
    status: MessageStatus
    finish_reason: FinishReason | None
    citations: tuple[Citation, ...]
    evidence: tuple[StageRecord, ...]
    usage: Usage | None
    timings: Timings | None
    run_id: str | None
    question_id: str
    model: str | None
    filters: Filters
    created_at: Timestamp
    ended_at: Timestamp | None
    feedback: Feedback | None
    error: FailureDetail | None

    @classmethod
    def of(cls, message: Message) -> Self:
        """Combine the error's code and message in one object."""
        code, words = message.error_code, message.error_message or ""
        return cls(
            message_id=message.message_id,
            role=message.role,
            content=message.content,
            status=message.status,
            finish_reason=message.finish_reason,
            citations=message.citations,
            evidence=message.evidence,
            usage=message.usage,
            timings=message.timings,
            run_id=message.run_id,
            question_id=message.question_id,
            model=message.model,
            filters=message.filters,
            created_at=message.created_at,
            ended_at=message.ended_at,
            feedback=message.feedback,
            error=FailureDetail(code=code, message=words) if code else None,
        )


class SourceShape(Shape):
    """A document or recording in the library, without its owner and hash.

    `access`: who can read it. `groups` is filled for the owner only. `notes`: content missing
    from the text; clients must ignore unknown kinds.
    """

    source_id: str
    shared: bool
    title: str
    kind: SourceKind
    name: str
    media_type: str
    passage_count: int
    created_at: Timestamp
    pages: int | None
    duration_s: float | None
    tags: tuple[str, ...]
    audio: bool
    speakers: tuple[str, ...]
    notes: tuple[FidelityNote, ...]
    mine: bool
    access: Access
    groups: tuple[str, ...]

    @classmethod
    def of(cls, source: Source, principal: Principal, **more: object) -> Self:
        """The source as visible to `principal`."""
        mine = source.owner_id == principal.owner_id
        seen = {
            name: getattr(source, name)
            for name in SourceShape.model_fields
            if hasattr(source, name)
        }
        access: Access = "all" if source.shared else "groups" if source.shared_with else "private"
        groups = source.shared_with if mine else ()
        return cls.model_validate(seen | {"mine": mine, "access": access, "groups": groups} | more)


class SourcePage(Shape):
    """One page of the library; `counts` is on the first page only."""

    items: tuple[SourceShape, ...]
    next: str | None
    counts: LibraryCounts | None


class OneSourceShape(SourceShape):
    """A source with the caller's near-duplicates of it: versions, exports, copies."""

    similar: tuple[Similar, ...]


class UploadedFileShape(Shape):
    """An accepted file; the job's events refer to it by this id."""

    file_id: str
    name: str


class UploadShape(Shape):
    """The accepted files; `GET /jobs/{job_id}/events` reports their progress."""

    job_id: str
    files: tuple[UploadedFileShape, ...]

"""What `/openapi.json` says of answers and refusals. Routes build their responses themselves.

A test holds these shapes against what the routes really send (`tests/contract/test_openapi.py`).
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from app.domain.errors import FailureCode
from app.domain.models import (
    Access,
    Citation,
    Feedback,
    Filters,
    FinishReason,
    LibraryCounts,
    MessageStatus,
    Reading,
    Role,
    Similar,
    SourceKind,
    Timings,
    Usage,
)
from app.runs.ports import Receipt

Responses = dict[int | str, dict[str, Any]]


class Shape(BaseModel):
    """Base of response bodies: nothing but these fields is sent."""

    model_config = ConfigDict(extra="forbid")


class RefusalDetail(Shape):
    """`code` is stable, `message` is for people, `details` names a field or a run."""

    code: str
    message: str
    details: dict[str, JsonValue] | None = None


class Refusal(Shape):
    """Every refusal that comes before a stream, and every failed request."""

    error: RefusalDetail


class RunIds(Shape):
    """Which answer this is."""

    run_id: str
    session_id: str
    message_id: str


class Answer(RunIds):
    """The whole answer as one object."""

    answer: str
    citations: tuple[Citation, ...]
    finish_reason: FinishReason
    usage: Usage
    timings: Timings


class FailureDetail(Shape):
    """The code and words of the `error` event."""

    code: FailureCode
    message: str


class FailedAnswer(RunIds):
    """An answer that failed, with what was written before."""

    error: FailureDetail
    partial: str
    citations: tuple[Citation, ...] = ()


class Pending(Shape):
    """The owner of the run has not confirmed the stop yet; it was asked to."""

    pending: Literal[True]


class Model(Shape):
    """Who answers; `sends_to` is the host that passages are sent to.

    `reachable` is null without such a host, and until it has been asked for the first time.
    """

    provider: str
    name: str
    label: str
    sends_to: str | None
    reachable: bool | None
    reason: str | None  # why it is not reachable


class Health(Shape):
    """The process is up."""

    status: Literal["healthy"]
    version: str


class Readiness(Shape):
    """What keeps this process from answering, if anything."""

    status: Literal["ready", "unready"]
    database: Literal["ok", "unreachable"]
    migrations: Literal["ok"]
    draining: bool
    failing: list[str]  # background loops that keep failing
    library: Literal["ready", "loading"]
    reading: Reading | None
    active_runs: int
    model: Model


class JobsShape(Shape):
    """`reading`: files of all jobs under way; null when there is none."""

    reading: Reading | None


class MatchShape(Shape):
    """The message that a search found; `text` is the stretch around the words."""

    message_id: str
    role: Role
    text: str


class ListedConversation(Shape):
    """A conversation of the list; `match` is null without a search, or when the title was found."""

    session_id: str
    title: str
    filters: Filters
    created_at: datetime
    updated_at: datetime
    active_run_id: str | None
    match: MatchShape | None


class MessageShape(Shape):
    """A question or an answer. An answer that is `streaming` has no content: follow its run."""

    message_id: str
    role: Role
    content: str
    status: MessageStatus
    finish_reason: FinishReason | None
    citations: tuple[Citation, ...]
    evidence: tuple[dict[str, JsonValue], ...]
    usage: Usage | None
    timings: Timings | None
    error: FailureDetail | None
    run_id: str | None
    question_id: str
    model: str | None
    filters: Filters
    created_at: datetime
    ended_at: datetime | None
    feedback: Feedback | None


class SourceShape(Shape):
    """A document or recording of the library.

    `access` says who reads it; `groups` names them to its owner alone.
    """

    source_id: str
    shared: bool
    title: str
    kind: SourceKind
    name: str
    media_type: str
    passage_count: int
    created_at: datetime
    pages: int | None
    duration_s: float | None
    tags: tuple[str, ...]
    audio: bool
    speakers: tuple[str, ...]
    mine: bool
    access: Access
    groups: tuple[str, ...]


class SourcePageShape(Shape):
    """A part of the library; `counts` comes with the first page."""

    items: tuple[SourceShape, ...]
    next: str | None
    counts: LibraryCounts | None


class OneSourceShape(SourceShape):
    """A source with the caller's own others that say nearly the same: versions, exports, copies."""

    similar: tuple[Similar, ...]


class SuggestionShape(Shape):
    """A question that this source answers, and the passage that suggested it."""

    question: str
    passage_id: str


class UploadedFileShape(Shape):
    """A file that the job will tell of under this id."""

    file_id: str
    name: str


class UploadShape(Shape):
    """Files were taken over; `GET /jobs/{job_id}/events` tells what becomes of them."""

    job_id: str
    files: tuple[UploadedFileShape, ...]


STREAM = (
    "Frames of `specs/streaming-protocol.md`: an `id:` line, one `data:` line of compact JSON "
    "(`specs/contracts/events.schema.json`), an empty line; `: ping` after each silence."
)
NAMED_STREAM = (
    "Frames with `id:`, `event:` (`stage`, `token`, `citations`, then `done` or `error`) and "
    "`data:`, described in `specs/contracts/sse-stream.yaml`."
)
RUN_HEADERS = {
    "X-Run-Id": {"description": "The run that is followed.", "schema": {"type": "string"}},
    "X-Session-Id": {"description": "Its conversation.", "schema": {"type": "string"}},
}


def refusals(**described: str) -> Responses:
    """Responses `{"error": …}`; keys are `HTTP_404` and the like, values say when."""
    return {
        int(status.removeprefix("HTTP_")): {"model": Refusal, "description": when}
        for status, when in described.items()
    }


def body(model: object, description: str) -> Responses:
    """The 200 of a route that answers with one JSON object."""
    return {200: {"model": model, "description": description}}


def stream(description: str) -> dict[str, Any]:
    """A 200 that is an event stream."""
    return {
        "description": description,
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }


UNAVAILABLE = (
    "`draining`, `busy`, `database_unavailable` or `sign_in_unavailable`; see `Retry-After`."
)
REFUSED = refusals(
    HTTP_401="Nobody is signed in (`AUTH`), or the credentials are worth nothing any more.",
    HTTP_403="The request comes from a page of another website.",
    HTTP_404="Unknown, or not yours: the two look the same.",
    HTTP_422="A field is not accepted; `details.field` names it.",
    HTTP_503="`database_unavailable` or `sign_in_unavailable`; see `Retry-After`.",
)
ASKING_REFUSED = REFUSED | refusals(
    HTTP_409="`run_in_progress`: the conversation has a running answer, `details.run_id` names it. "
    "`run_id_taken`: choose another.",
    HTTP_413="The body is too large.",
    HTTP_415="The body is not `application/json`.",
    HTTP_422="A field is not accepted, or the `Idempotency-Key` came with another body.",
    HTTP_429="The limit on concurrent answers is reached; see `Retry-After`.",
    HTTP_503=UNAVAILABLE,
)
ASKED: Responses = ASKING_REFUSED | {
    200: {
        **stream(STREAM + " With `Accept: application/json` alone: one object at the end."),
        "model": Answer,
        "headers": RUN_HEADERS,
    },
    502: {"model": FailedAnswer, "description": "JSON only: the answer failed."},
    504: {"model": FailedAnswer, "description": "JSON only: it took too long (`TIMEOUT`)."},
}
ASKED_NAMED: Responses = ASKING_REFUSED | {200: {**stream(NAMED_STREAM), "headers": RUN_HEADERS}}
FOLLOWED: Responses = REFUSED | {
    200: {**stream(STREAM), "headers": {"X-Run-Id": RUN_HEADERS["X-Run-Id"]}},
    204: {"description": "The position is the terminal event: nothing follows."},
}
FIGURES: Responses = {
    200: {
        "description": "Figures of this process (of all workers of a server with several).",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
PROBED: Responses = refusals(
    HTTP_422="A number is out of its range.", HTTP_503="Too many probes at once."
) | {200: stream('Frames `{"seq", "sent_ms"}` at an even pace, to measure the way with.')}
STOPPED: Responses = (
    REFUSED
    | body(Receipt, "The owner confirmed.")
    | {202: {"model": Pending, "description": "The owner is silent; it was asked to stop."}}
)
UPLOADED: Responses = REFUSED | refusals(
    HTTP_400="The upload was broken off.",
    HTTP_413="A file is larger than `MAX_UPLOAD_MB`, or they are too many.",
    HTTP_415="The body is not `multipart/form-data`.",
    HTTP_503=UNAVAILABLE,
    HTTP_507="`storage_full`: the disk is full or cannot be written to; nothing was kept.",
)
UPLOADED[202] = {"model": UploadShape, "description": "Taken over."}
UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {
                            "type": "array",
                            "description": "One or several; audio beside its transcript.",
                            "items": {"type": "string", "format": "binary"},
                        },
                        "tags": {
                            "type": "array",
                            "description": "Several fields, or one with commas.",
                            "items": {"type": "string"},
                        },
                    },
                }
            }
        },
    }
}
JOB_STREAM = (
    "Frames like those of a run (`specs/contracts/job-events.schema.json`): `read`, `cut`, "
    "`embed`, `store` and `file` of each file, then `done` or `error`."
)
JOB_FOLLOWED: Responses = REFUSED | {
    200: stream(JOB_STREAM),
    204: {"description": "The position is the terminal event: nothing follows."},
}

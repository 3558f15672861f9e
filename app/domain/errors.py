"""The one error tree. No HTTP in here: `api/errors.py` and `runs/` translate.

A `RequestError` is raised before a run's stream begins; a `RunFailure` ends one. `message` is
written for a person and never holds exception text, prompts or secrets.
"""

from traceback import clear_frames
from typing import Literal

from pydantic import JsonValue

from app.domain.encoding import counted

FailureCode = Literal[
    "RETRIEVAL_FAILED",
    "GENERATION_FAILED",
    "UPSTREAM_TRUNCATED",
    "UPSTREAM_RATE_LIMITED",
    "UPSTREAM_UNAVAILABLE",
    "TIMEOUT",
    "INTERRUPTED",
    "CONTENT_FILTERED",
    "INTERNAL",
]


class CitestreamError(Exception):
    """Root of everything this project raises on purpose."""


class RunFailure(CitestreamError):
    """A run cannot go on: becomes the terminal `error` event."""

    def __init__(self, code: FailureCode, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.code: FailureCode = code
        self.message = message
        self.retryable = retryable


class StoreUnavailable(CitestreamError):
    """The database did not take or give the data; trying again later may work."""


class SignInUnavailable(CitestreamError):
    """Whether somebody may come in cannot be found out now; trying again later may work."""


class SettingError(CitestreamError):
    """A setting is wrong. The text is one line naming the variable, what it got, what it takes."""


class RequestError(CitestreamError):
    """A request is refused before any stream: `code` is stable, `details` is JSON."""

    code = "bad_request"

    def __init__(self, message: str, *, details: dict[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(RequestError):
    """Unknown, or not yours: the two look the same."""

    code = "not_found"


class UnknownModel(RequestError):
    """A client of another API asked for a model that is not offered here."""

    code = "model_not_found"

    def __init__(self, name: str, offered: str) -> None:
        super().__init__(f"model: got {name[:100]}, takes {offered}", details={"field": "model"})


class InvalidInput(RequestError):
    """A field has a value that is not accepted; `details` names it."""

    code = "invalid_input"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message, details={"field": field})


class RunInProgress(RequestError):
    """The conversation already has a running answer."""

    code = "run_in_progress"

    def __init__(self, run_id: str) -> None:
        super().__init__(
            "This conversation is still answering the previous question. "
            "Wait for it, follow it, or stop it first.",
            details={"run_id": run_id},
        )


class RunIdTaken(RequestError):
    """A client chose a `run_id` that already exists."""

    code = "run_id_taken"


class IdempotencyMismatch(RequestError):
    """The same `Idempotency-Key` came with another body."""

    code = "idempotency_mismatch"


class TooManyRuns(RequestError):
    """The owner's limit on concurrent runs is reached; `retry_after` is in seconds."""

    code = "too_many_runs"

    def __init__(self, limit: int, *, retry_after: int = 5) -> None:
        super().__init__(
            f"You already have {counted(limit, 'answer')} running, which is the limit. "
            "Wait for one to finish or stop one."
        )
        self.retry_after = retry_after


class ServerBusy(RequestError):
    """This process has as many runs as it takes."""

    code = "busy"


class StorageFull(RequestError):
    """What is sent cannot be kept: the disk is full, or cannot be written to."""

    code = "storage_full"


class Draining(RequestError):
    """The process is shutting down and starts nothing new."""

    code = "draining"


def release_frames(error: BaseException) -> None:
    """Clear the frames of a handled exception, and of those it was raised from.

    Their locals hold the run, the answer so far and each other: in cycles, which stay in memory
    until a full garbage collection. Log the traceback before.
    """
    pending: list[BaseException | None] = [error]
    while pending:
        handled = pending.pop()
        if handled is None or handled.__traceback__ is None:
            continue
        clear_frames(handled.__traceback__)
        handled.__traceback__ = None
        pending += (handled.__cause__, handled.__context__)

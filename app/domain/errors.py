"""The error hierarchy, independent of HTTP. `api/errors.py` and `runs/` translate it.

A `RequestError` is raised before a run's stream begins; a `RunFailure` ends a run. `message` is
written for people and never contains exception text, prompts or secrets.
"""

from collections.abc import Sequence
from traceback import clear_frames
from typing import Literal

from pydantic import JsonValue

from app.domain.encoding import counted

MAX_NAMED = 20
"""Models named in an error message."""

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
    """Base of all errors that this project raises deliberately."""


class RunFailure(CitestreamError):
    """Ends a run: becomes its terminal `error` event."""

    def __init__(self, code: FailureCode, message: str, *, retryable: bool = True) -> None:
        super().__init__(message)
        self.code: FailureCode = code
        self.message = message
        self.retryable = retryable


class PromptTooLong(RunFailure):
    """The model rejected a prompt for its length, before its first token.

    `max_tokens`: the estimated number of tokens that it accepts.
    """

    def __init__(self, refused: RunFailure, max_tokens: int) -> None:
        super().__init__(refused.code, refused.message, retryable=refused.retryable)
        self.max_tokens = max_tokens


class StoreUnavailable(CitestreamError):
    """The database did not store or return the data. Retrying later may work."""


class SignInUnavailable(CitestreamError):
    """Credentials cannot be verified now. Retrying later may work."""


class SettingError(CitestreamError):
    """A setting is invalid. The message is one line: variable, actual value, accepted values."""


class RequestError(CitestreamError):
    """Rejects a request before any stream. `code` is stable, `details` is JSON."""

    code = "bad_request"

    def __init__(self, message: str, *, details: dict[str, JsonValue] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(RequestError):
    """Unknown or not accessible. The caller cannot distinguish the two."""

    code = "not_found"


class UnknownModel(RequestError):
    """The requested model does not exist (OpenAI-compatible API)."""

    code = "model_not_found"

    def __init__(self, name: str, offered: str) -> None:
        super().__init__(f"model: got {name[:100]}, takes {offered}", details={"field": "model"})


class ModelNotOffered(RequestError):
    """The requested model is unknown or not offered to this user, who cannot tell which."""

    code = "model_not_offered"

    def __init__(self, name: str, offered: Sequence[str]) -> None:
        shown = ", ".join(offered[:MAX_NAMED])
        more = len(offered) - MAX_NAMED
        rest = f" and {more} more (GET /api/models lists them)" if more > 0 else ""
        super().__init__(
            f"model: got {name[:200]}, which is not offered to you; takes {shown}{rest}",
            details={"field": "model", "accepted": list(offered[:MAX_NAMED])},
        )


class InvalidInput(RequestError):
    """A field has an invalid value; `details` names the field."""

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
    """The same `Idempotency-Key` was used with a different body."""

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
    """This process has reached its limit of concurrent runs."""

    code = "busy"


class StorageFull(RequestError):
    """Data cannot be stored: the disk is full or not writable."""

    code = "storage_full"


class Draining(RequestError):
    """The process is shutting down and accepts no new work."""

    code = "draining"


def release_frames(error: BaseException) -> None:
    """Clear the frames of a handled exception and of its causes.

    Their locals refer to the run, the answer so far and each other in cycles, which stay in memory
    until a full garbage collection. Log the traceback first.
    """
    pending: list[BaseException | None] = [error]
    while pending:
        handled = pending.pop()
        if handled is None or handled.__traceback__ is None:
            continue
        clear_frames(handled.__traceback__)
        handled.__traceback__ = None
        pending += (handled.__cause__, handled.__context__)

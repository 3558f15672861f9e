"""The events of an ingest job, in the format of run events: `type`, `content`, `timestamp`.

Each stage of a file has its own event type; `file` holds the file's result. Exactly one `done` or
`error` ends the job. `error` means that no file was ingested.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from app.domain.library_ports import Change
from app.domain.models import FidelityNote, Wire, absent

JobStageName = Literal["read", "cut", "embed", "store"]
JobFailureCode = Literal["INGEST_FAILED", "INTERRUPTED"]


class SimilarSource(Wire):
    """A near-duplicate source. `similarity` is the share of content in common."""

    source_id: str
    title: str
    similarity: float


class FileStage(Wire):
    """Content of `read` (bytes), `cut`, `embed` and `store` (passages): `done` of `total`."""

    stage: JobStageName
    status: Literal["progress", "complete"]
    file_id: str
    name: str
    done: int
    total: int


class Staged(Wire):
    """Progress of a file."""

    type: JobStageName
    content: FileStage
    timestamp: str


class FileEnded(Wire):
    """Content of `file`. The id of a file inside another begins with that file's id and "/".

    An archive has no `source_id`: its result sums up its members. `unchanged`: the library already
    has this content, as `same_as`.
    """

    stage: Literal["file"] = "file"
    status: Change | Literal["failed"]
    file_id: str
    name: str
    source_id: str | None
    title: str | None
    passages: int
    same_as: str | None  # the name of another source with the same content
    similar: tuple[SimilarSource, ...]
    message: str | None  # why it failed, or which parts of it did, for the user
    # Content that is missing from the text.
    notes: Annotated[tuple[FidelityNote, ...] | None, Field(exclude_if=absent)] = None


class FileEnd(Wire):
    """The result of a file."""

    type: Literal["file"] = "file"
    content: FileEnded
    timestamp: str


class JobFinished(Wire):
    """Content of `done`: the number of files per result."""

    added: int
    replaced: int
    unchanged: int
    failed: int
    passages: int


class JobDone(Wire):
    """Terminal: every file was processed, and at least one is in the library."""

    type: Literal["done"] = "done"
    content: JobFinished
    timestamp: str


class JobFailed(Wire):
    """Content of `error`."""

    code: JobFailureCode
    message: str
    retryable: bool


class JobError(Wire):
    """Terminal: no file was ingested, or the server stopped during the job."""

    type: Literal["error"] = "error"
    content: JobFailed
    timestamp: str


JobStage = Staged | FileEnd
JobTerminal = JobDone | JobError
JobEvent = JobStage | JobTerminal
JOB_EVENT: TypeAdapter[JobEvent] = TypeAdapter(Annotated[JobEvent, Field(discriminator="type")])

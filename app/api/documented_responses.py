"""Documentation of responses in `/openapi.json` beyond their models: refusals, streams."""

from typing import Any

from app.api.response_models import Answer, FailedAnswer, Pending, Refusal

Responses = dict[int | str, dict[str, Any]]

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
    """Responses `{"error": …}`: keys are `HTTP_404` and so on, values describe the cause."""
    return {
        int(status.removeprefix("HTTP_")): {"model": Refusal, "description": when}
        for status, when in described.items()
    }


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
    HTTP_401="Nobody is signed in (`AUTH`), or the credentials are no longer valid.",
    HTTP_403="The request comes from another website.",
    HTTP_404="Unknown or not accessible; the two are indistinguishable.",
    HTTP_422="A field is invalid; `details.field` names it.",
    HTTP_503="`database_unavailable` or `sign_in_unavailable`; see `Retry-After`.",
)
ASKING_REFUSED = REFUSED | refusals(
    HTTP_409="`run_in_progress`: the conversation has a running answer, named in `details.run_id`. "
    "`run_id_taken`: choose another id.",
    HTTP_413="The body is too large.",
    HTTP_415="The body is not `application/json`.",
    HTTP_422="A field is invalid, or the `Idempotency-Key` was used with another body.",
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
    204: {"description": "The position is the terminal event; no events follow."},
}
FIGURES: Responses = {
    200: {
        "description": "Metrics of this process, or of all workers if there are several.",
        "content": {"text/plain": {"schema": {"type": "string"}}},
    }
}
PROBED: Responses = refusals(
    HTTP_422="A number is out of range.", HTTP_503="Too many concurrent probes."
) | {200: stream('Frames `{"seq", "sent_ms"}` at an even pace, to measure the network path.')}
CONFIRMED = "The process that owns the run confirmed the stop."
STOPPED: Responses = REFUSED | {
    202: {"model": Pending, "description": "The stop was requested but is not confirmed yet."}
}
UPLOADED: Responses = REFUSED | refusals(
    HTTP_400="The upload was aborted.",
    HTTP_413="A file is larger than `MAX_UPLOAD_MB`, or there are too many.",
    HTTP_415="The body is not `multipart/form-data`.",
    HTTP_503=UNAVAILABLE,
    HTTP_507="`storage_full`: the disk is full or not writable; nothing was stored.",
)
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
                            "description": "One or more files; audio together with its transcript.",
                            "items": {"type": "string", "format": "binary"},
                        },
                        "tags": {
                            "type": "array",
                            "description": "Repeated fields, or one comma-separated field.",
                            "items": {"type": "string"},
                        },
                    },
                }
            }
        },
    }
}
JOB_STREAM = (
    "Frames as for a run (`specs/contracts/job-events.schema.json`): `read`, `cut`, "
    "`embed`, `store` and `file` for each file, then `done` or `error`."
)
JOB_FOLLOWED: Responses = REFUSED | {
    200: stream(JOB_STREAM),
    204: {"description": "The position is the terminal event; no events follow."},
}

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
CONFIRMED = "The owner confirmed."
STOPPED: Responses = REFUSED | {
    202: {"model": Pending, "description": "The owner is silent; it was asked to stop."}
}
UPLOADED: Responses = REFUSED | refusals(
    HTTP_400="The upload was broken off.",
    HTTP_413="A file is larger than `MAX_UPLOAD_MB`, or they are too many.",
    HTTP_415="The body is not `multipart/form-data`.",
    HTTP_503=UNAVAILABLE,
    HTTP_507="`storage_full`: the disk is full or cannot be written to; nothing was kept.",
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

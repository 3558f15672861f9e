"""Routes that start a run: `POST /chat`, the named-event format, regenerate and continue."""

import hashlib
import uuid
from contextlib import suppress
from dataclasses import replace
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Path
from pydantic import BaseModel
from starlette.responses import Response

from app.api.dependencies import Services, WithPrincipal, WithServices
from app.api.documented_responses import ASKED, ASKED_NAMED
from app.api.json_answer import collect, status_of
from app.api.schemas import (
    SESSION_ID,
    ChatBody,
    ChatStreamBody,
    FilterBody,
    RegenerateBody,
    RunOptions,
)
from app.api.streaming import (
    AnswerResponse,
    EventStreamResponse,
    FrameEncoder,
    named_event_frames,
    sse_frames,
)
from app.domain.conversation_models import Message
from app.domain.errors import InvalidInput, ModelNotOffered
from app.domain.models import Filters
from app.domain.principals import Principal
from app.domain.stored import numbered_passages
from app.runs.asking import Ask, RunHandle

router = APIRouter(tags=["chat"], default_response_class=Response)

MAX_KEY_LENGTH = 200

Key = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=MAX_KEY_LENGTH)
]
Accept = Annotated[str | None, Header()]
SessionPath = Annotated[str, Path(pattern=SESSION_ID)]


@router.post("/chat", responses=ASKED)
async def chat(
    body: ChatBody,
    services: WithServices,
    principal: WithPrincipal,
    idempotency_key: Key = None,
    accept: Accept = None,
) -> Response:
    """Ask a question and receive its answer as an event stream or as one JSON object."""
    filters = await checked_filters(services, principal, body.filters)
    handle = await services.runs.ask(
        Ask(
            principal=principal,
            session_id=body.session_id or str(uuid.uuid4()),
            route="chat",
            text=body.message,
            filters=filters,
            on_disconnect=body.on_disconnect,
            request_hash=request_hash(body),
            model=await services.models.choose(principal, body.model),
            remember_model=body.model is not None,
            run_id=str(body.run_id) if body.run_id else None,
            idempotency_key=idempotency_key,
        )
    )
    return respond(services, handle, accept)


@router.post("/api/chat/stream", responses=ASKED_NAMED)
async def chat_stream(
    body: ChatStreamBody,
    services: WithServices,
    principal: WithPrincipal,
    idempotency_key: Key = None,
) -> Response:
    """The same run as named events: `stage`, `token`, `citations`, `done`, `error`."""
    chosen = FilterBody(recording_id=body.recording_id)
    filters = await checked_filters(services, principal, chosen)
    handle = await services.runs.ask(
        Ask(
            principal=principal,
            session_id=body.session_id or str(uuid.uuid4()),
            route="api_chat_stream",
            text=body.query,
            filters=filters,
            on_disconnect="cancel",
            request_hash=request_hash(body),
            model=await services.models.choose(principal, body.model),
            remember_model=body.model is not None,
            idempotency_key=idempotency_key,
        )
    )
    return _stream(services, handle, named_event_frames)


@router.post("/conversations/{session_id}/messages/{message_id}/regenerate", responses=ASKED)
async def regenerate(
    session_id: SessionPath,
    message_id: uuid.UUID,
    body: RegenerateBody,
    services: WithServices,
    principal: WithPrincipal,
    idempotency_key: Key = None,
    accept: Accept = None,
) -> Response:
    """Write another answer to the same question, beside the first.

    With `keep_passages` it is written from the same numbered passages, to compare models.
    """
    answer, question = await _answer_and_question(services, principal, session_id, message_id)
    if body.keep_passages:
        await _still_readable(services, principal, answer)
    model = await services.models.choose(principal, body.model)
    ask = follow_up_request(
        principal, session_id, body, answer, question, model=model, key=idempotency_key
    )
    if body.keep_passages:
        ask = replace(ask, reuses=answer.message_id)
    return respond(services, await services.runs.ask(ask), accept)


@router.post("/conversations/{session_id}/messages/{message_id}/continue", responses=ASKED)
async def continue_answer(
    session_id: SessionPath,
    message_id: uuid.UUID,
    body: RunOptions,
    services: WithServices,
    principal: WithPrincipal,
    idempotency_key: Key = None,
    accept: Accept = None,
) -> Response:
    """Continue a stopped or failed answer with the same numbered passages.

    The run begins with the text so far, so its tokens are the whole continued answer.
    """
    answer, question = await _answer_and_question(services, principal, session_id, message_id)
    if answer.status not in {"stopped", "error"}:
        raise InvalidInput("message_id", "Only a stopped or failed answer can be continued.")
    await _still_readable(services, principal, answer)
    model = await _continuing_model(services, principal, body.model, answer)
    ask = follow_up_request(
        *(principal, session_id, body, answer, question),
        model=model,
        key=idempotency_key,
        continues=True,
    )
    return respond(services, await services.runs.ask(ask), accept)


def follow_up_request(
    principal: Principal,
    session_id: str,
    body: RunOptions,
    answer: Message,
    question: Message,
    *,
    model: str,
    key: str | None,
    continues: bool = False,
) -> Ask:
    """Build the request that asks `question` again or, with `continues`, continues `answer`."""
    return Ask(
        principal=principal,
        session_id=session_id,
        route="continue" if continues else "regenerate",
        text=None,
        filters=answer.filters,
        on_disconnect=body.on_disconnect,
        request_hash=request_hash(body, answer.message_id),
        model=model,
        run_id=str(body.run_id) if body.run_id else None,
        idempotency_key=key,
        question_id=question.message_id,
        question_text=question.content,
        continues=answer.message_id if continues else None,
    )


async def _answer_and_question(
    services: Services, principal: Principal, session_id: str, message_id: uuid.UUID
) -> tuple[Message, Message]:
    """The answer and its question. Raises `NotFound`."""
    answer = await services.conversations.message(principal, session_id, str(message_id))
    return answer, await services.conversations.message(principal, session_id, answer.question_id)


async def _continuing_model(
    services: Services, principal: Principal, name: str | None, answer: Message
) -> str:
    """The named model, else the one that began the answer if it is still offered."""
    if name is None and answer.model is not None:
        with suppress(ModelNotOffered):
            return await services.models.choose(principal, answer.model)
    return await services.models.choose(principal, name)


async def _still_readable(services: Services, principal: Principal, answer: Message) -> None:
    """Raise `InvalidInput` when the stored passages, which are reused, are no longer readable."""
    used = dict.fromkeys(passage.source_id for passage in numbered_passages(answer.evidence))
    if used and await services.library.unknown_sources(principal, tuple(used)):
        raise InvalidInput(
            "message_id", "A source of this answer was deleted or is no longer shared. Ask again."
        )


def request_hash(body: BaseModel, *also: str) -> str:
    """The hash that detects different requests with the same `Idempotency-Key`."""
    fields = body.model_dump(mode="json", exclude={"run_id"})
    canonical = orjson.dumps([fields, *also], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


async def checked_filters(
    services: Services, principal: Principal, body: FilterBody | None
) -> Filters:
    """Convert the filters. Raises `InvalidInput` when a source is unknown or not readable."""
    if body is None:
        return Filters()
    filters = body.filters()
    if filters.source_ids:
        unknown = await services.library.unknown_sources(principal, filters.source_ids)
        if unknown:
            names = ", ".join(unknown[:3])
            raise InvalidInput(
                "filters.source_ids", f"filters.source_ids: there is no source {names}"
            )
    return filters


def respond(services: Services, handle: RunHandle, accept: str | None) -> Response:
    """Return JSON iff `Accept` lists it without `*/*` or `text/event-stream`, else a stream."""
    if not wants_json(accept):
        return _stream(services, handle, sse_frames)

    async def answer() -> tuple[int, BaseModel]:
        collected = await collect(handle)
        return status_of(collected), collected

    return AnswerResponse(answer, headers=run_headers(handle), released=handle.close)


def wants_json(accept: str | None) -> bool:
    """Implements the rule of the wire contract; see `respond`."""
    types = {part.split(";")[0].strip().lower() for part in (accept or "").split(",")}
    return "application/json" in types and not types & {"*/*", "text/event-stream"}


def run_headers(handle: RunHandle) -> dict[str, str]:
    """The ids of run and conversation, for clients that do not parse frames."""
    return {"X-Run-Id": handle.record.run_id, "X-Session-Id": handle.record.session_id}


def _stream(services: Services, handle: RunHandle, encode: FrameEncoder) -> Response:
    return EventStreamResponse(
        services.sample_gaps(encode(handle.cursor, heartbeat_s=services.heartbeat_s)),
        headers=run_headers(handle),
        released=handle.close,
    )

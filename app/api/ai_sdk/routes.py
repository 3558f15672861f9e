"""Vercel's AI SDK: `useChat` with `DefaultChatTransport({api: "/api/ai/chat"})`.

The chat's id is the conversation's. `stop()` closes the connection, which stops the answer unless
the body has `on_disconnect: "continue"`; a page that reconnects then resumes it with
`GET …/stream`, and `POST …/stop` stops it.
"""

from typing import Annotated

from fastapi import APIRouter, Header, Path
from starlette.responses import Response

from app.api.ai_sdk.encoder import HEADERS, ui_frames
from app.api.ai_sdk.requests import AIChatBody
from app.api.dependencies import Services, WithPrincipal, WithServices
from app.api.documented_responses import (
    ASKING_REFUSED,
    CONFIRMED,
    REFUSED,
    RUN_HEADERS,
    STOPPED,
    Responses,
    stream,
)
from app.api.routes.chat import checked_filters, request_hash, run_headers
from app.api.routes.runs import stop_pending
from app.api.schemas import SESSION_ID
from app.api.streaming import EventStreamResponse
from app.domain.errors import NotFound
from app.domain.principals import Principal
from app.runs.asking import Ask
from app.runs.ports import Receipt

router = APIRouter(prefix="/api/ai/chat", tags=["ai sdk"])

STREAM = stream("The UI message stream of the AI SDK, protocol v1.")
ASKED: Responses = ASKING_REFUSED | {200: {**STREAM, "headers": RUN_HEADERS}}
RESUMED: Responses = REFUSED | {200: STREAM, 204: {"description": "No answer is being written."}}

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]
ChatPath = Annotated[str, Path(pattern=SESSION_ID)]


@router.post("", response_class=Response, responses=ASKED)
async def ai_chat(
    body: AIChatBody, services: WithServices, principal: WithPrincipal, idempotency_key: Key = None
) -> Response:
    """Answer the last user message, or regenerate its answer, in the chat's conversation."""
    again = await follow_up_request(services, principal, body)
    ask = again or Ask(
        principal=principal,
        session_id=body.id,
        route="ai_sdk",
        text=body.question(),
        filters=await checked_filters(services, principal, body.filters),
        on_disconnect=body.on_disconnect,
        request_hash=request_hash(body),
        model=await services.models.choose(principal, body.model),
        remember_model=body.model is not None,
        idempotency_key=idempotency_key,
    )
    handle = await services.runs.ask(ask)
    return EventStreamResponse(
        services.sample_gaps(ui_frames(handle.cursor, heartbeat_s=services.heartbeat_s)),
        headers=HEADERS | run_headers(handle),
        released=handle.close,
    )


async def follow_up_request(
    services: Services, principal: Principal, body: AIChatBody
) -> Ask | None:
    """Build the request that regenerates the named answer; None when it does not exist here."""
    if body.trigger != "regenerate-message" or body.messageId is None:
        return None
    store = services.conversations
    try:
        answer = await store.message(principal, body.id, body.messageId)
        question = await store.message(principal, body.id, answer.question_id)
    except NotFound:
        return None
    return Ask(
        principal=principal,
        session_id=body.id,
        route="ai_sdk",
        text=None,
        filters=answer.filters,
        on_disconnect=body.on_disconnect,
        request_hash=request_hash(body),
        model=await services.models.choose(principal, body.model),
        question_id=question.message_id,
        question_text=question.content,
    )


@router.get("/{chat_id}/stream", response_class=Response, responses=RESUMED)
async def resume(chat_id: ChatPath, services: WithServices, principal: WithPrincipal) -> Response:
    """The answer in progress, from its start: the SDK replaces what it has."""
    run_id = await _running(services, principal, chat_id)
    cursor = run_id and await services.runs.attach(principal, run_id, after=0)
    if not cursor:
        return Response(status_code=204)
    frames = services.sample_gaps(ui_frames(cursor, heartbeat_s=services.heartbeat_s))
    return EventStreamResponse(frames, headers=HEADERS | {"X-Run-Id": str(run_id)})


@router.post(
    "/{chat_id}/stop",
    response_model=Receipt,
    responses=STOPPED,
    response_description=CONFIRMED,
)
async def stop(
    chat_id: ChatPath, services: WithServices, principal: WithPrincipal
) -> Receipt | Response:
    """Stop the answer in progress and return its receipt. 404 when there is none."""
    run_id = await _running(services, principal, chat_id)
    if run_id is None:
        raise NotFound("No answer is being written in this chat.")
    return await services.runs.stop(principal, run_id) or stop_pending()


async def _running(services: Services, principal: Principal, chat_id: str) -> str | None:
    try:
        conversation = await services.conversations.get(principal, chat_id)
    except NotFound:
        return None
    return conversation.active_run_id

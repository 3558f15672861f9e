"""The history: conversations and their messages."""

import asyncio
import uuid
from dataclasses import asdict
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from starlette.responses import JSONResponse, Response

from app.api.dependencies import WithPrincipal, WithServices
from app.api.markdown_export import Language, disposition, markdown
from app.api.response_models import REFUSED, ListedConversation, MessageShape, Responses, body
from app.api.routes.chat import checked_filters
from app.api.schemas import SESSION_ID, ConversationPatch, Cursor, FeedbackBody, Limit, Wanted
from app.domain.encoding import compact_json, timestamp
from app.domain.models import Conversation, Feedback, Message, Page

router = APIRouter(
    prefix="/conversations",
    tags=["conversations"],
    default_response_class=Response,
    responses=REFUSED,
)

SessionPath = Annotated[str, Path(pattern=SESSION_ID)]
Order = Annotated[Literal["oldest", "newest"], Query()]

ONE = body(Conversation, "The conversation.")
AT_ONCE = 200  # messages
EXPORTED: Responses = {
    200: {
        "description": "The conversation as Markdown.",
        "content": {"text/markdown": {"schema": {"type": "string"}}},
    }
}


@router.get("", responses=body(Page[ListedConversation], "A page of the list."))
async def list_conversations(
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 50,
    cursor: Cursor = None,
    q: Wanted = "",
) -> Response:
    """Newest first; `next` is the cursor of the following page.

    `q`: only those with a question, answer or title in which each of its words begins a word;
    `match` shows where.
    """
    store = services.conversations
    if q.strip():
        found = await store.search(principal, q, limit=limit, cursor=cursor)
        items = [
            conversation_json(one.conversation)
            | {"match": asdict(one.match) if one.match else None}
            for one in found.items
        ]
        return JSONResponse({"items": items, "next": found.next})
    page = await store.recent(principal, limit=limit, cursor=cursor)
    items = [conversation_json(item) | {"match": None} for item in page.items]
    return JSONResponse({"items": items, "next": page.next})


@router.get("/{session_id}", responses=ONE)
async def get_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Response:
    """One conversation, with `active_run_id` while an answer is being written."""
    conversation = await services.conversations.get(principal, session_id)
    return JSONResponse(conversation_json(conversation))


@router.patch("/{session_id}", responses=ONE)
async def patch_conversation(
    session_id: SessionPath,
    body: ConversationPatch,
    services: WithServices,
    principal: WithPrincipal,
) -> Response:
    """Rename it, or choose what it searches."""
    store = services.conversations
    conversation = await store.get(principal, session_id)
    if body.filters is not None:
        filters = await checked_filters(services, principal, body.filters)
        conversation = await store.set_filters(principal, session_id, filters)
    if body.title is not None:
        conversation = await store.rename(principal, session_id, body.title)
    return JSONResponse(conversation_json(conversation))


@router.delete("/{session_id}", status_code=204)
async def delete_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Response:
    """Stop its running answer and hide it; `POST …/restore` undoes that for 30 s."""
    conversation = await services.conversations.get(principal, session_id)
    if conversation.active_run_id is not None:
        await services.runs.stop(principal, conversation.active_run_id)
    await services.conversations.delete(principal, session_id, at=services.now())
    return Response(status_code=204)


@router.post("/{session_id}/restore", responses=ONE)
async def restore_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Response:
    """Undo a deletion that is less than 30 s old."""
    conversation = await services.conversations.restore(principal, session_id, at=services.now())
    return JSONResponse(conversation_json(conversation))


@router.get(
    "/{session_id}/messages", responses=body(Page[MessageShape], "A page of the conversation.")
)
async def list_messages(
    session_id: SessionPath,
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 100,
    cursor: Cursor = None,
    order: Order = "oldest",
) -> Response:
    """Questions and answers, oldest first; `order=newest`: newest first, so that a long
    conversation is read from its end.
    """
    page = await services.conversations.messages(
        principal, session_id, limit=limit, cursor=cursor, newest_first=order == "newest"
    )
    body = {"items": [message_json(item) for item in page.items], "next": page.next}
    return Response(compact_json(body), media_type="application/json")


@router.put("/{session_id}/messages/{message_id}/feedback", status_code=204)
async def put_feedback(
    session_id: SessionPath,
    message_id: uuid.UUID,
    body: FeedbackBody,
    services: WithServices,
    principal: WithPrincipal,
) -> Response:
    """Say what you think of an answer, in place of what you said before."""
    feedback = Feedback(rating=body.rating, comment=body.comment)
    await services.conversations.rate(principal, session_id, str(message_id), feedback)
    return Response(status_code=204)


@router.delete("/{session_id}/messages/{message_id}/feedback", status_code=204)
async def delete_feedback(
    session_id: SessionPath,
    message_id: uuid.UUID,
    services: WithServices,
    principal: WithPrincipal,
) -> Response:
    """Take back what you said of an answer."""
    await services.conversations.rate(principal, session_id, str(message_id), None)
    return Response(status_code=204)


@router.get("/{session_id}/export", responses=EXPORTED)
async def export_conversation(
    session_id: SessionPath,
    services: WithServices,
    principal: WithPrincipal,
    language: Annotated[Language, Query()] = "en",
) -> Response:
    """The whole conversation as a Markdown file with its sources, to be saved."""
    store = services.conversations
    conversation = await store.get(principal, session_id)
    messages: list[Message] = []
    cursor: str | None = None
    while True:
        page = await store.messages(principal, session_id, limit=AT_ONCE, cursor=cursor)
        messages += page.items
        cursor = page.next
        if cursor is None:
            break
    # A conversation may be long: the server has others to serve meanwhile.
    text = await asyncio.to_thread(markdown, conversation, messages, language=language)
    headers = {
        "Content-Disposition": disposition(conversation.title),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, media_type="text/markdown", headers=headers)


def conversation_json(conversation: Conversation) -> dict[str, object]:
    """As the wire has it."""
    return {
        "session_id": conversation.session_id,
        "title": conversation.title,
        "filters": conversation.filters.model_dump(mode="json"),
        "created_at": timestamp(conversation.created_at),
        "updated_at": timestamp(conversation.updated_at),
        "active_run_id": conversation.active_run_id,
    }


def message_json(message: Message) -> dict[str, object]:
    """As the wire has it: the error as one object, times in RFC 3339."""
    body: dict[str, object] = {
        name: value
        for name, value in asdict(message).items()
        if name not in {"error_code", "error_message"}
    }
    body["citations"] = [citation.model_dump(mode="json") for citation in message.citations]
    body["usage"] = message.usage.model_dump(mode="json") if message.usage else None
    body["timings"] = message.timings.model_dump(mode="json") if message.timings else None
    body["filters"] = message.filters.model_dump(mode="json")
    body["feedback"] = message.feedback.model_dump(mode="json") if message.feedback else None
    body["created_at"] = timestamp(message.created_at)
    body["ended_at"] = timestamp(message.ended_at) if message.ended_at else None
    body["error"] = (
        {"code": message.error_code, "message": message.error_message}
        if message.error_code
        else None
    )
    return body

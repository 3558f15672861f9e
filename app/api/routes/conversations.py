"""The history: conversations and their messages."""

import asyncio
import uuid
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Response

from app.api.dependencies import WithPrincipal, WithServices
from app.api.documented_responses import REFUSED, Responses
from app.api.markdown_export import Language, disposition, markdown
from app.api.response_models import ListedConversation, MessageShape
from app.api.routes.chat import checked_filters
from app.api.schemas import SESSION_ID, ConversationPatch, Cursor, FeedbackBody, Limit, Wanted
from app.domain.conversation_models import Conversation, Message
from app.domain.encoding import compact_json
from app.domain.models import Feedback, Page, Suggestion

router = APIRouter(prefix="/conversations", tags=["conversations"], responses=REFUSED)

SessionPath = Annotated[str, Path(pattern=SESSION_ID)]
Order = Annotated[Literal["oldest", "newest"], Query()]

ONE = "The conversation."
MESSAGES_PER_PAGE = 200  # messages
EXPORTED: Responses = {
    200: {
        "description": "The conversation as Markdown.",
        "content": {"text/markdown": {"schema": {"type": "string"}}},
    }
}


@router.get("", response_description="A page of the list.")
async def list_conversations(
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 50,
    cursor: Cursor = None,
    q: Wanted = "",
) -> Page[ListedConversation]:
    """List conversations, newest first; `next` is the cursor of the following page.

    `q`: only conversations with a question, answer or title in which each word of `q` begins a
    word; `match` shows where.
    """
    store = services.conversations
    if q.strip():
        found = await store.search(principal, q, limit=limit, cursor=cursor)
        matched = (ListedConversation.of(one.conversation, one.match) for one in found.items)
        return Page(tuple(matched), found.next)
    page = await store.recent(principal, limit=limit, cursor=cursor)
    return Page(tuple(map(ListedConversation.of, page.items)), page.next)


@router.get("/{session_id}", response_description=ONE)
async def get_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Conversation:
    """One conversation, with `active_run_id` while an answer is in progress."""
    return await services.conversations.get(principal, session_id)


@router.patch("/{session_id}", response_description=ONE)
async def patch_conversation(
    session_id: SessionPath,
    body: ConversationPatch,
    services: WithServices,
    principal: WithPrincipal,
) -> Conversation:
    """Rename the conversation, or change its search filters or its model."""
    store = services.conversations
    conversation = await store.get(principal, session_id)
    if body.filters is not None:
        filters = await checked_filters(services, principal, body.filters)
        conversation = await store.set_filters(principal, session_id, filters)
    if body.model is not None:
        model = await services.models.choose(principal, body.model)
        conversation = await store.set_model(principal, session_id, model)
    if body.title is not None:
        conversation = await store.rename(principal, session_id, body.title)
    return conversation


@router.delete("/{session_id}", status_code=204)
async def delete_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Response:
    """Stop any running answer and hide the conversation; `POST …/restore` undoes it within 30 s."""
    conversation = await services.conversations.get(principal, session_id)
    if conversation.active_run_id is not None:
        await services.runs.stop(principal, conversation.active_run_id)
    await services.conversations.delete(principal, session_id, at=services.now())
    return Response(status_code=204)


@router.post("/{session_id}/restore", response_description=ONE)
async def restore_conversation(
    session_id: SessionPath, services: WithServices, principal: WithPrincipal
) -> Conversation:
    """Undo a deletion within 30 s."""
    return await services.conversations.restore(principal, session_id, at=services.now())


@router.get(
    "/{session_id}/messages",
    response_model=Page[MessageShape],
    response_description="A page of the conversation.",
)
async def list_messages(
    session_id: SessionPath,
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 100,
    cursor: Cursor = None,
    order: Order = "oldest",
) -> Response:
    """List questions and answers, oldest first. With `order=newest` newest first, so that a long
    conversation can be read from its end.
    """
    page = await services.conversations.messages(
        principal, session_id, limit=limit, cursor=cursor, newest_first=order == "newest"
    )
    body = Page(tuple(map(MessageShape.of, page.items)), page.next)
    return Response(compact_json(body), media_type="application/json")


@router.get(
    "/{session_id}/messages/{message_id}/questions",
    response_description="At most three questions.",
)
async def list_follow_up_questions(
    session_id: SessionPath,
    message_id: uuid.UUID,
    services: WithServices,
    principal: WithPrincipal,
) -> Page[Suggestion]:
    """Suggest questions to ask after this answer. The sources it cites answer each of them.

    Empty while the answer is being written, and without citations. Generated on request and
    without a model, so that no answer is delayed.
    """
    store = services.conversations
    answer = await store.message(principal, session_id, str(message_id))
    if answer.role != "assistant" or answer.status == "streaming" or not answer.citations:
        return Page((), None)
    page = await store.messages(principal, session_id, limit=MESSAGES_PER_PAGE, newest_first=True)
    asked = [one.content for one in page.items if one.role == "user"]
    return Page(await services.follow_ups.after(principal, answer, asked), None)


@router.put("/{session_id}/messages/{message_id}/feedback", status_code=204)
async def put_feedback(
    session_id: SessionPath,
    message_id: uuid.UUID,
    body: FeedbackBody,
    services: WithServices,
    principal: WithPrincipal,
) -> Response:
    """Set your feedback on an answer, replacing any earlier feedback."""
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
    """Remove your feedback on an answer."""
    await services.conversations.rate(principal, session_id, str(message_id), None)
    return Response(status_code=204)


@router.get("/{session_id}/export", response_class=Response, responses=EXPORTED)
async def export_conversation(
    session_id: SessionPath,
    services: WithServices,
    principal: WithPrincipal,
    language: Annotated[Language, Query()] = "en",
) -> Response:
    """Download the whole conversation with its sources as a Markdown file."""
    store = services.conversations
    conversation = await store.get(principal, session_id)
    messages: list[Message] = []
    cursor: str | None = None
    while True:
        page = await store.messages(principal, session_id, limit=MESSAGES_PER_PAGE, cursor=cursor)
        messages += page.items
        cursor = page.next
        if cursor is None:
            break
    # In a thread, because a long conversation would block the event loop.
    text = await asyncio.to_thread(markdown, conversation, messages, language=language)
    headers = {
        "Content-Disposition": disposition(conversation.title),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
    }
    return Response(text, media_type="text/markdown", headers=headers)

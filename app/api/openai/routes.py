"""OpenAI-compatible API of the library: `GET /v1/models` and `POST /v1/chat/completions`.

Each request is a run in a new conversation that is hidden from the history: the client keeps the
conversation and sends all of it each time. The run can be stopped and followed by its `X-Run-Id`;
it ends when the connection closes.
"""

import uuid
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel
from starlette.responses import Response

from app.api.dependencies import WithPrincipal, WithServices
from app.api.json_answer import collect, status_of
from app.api.middleware.path_prefix import public_base
from app.api.openai.encoder import Completion, chunk_frames
from app.api.openai.requests import CompletionBody
from app.api.openai.schemas import COMPLETED, MODEL, MODELS, ModelCard, ModelList
from app.api.response_models import Answer
from app.api.routes.chat import checked_filters, request_hash, run_headers
from app.api.streaming import AnswerResponse, EventStreamResponse
from app.domain.errors import UnknownModel
from app.domain.models import Citation
from app.runs.asking import Ask, RunHandle

MODEL_NAME: Final = "citestream"
MODEL_CARD: Final = ModelCard(id=MODEL_NAME, created=1_763_596_800, owned_by="citestream")

router = APIRouter(prefix="/v1", tags=["openai"])

Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=200)]


@router.get("/models", responses=MODELS, response_description="All models.")
async def models(principal: WithPrincipal) -> ModelList:
    """List the only model: the library."""
    return ModelList(data=(MODEL_CARD,))


@router.get("/models/{model}", responses=MODEL, response_description="The model.")
async def model(model: str, principal: WithPrincipal) -> ModelCard:
    """Return the model by name."""
    _check_model(model)
    return MODEL_CARD


@router.post("/chat/completions", response_class=Response, responses=COMPLETED)
async def chat_completions(
    body: CompletionBody,
    request: Request,
    services: WithServices,
    principal: WithPrincipal,
    idempotency_key: Key = None,
) -> Response:
    """Answer the last user message from the library, with citations."""
    _check_model(body.model)
    body.check()
    handle = await services.runs.ask(
        Ask(
            principal=principal,
            session_id=str(uuid.uuid4()),
            route="openai",
            text=body.question(),
            filters=await checked_filters(services, principal, body.filters),
            on_disconnect="cancel",
            request_hash=request_hash(body),
            model=await services.models.choose(principal, None),
            idempotency_key=idempotency_key,
            history=body.turns(),
            is_ephemeral=True,
        )
    )
    completion = _completion(request, handle, append_sources=body.append_sources)
    if body.stream:
        wants_usage = body.stream_options is not None and bool(body.stream_options.include_usage)
        return EventStreamResponse(
            services.sample_gaps(
                chunk_frames(
                    handle.cursor,
                    completion,
                    heartbeat_s=services.heartbeat_s,
                    include_usage=wants_usage,
                )
            ),
            headers=run_headers(handle),
            released=handle.close,
        )

    async def answer() -> tuple[int, BaseModel]:
        collected = await collect(handle)
        whole = completion.whole(collected) if isinstance(collected, Answer) else collected
        return status_of(collected), whole

    return AnswerResponse(answer, headers=run_headers(handle), released=handle.close)


def _check_model(name: str) -> None:
    if name != MODEL_NAME:
        raise UnknownModel(name, MODEL_NAME)


def _completion(request: Request, handle: RunHandle, *, append_sources: bool) -> Completion:
    base = public_base(request)

    def link(citation: Citation) -> str:
        if citation.url or citation.passage_id is None:
            return citation.url or f"{base}/"
        return f"{base}/library?{urlencode(_place(citation))}"

    return Completion(
        completion_id=f"chatcmpl-{handle.record.run_id}",
        created=int(handle.record.created_at.timestamp()),
        model=MODEL_NAME,
        link=link,
        append_sources=append_sources,
    )


def _place(citation: Citation) -> dict[str, str | int]:
    """The URL parameters that open the source at the passage, with the quote highlighted."""
    place = {
        "source": citation.source_id,
        "passage": citation.passage_id,
        "page": citation.page,
        "start": citation.quote_start,
        "end": citation.quote_end,
    }
    return {name: value for name, value in place.items() if value is not None}

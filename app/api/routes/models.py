"""The answer models to choose from."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.api.dependencies import WithPrincipal, WithServices
from app.api.documented_responses import REFUSED
from app.api.response_models import ModelChoices
from app.api.schemas import Limit, Wanted

router = APIRouter(prefix="/api/models", tags=["models"], responses=REFUSED)


@router.get("", response_description="The models, the default first.")
async def list_models(
    services: WithServices,
    principal: WithPrincipal,
    q: Annotated[Wanted, Query(description="Words that occur in name or label.")] = "",
    limit: Limit = 100,
) -> ModelChoices:
    """The models that you may choose for a question, by `name`.

    Includes those that configured endpoints and Ollama on this machine list. They are looked for in
    the background: while `searching`, ask again in a moment.
    """
    words = q.casefold().split()
    matching = [
        model
        for model in services.models.offered(principal)
        if all(word in f"{model.name} {model.label}".casefold() for word in words)
    ]
    return ModelChoices(
        items=tuple(matching[:limit]),
        total=len(matching),
        searching=services.models.is_searching,
        search_sends_to=services.search_sends_to,
    )

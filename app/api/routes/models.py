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
    q: Annotated[Wanted, Query(description="Words to find in name or label.")] = "",
    limit: Limit = 100,
) -> ModelChoices:
    """List the models that you may choose for a question, by `name`.

    Includes models listed by configured endpoints and by Ollama on this machine. These are searched
    for in the background: while `searching` is true, ask again shortly.
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

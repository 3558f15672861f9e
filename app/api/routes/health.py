"""Liveness and readiness."""

from contextlib import suppress

from fastapi import APIRouter, Response

from app import __version__
from app.api.dependencies import Services, WithServices
from app.api.documented_responses import Responses
from app.api.response_models import Health, Model, Readiness
from app.domain.errors import StoreUnavailable
from app.domain.models import Reading

router = APIRouter(tags=["health"])

UNREADY: Responses = {503: {"model": Readiness, "description": "Not ready; the body says why."}}


@router.get("/health", response_description="The process is up.")
async def health() -> Health:
    """Report that the process is up, whatever the state of its dependencies."""
    return Health(status="healthy", version=__version__)


@router.get("/health/ready", responses=UNREADY, response_description="Ready to answer questions.")
async def ready(services: WithServices, response: Response) -> Readiness:
    """200 when questions can be answered, else 503. The body shows which part is missing."""
    database = await services.database_ok()
    reading = await _reading(services) if database else None
    draining = services.runs.draining
    failing = services.failing_loops()
    ok = database and not draining and not failing
    response.status_code = 200 if ok else 503
    return Readiness(
        status="ready" if ok else "unready",
        database="ok" if database else "unreachable",
        migrations="ok",
        draining=draining,
        failing=failing,
        library="ready" if reading is None else "loading",
        reading=reading,
        active_runs=services.runs.active,
        model=_model(services),
    )


def _model(services: Services) -> Model:
    model, reach = services.model, services.model_reach()
    return Model(
        provider=model.provider,
        name=model.name,
        label=model.label,
        sends_to=model.sends_to,
        reachable=reach.reachable,
        reason=reach.reason,
    )


async def _reading(services: Services) -> Reading | None:
    with suppress(StoreUnavailable):
        return await services.jobs.reading(None)
    return None

"""Is the process up, and is it ready."""

from contextlib import suppress
from dataclasses import asdict

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from app import __version__
from app.api.dependencies import Services, WithServices
from app.api.response_models import Health, Readiness, body
from app.domain.errors import StoreUnavailable
from app.domain.models import Reading

router = APIRouter(tags=["health"], default_response_class=Response)


READY = body(Readiness, "Questions can be answered.") | {
    503: {"model": Readiness, "description": "Not now; the parts say why."}
}


@router.get("/health", responses=body(Health, "The process is up."))
async def health() -> Response:
    """The process is up. Says nothing of what it needs."""
    return JSONResponse({"status": "healthy", "version": __version__})


@router.get("/health/ready", responses=READY)
async def ready(services: WithServices) -> Response:
    """200 when questions can be answered, else 503; the parts say why."""
    database = await services.database_ok()
    reading = await _reading(services) if database else None
    draining = services.runs.draining
    failing = services.failing_loops()
    ok = database and not draining and not failing
    body = {
        "status": "ready" if ok else "unready",
        "database": "ok" if database else "unreachable",
        "migrations": "ok",
        "draining": draining,
        "failing": failing,
        "library": "ready" if reading is None else "loading",
        "reading": None if reading is None else reading.model_dump(),
        "active_runs": services.runs.active,
        "model": asdict(services.model) | asdict(services.model_reach()),
    }
    return JSONResponse(body, 200 if ok else 503)


async def _reading(services: Services) -> Reading | None:
    with suppress(StoreUnavailable):
        return await services.jobs.reading(None)
    return None

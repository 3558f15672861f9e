"""Metrics for Prometheus."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import WithServices
from app.api.documented_responses import FIGURES

router = APIRouter(tags=["health"], default_response_class=Response)


@router.get("/metrics", responses=FIGURES)
async def metrics(request: Request, services: WithServices) -> Response:
    """Metrics in Prometheus text format, or OpenMetrics if `Accept` asks for it."""
    body, content_type = services.render_metrics(request.headers.get("accept"))
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

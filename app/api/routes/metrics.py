"""The figures, for Prometheus."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from app.api.dependencies import WithServices
from app.api.documented_responses import FIGURES

router = APIRouter(tags=["health"], default_response_class=Response)


@router.get("/metrics", responses=FIGURES)
async def metrics(request: Request, services: WithServices) -> Response:
    """Figures in the format of Prometheus, or of OpenMetrics when it is asked for."""
    body, content_type = services.figures(request.headers.get("accept"))
    return Response(body, headers={"Content-Type": content_type, "Cache-Control": "no-store"})

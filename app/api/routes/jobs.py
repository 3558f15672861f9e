"""Follow the processing of uploaded files."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query
from starlette.responses import Response

from app.api.dependencies import WithPrincipal, WithServices
from app.api.documented_responses import JOB_FOLLOWED, REFUSED
from app.api.response_models import Jobs
from app.api.routes.runs import event_position
from app.api.streaming import EventStreamResponse, sse_frames

router = APIRouter(prefix="/jobs", tags=["sources"])


@router.get("", responses=REFUSED, response_description="The progress.")
async def jobs_under_way(services: WithServices, principal: WithPrincipal) -> Jobs:
    """Progress of the ingest jobs in your library: your uploads and those shared with everyone."""
    return Jobs(reading=await services.jobs.reading(principal))


@router.get("/{job_id}/events", response_class=Response, responses=JOB_FOLLOWED)
async def job_events(
    job_id: Annotated[str, Path(min_length=1, max_length=200)],
    services: WithServices,
    principal: WithPrincipal,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    position: Annotated[str | None, Query(alias="last_event_id")] = None,
) -> Response:
    """The job's events after a position, then live; on any replica, for a day.

    204 when the position is the terminal event. Disconnecting does not affect the job.
    """
    after = event_position(last_event_id if last_event_id is not None else position)
    cursor = await services.jobs.follow(principal, job_id, after=after)
    if cursor is None:
        return Response(status_code=204)
    return EventStreamResponse(sse_frames(cursor, heartbeat_s=services.heartbeat_s), headers={})

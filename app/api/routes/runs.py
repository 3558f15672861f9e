"""Follow, replay and stop runs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from app.api.dependencies import WithPrincipal, WithServices
from app.api.documented_responses import CONFIRMED, FOLLOWED, STOPPED
from app.api.response_models import Pending, json_response
from app.api.streaming import EventStreamResponse, sse_frames
from app.domain.errors import InvalidInput
from app.runs.ports import Receipt

router = APIRouter(prefix="/runs", tags=["runs"])

MAX_POSITION = 2**62  # beyond any run; larger numbers are clamped
MAX_POSITION_LENGTH = 18


@router.get("/{run_id}/events", response_class=Response, responses=FOLLOWED)
async def events(
    run_id: UUID,
    services: WithServices,
    principal: WithPrincipal,
    last_event_id: Annotated[str | None, Header(alias="Last-Event-ID")] = None,
    position: Annotated[str | None, Query(alias="last_event_id")] = None,
) -> Response:
    """The run's events after a position (header first, then query), then live events.

    204 when the position is the terminal event, so that the browser's `EventSource` stops.
    """
    after = event_position(last_event_id if last_event_id is not None else position)
    cursor = await services.runs.attach(principal, str(run_id), after=after)
    if cursor is None:
        return Response(status_code=204)
    return EventStreamResponse(
        services.sample_gaps(sse_frames(cursor, heartbeat_s=services.heartbeat_s)),
        headers={"X-Run-Id": str(run_id)},
    )


def event_position(text: str | None) -> int:
    """Parse a decimal event id of any size. Empty means the start, as browsers send it."""
    if text is None or text == "":
        return 0
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput("last_event_id", "last_event_id: must be the decimal id of an event")
    digits = text.lstrip("0")
    return MAX_POSITION if len(digits) > MAX_POSITION_LENGTH else int(digits or "0")


@router.post(
    "/{run_id}/stop",
    response_model=Receipt,
    responses=STOPPED,
    response_description=CONFIRMED,
)
async def stop(
    run_id: UUID, services: WithServices, principal: WithPrincipal
) -> Receipt | Response:
    """Stop a run. 200 with the receipt once its owner confirms; 202 if it has not yet."""
    return await services.runs.stop(principal, str(run_id)) or stop_pending()


def stop_pending() -> Response:
    """202: the process that owns the run was asked to stop it."""
    return json_response(Pending(pending=True), 202)

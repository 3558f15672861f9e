"""Dependencies of the routes: the services of the running event loop and the caller."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from app.api.frame_gap_sampler import Frames
from app.domain.access import AccessStore
from app.domain.job_ports import IngestJobs
from app.domain.library_ports import LibraryWriter
from app.domain.models import ModelReach
from app.domain.ports import Conversations, FollowUps, Library, Models, Suggestions
from app.domain.principals import Principal
from app.runs.service import RunService


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The answer model as shown to users; `sends_to` is the host that receives passages."""

    provider: str
    name: str
    label: str
    sends_to: str | None


@dataclass(frozen=True, slots=True)
class Services:
    """The services of one event loop. Built by `server/container.py`."""

    runs: RunService
    conversations: Conversations
    library: Library
    access: AccessStore
    library_writer: LibraryWriter
    jobs: IngestJobs
    suggestions: Suggestions
    follow_ups: FollowUps
    model: ModelInfo
    models: Models
    search_sends_to: tuple[str, ...]  # hosts of embedding and reranking services
    heartbeat_s: float
    model_reach: Callable[[], ModelReach]
    database_ok: Callable[[], Awaitable[bool]]
    failing_loops: Callable[[], tuple[str, ...]]  # background loops that keep failing
    now: Callable[[], datetime]
    files: Path  # the folder of the library's files
    max_upload_bytes: int  # bytes of one file
    render_metrics: Callable[[str | None], tuple[bytes, str]]  # body and type, by Accept header
    sample_gaps: Callable[[Frames], Frames]  # a viewer's frames, some of them measured


ServicesProvider = Callable[[], Awaitable[Services]]


async def get_services(request: Request) -> Services:
    """The services of the running loop, started on first use."""
    provider = cast("ServicesProvider", request.app.state.services)
    return await provider()


async def get_principal(request: Request) -> Principal:
    """The caller, as set by `AuthMiddleware`. Raises 401 when no middleware set one."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise HTTPException(401, "Sign in to continue.")
    return principal


WithServices = Annotated[Services, Depends(get_services)]
WithPrincipal = Annotated[Principal, Depends(get_principal)]

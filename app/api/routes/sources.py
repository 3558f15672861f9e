"""The library: sources, their passages, the file behind them, and uploads."""

import asyncio
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from app.api.dependencies import Services, WithPrincipal, WithServices
from app.api.documented_responses import REFUSED, UPLOAD_BODY, UPLOADED, Responses, refusals
from app.api.ranged_file import RangedFile
from app.api.response_models import (
    OneSourceShape,
    SourcePage,
    SourceShape,
    UploadedFileShape,
    UploadShape,
)
from app.api.schemas import Cursor, Limit, SourcePatch, Wanted
from app.api.uploads import Upload, receive_upload
from app.domain.errors import InvalidInput, NotFound
from app.domain.models import Listing, Order, Page, Passage, SourceKind, Suggestion
from app.domain.principals import Principal

router = APIRouter(prefix="/sources", tags=["sources"], responses=REFUSED)

UNKNOWN = "There is no such source."
MAX_RANGES = 8  # media players request one range
PLAYABLE = frozenset({"audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav"})
SHOWN = PLAYABLE | {"application/pdf"}
"""Media types that browsers display without running any code in them."""
SAVED = "application/octet-stream"
FILE: Responses = refusals(
    HTTP_400="The `Range` header is invalid.",
    HTTP_416="The file has no such range, or there are too many; `Content-Range` has the size.",
) | {
    200: {
        "description": "Audio and PDF for display, other types as a download.",
        "content": {kind: {} for kind in sorted(SHOWN | {SAVED})},
    },
    206: {
        "description": "The ranges requested by `Range`.",
        "content": {kind: {} for kind in sorted(SHOWN | {SAVED, "multipart/byteranges"})},
    },
}

SourceId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("", response_description="A page of the list.")
async def list_sources(
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 200,
    cursor: Cursor = None,
    q: Wanted = "",
    kind: Annotated[SourceKind | None, Query()] = None,
    order: Annotated[Order, Query()] = "newest",
) -> SourcePage:
    """List the sources that the caller may read; `next` is the cursor of the following page.

    `q`: only sources with each word of `q` in title, name, tags or speakers. `counts`: totals
    without any filter, on the first page only.
    """
    listing = Listing(query=q, kind=kind, order=order, cursor=cursor)
    page = await services.library.sources(principal, listing, limit=limit)
    counts = await services.library.counts(principal) if cursor is None else None
    items = tuple(SourceShape.of(source, principal) for source in page.items)
    return SourcePage(items=items, next=page.next, counts=counts)


@router.get("/{source_id}", response_description="The source.")
async def get_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> OneSourceShape:
    """One source, with the caller's near-duplicates of it."""
    return await _one_source(services, principal, source_id)


@router.get("/{source_id}/passages", response_description="Every passage.")
async def list_passages(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Page[Passage]:
    """All passages of the source, in order."""
    passages = await services.library.passages(principal, source_id)
    if not passages and await services.library.source(principal, source_id) is None:
        raise NotFound(UNKNOWN)
    return Page(tuple(passages), None)


@router.get("/{source_id}/passages/{passage_id}", response_description="The passage.")
async def get_passage(
    source_id: SourceId,
    passage_id: Annotated[str, Path(min_length=1, max_length=200)],
    services: WithServices,
    principal: WithPrincipal,
) -> Passage:
    """One passage with its position in the source."""
    passage = await services.library.passage(principal, source_id, passage_id)
    if passage is None:
        raise NotFound("There is no such passage.")
    return passage


@router.get("/{source_id}/questions", response_description="At most three questions.")
async def list_questions(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Page[Suggestion]:
    """Suggested questions in the source's own terms. The library can answer each of them."""
    source = await services.library.source(principal, source_id)
    if source is None:
        raise NotFound(UNKNOWN)
    passages = await services.library.passages(principal, source_id)
    return Page(await services.suggestions.of(principal, source, passages), None)


@router.get("/{source_id}/file", response_class=Response, responses=FILE)
async def get_file(
    source_id: SourceId,
    services: WithServices,
    principal: WithPrincipal,
    ranges: Annotated[str | None, Header(alias="Range")] = None,
) -> Response:
    """The audio of a recording (with ranges, so that players can seek), else the original file."""
    file = await services.library.file(principal, source_id)
    source = await services.library.source(principal, source_id)
    if file is None or source is None:
        raise NotFound("This source has no file.")
    if ranges is not None and ranges.count(",") >= MAX_RANGES:
        raise HTTPException(416, f"A request may have at most {MAX_RANGES} ranges.")
    path = services.files / file.key
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("This source has no file.")
    shown = file.media_type in SHOWN
    return RangedFile(
        path,
        # An uploaded HTML page must never run in this origin.
        media_type=file.media_type if shown else SAVED,
        filename=None if shown else source.name.rsplit("/", 1)[-1],
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"},
    )


@router.post(
    "",
    status_code=202,
    responses=UPLOADED,
    response_description="The accepted files.",
    openapi_extra=UPLOAD_BODY,
)
async def upload(request: Request, services: WithServices, principal: WithPrincipal) -> UploadShape:
    """Accept files and ingest them in the background. Follow `GET /jobs/{job_id}/events`."""
    services.jobs.check(1)

    async def take(received: Upload) -> UploadShape:
        job_id, files = await services.jobs.submit(
            principal, received.files, tags=received.tags, largest=services.max_upload_bytes
        )
        named = tuple(UploadedFileShape(file_id=one.file_id, name=one.name) for one in files)
        return UploadShape(job_id=job_id, files=named)

    staging = services.files / "incoming"
    return await receive_upload(request, staging, largest=services.max_upload_bytes, take=take)


@router.patch("/{source_id}", response_description="The changed source.")
async def change_source(
    source_id: SourceId, body: SourcePatch, services: WithServices, principal: WithPrincipal
) -> OneSourceShape:
    """Change title, tags or access. Only the owner may do this."""
    now = services.now()
    if body.access is not None and not await _share(services, principal, source_id, body, now):
        raise NotFound(UNKNOWN)
    if body.tags is not None and not await services.library_writer.set_tags(
        principal, source_id, body.tags, now=now
    ):
        raise NotFound(UNKNOWN)
    if body.title is not None:
        if not await services.library_writer.set_title(principal, source_id, body.title, now=now):
            raise NotFound(UNKNOWN)
        services.jobs.retitled(source_id)
    return await _one_source(services, principal, source_id)


@router.delete("/{source_id}", status_code=204)
async def delete_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """Hide the source everywhere; `POST …/restore` undoes this within 30 s.

    After that its passages, vectors and terms are removed, and its files unless another source
    uses them. Answers that cite it keep their quotes.
    """
    if not await services.library_writer.delete(principal, source_id, at=services.now()):
        raise NotFound(UNKNOWN)
    return Response(status_code=204)


@router.post("/{source_id}/restore", response_description="The restored source.")
async def restore_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> OneSourceShape:
    """Undo a deletion within 30 s."""
    if not await services.library_writer.restore(principal, source_id, at=services.now()):
        raise NotFound(UNKNOWN)
    return await _one_source(services, principal, source_id)


async def _share(
    services: Services, principal: Principal, source_id: str, body: SourcePatch, now: datetime
) -> bool:
    """False when unknown. Raises `InvalidInput` for a group that the caller is not in."""
    foreign = [group for group in body.groups if group not in principal.groups]
    if foreign:
        raise InvalidInput("groups", f"groups: you are not in {foreign[0]}")
    return await services.library_writer.set_access(
        principal, source_id, shared=body.access == "all", groups=body.groups, now=now
    )


async def _one_source(services: Services, principal: Principal, source_id: str) -> OneSourceShape:
    source = await services.library.source(principal, source_id)
    if source is None:
        raise NotFound(UNKNOWN)
    similar = await services.library.similar(principal, [source_id])
    return OneSourceShape.of(source, principal, similar=similar.get(source_id, ()))

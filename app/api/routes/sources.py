"""The library: sources, their passages, the file behind them, and uploads."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app.api.dependencies import Services, WithPrincipal, WithServices
from app.api.ranged_file import RangedFile
from app.api.response_models import (
    REFUSED,
    UPLOAD_BODY,
    UPLOADED,
    OneSourceShape,
    Responses,
    SourcePageShape,
    SuggestionShape,
    body,
    refusals,
)
from app.api.schemas import Cursor, Limit, SourcePatch, Wanted
from app.api.uploads import Upload, receive_upload
from app.domain.encoding import timestamp
from app.domain.errors import InvalidInput, NotFound
from app.domain.models import (
    Access,
    Listing,
    Order,
    Page,
    Passage,
    Similar,
    Source,
    SourceKind,
)
from app.domain.principals import Principal

router = APIRouter(
    prefix="/sources", tags=["sources"], default_response_class=Response, responses=REFUSED
)

UNKNOWN = "There is no such source."
MAX_RANGES = 8  # players ask for one
PLAYABLE = frozenset({"audio/mpeg", "audio/ogg", "audio/mp4", "audio/wav"})
SHOWN = PLAYABLE | {"application/pdf"}
"""What browsers show by themselves without running anything of it."""
SAVED = "application/octet-stream"
FILE: Responses = refusals(
    HTTP_400="The `Range` header cannot be read.",
    HTTP_416="The file has no such range, or they are too many; `Content-Range` says its size.",
) | {
    200: {
        "description": "Audio and PDF to be shown, anything else to be saved.",
        "content": {kind: {} for kind in sorted(SHOWN | {SAVED})},
    },
    206: {
        "description": "The ranges that `Range` asked for.",
        "content": {kind: {} for kind in sorted(SHOWN | {SAVED, "multipart/byteranges"})},
    },
}

SourceId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("", responses=body(SourcePageShape, "A page of the list."))
async def list_sources(
    services: WithServices,
    principal: WithPrincipal,
    limit: Limit = 200,
    cursor: Cursor = None,
    q: Wanted = "",
    kind: Annotated[SourceKind | None, Query()] = None,
    order: Annotated[Order, Query()] = "newest",
) -> Response:
    """The sources that the caller may read; `next` is the cursor of the following page.

    `q`: only those with each of its words in title, name, tags or speakers. `counts`: how many
    there are in all, whatever is looked for; on the first page only.
    """
    listing = Listing(query=q, kind=kind, order=order, cursor=cursor)
    page = await services.library.sources(principal, listing, limit=limit)
    counts = await services.library.counts(principal) if cursor is None else None
    return JSONResponse(
        {
            "items": [source_json(source, principal) for source in page.items],
            "next": page.next,
            "counts": None if counts is None else asdict(counts),
        }
    )


@router.get("/{source_id}", responses=body(OneSourceShape, "The source."))
async def get_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """One source, with those of the caller's that say nearly the same."""
    source = await services.library.source(principal, source_id)
    if source is None:
        raise NotFound(UNKNOWN)
    similar = await services.library.similar(principal, source_id)
    return JSONResponse(one_source_json(source, principal, similar))


@router.get("/{source_id}/passages", responses=body(Page[Passage], "Every passage."))
async def list_passages(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """The whole source as passages, in order."""
    passages = await services.library.passages(principal, source_id)
    if not passages and await services.library.source(principal, source_id) is None:
        raise NotFound(UNKNOWN)
    return JSONResponse({"items": [passage_json(p) for p in passages], "next": None})


@router.get("/{source_id}/passages/{passage_id}", responses=body(Passage, "The passage."))
async def get_passage(
    source_id: SourceId,
    passage_id: Annotated[str, Path(min_length=1, max_length=200)],
    services: WithServices,
    principal: WithPrincipal,
) -> Response:
    """One passage with its place in the source."""
    passage = await services.library.passage(principal, source_id, passage_id)
    if passage is None:
        raise NotFound("There is no such passage.")
    return JSONResponse(passage_json(passage))


@router.get(
    "/{source_id}/questions", responses=body(Page[SuggestionShape], "At most three questions.")
)
async def list_questions(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """Questions to try, made from the source's own words; each was tried on the library."""
    source = await services.library.source(principal, source_id)
    if source is None:
        raise NotFound(UNKNOWN)
    passages = await services.library.passages(principal, source_id)
    found = await services.suggestions.of(principal, source, passages)
    return JSONResponse({"items": [one._asdict() for one in found], "next": None})


@router.get("/{source_id}/file", responses=FILE)
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
        raise HTTPException(416, f"At most {MAX_RANGES} ranges at once.")
    path = services.files / file.key
    if not await asyncio.to_thread(path.is_file):
        raise NotFound("This source has no file.")
    shown = file.media_type in SHOWN
    return RangedFile(
        path,
        # A page of somebody's must never run as one of ours.
        media_type=file.media_type if shown else SAVED,
        filename=None if shown else source.name.rsplit("/", 1)[-1],
        headers={"X-Content-Type-Options": "nosniff", "Cache-Control": "private, max-age=3600"},
    )


@router.post("", status_code=202, responses=UPLOADED, openapi_extra=UPLOAD_BODY)
async def upload(request: Request, services: WithServices, principal: WithPrincipal) -> Response:
    """Take files over, and read them in the background: `GET /jobs/{job_id}/events` tells of it."""
    services.jobs.check(1)
    answer: dict[str, object] = {}

    async def take(received: Upload) -> None:
        job_id, files = await services.jobs.submit(
            principal, received.files, tags=received.tags, largest=services.max_upload_bytes
        )
        answer["job_id"] = job_id
        answer["files"] = [{"file_id": one.file_id, "name": one.name} for one in files]

    staging = services.files / "incoming"
    await receive_upload(request, staging, largest=services.max_upload_bytes, take=take)
    return JSONResponse(answer, 202)


@router.patch("/{source_id}", responses=body(OneSourceShape, "The source as it is now."))
async def change_source(
    source_id: SourceId, body: SourcePatch, services: WithServices, principal: WithPrincipal
) -> Response:
    """Another title, other tags, other readers. Only the owner may."""
    now = services.now()
    if body.access is not None and not await _share(services, principal, source_id, body, now):
        raise NotFound(UNKNOWN)
    if body.tags is not None and not await services.editing.set_tags(
        principal, source_id, body.tags, now=now
    ):
        raise NotFound(UNKNOWN)
    if body.title is not None:
        if not await services.editing.set_title(principal, source_id, body.title, now=now):
            raise NotFound(UNKNOWN)
        services.jobs.retitled(source_id)
    return await get_source(source_id, services, principal)


@router.delete("/{source_id}", status_code=204)
async def delete_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """Hide it everywhere; `POST …/restore` undoes that for 30 s.

    Then its passages, vectors and terms go, and its files unless another source has them. Answers
    that cite it keep their quotes.
    """
    if not await services.editing.delete(principal, source_id, at=services.now()):
        raise NotFound(UNKNOWN)
    return Response(status_code=204)


@router.post("/{source_id}/restore", responses=body(OneSourceShape, "The source, back again."))
async def restore_source(
    source_id: SourceId, services: WithServices, principal: WithPrincipal
) -> Response:
    """Undo a deletion that is less than 30 s old."""
    if not await services.editing.restore(principal, source_id, at=services.now()):
        raise NotFound(UNKNOWN)
    return await get_source(source_id, services, principal)


async def _share(
    services: Services, principal: Principal, source_id: str, body: SourcePatch, now: datetime
) -> bool:
    """Nobody puts something before people whose groups they do not belong to."""
    foreign = [group for group in body.groups if group not in principal.groups]
    if foreign:
        raise InvalidInput("groups", f"groups: you are not in {foreign[0]}")
    return await services.editing.set_access(
        principal, source_id, shared=body.access == "all", groups=body.groups, now=now
    )


def source_json(source: Source, principal: Principal) -> dict[str, object]:
    """As the wire has it: without owner and hash. Whom it is shared with is the owner's to know."""
    body = asdict(source)
    for private in ("owner_id", "content_hash", "shared_with"):
        del body[private]
    mine = source.owner_id == principal.owner_id
    access: Access = "all" if source.shared else "groups" if source.shared_with else "private"
    return body | {
        "created_at": timestamp(source.created_at),
        "mine": mine,
        "access": access,
        "groups": source.shared_with if mine else (),
    }


def one_source_json(
    source: Source, principal: Principal, similar: Sequence[Similar]
) -> dict[str, object]:
    """As the wire has it when one source is asked for."""
    return source_json(source, principal) | {"similar": [asdict(one) for one in similar]}


def passage_json(passage: Passage) -> dict[str, object]:
    """As the wire has it."""
    return asdict(passage)

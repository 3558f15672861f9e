"""Reads stored values leniently, because a newer version may have written them.

Unknown fields are ignored. An unknown value becomes null or is removed from its list; if that is
not enough, the result is None. Nothing here raises.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from app.domain.answer_fold import Step
from app.domain.conversation_models import StageRecord
from app.domain.errors import FailureCode
from app.domain.events import (
    CitationsPayload,
    DonePayload,
    ErrorPayload,
    MarkedPassage,
    ResetPayload,
)
from app.domain.models import (
    Citation,
    FidelityNote,
    Filters,
    FinishReason,
    Passage,
    SourceKind,
    Span,
    Timings,
    Usage,
)

M = TypeVar("M", bound=BaseModel)

log = logging.getLogger(__name__)

MAX_REPAIRS = 50


def read_stored(model: type[M], value: object) -> M | None:
    """Read `value` as `model`, without unknown parts; None when that is impossible."""
    try:
        return model.model_validate(value, extra="ignore")
    except ValidationError as error:
        log.debug("Stored %s of another version: %s", model.__name__, error)
    rest = deepcopy(value)
    for _ in range(MAX_REPAIRS):
        try:
            return model.model_validate(rest, extra="ignore")
        except ValidationError as error:
            if not _repair(rest, error):
                return None
    return None


def _repair(value: object, error: ValidationError) -> bool:
    """Remove the parts named in the error; False when there was nothing to remove."""
    # From the end, so that the indexes of earlier list items stay valid.
    places = [one["loc"] for one in reversed(error.errors(include_url=False, include_input=False))]
    taken_out = [_take_out(value, place) for place in places]
    return any(taken_out)


def _take_out(value: Any, place: tuple[int | str, ...]) -> bool:  # noqa: ANN401 - any JSON value
    for depth in range(len(place), 0, -1):
        parent = _at(value, place[: depth - 1])
        key = place[depth - 1]
        if isinstance(parent, list) and isinstance(key, int) and key < len(parent):
            del parent[key]
            return True
        if isinstance(parent, dict) and key in parent:
            if parent[key] is None:
                del parent[key]
            else:
                parent[key] = None
            return True
    return False


def _at(value: Any, place: tuple[int | str, ...]) -> Any:  # noqa: ANN401 - any JSON value
    for key in place:
        if isinstance(value, list):
            value = value[key] if isinstance(key, int) and key < len(value) else None
        else:
            value = value.get(key) if isinstance(value, Mapping) else None
    return value


def known_finish_reason(value: object) -> FinishReason | None:
    """None for an unknown reason."""
    return next((reason for reason in _FINISH_REASONS if reason == value), None)


def known_failure_code(value: object) -> FailureCode | None:
    """`INTERNAL` for an unknown code; the message is kept."""
    if value is None:
        return None
    return next((code for code in _FAILURE_CODES if code == value), "INTERNAL")


def known_kind(value: object) -> SourceKind:
    """An unknown kind becomes a document."""
    return "recording" if value == "recording" else "document"


_FINISH_REASONS: tuple[FinishReason, ...] = get_args(FinishReason)
_FAILURE_CODES: tuple[FailureCode, ...] = get_args(FailureCode)


def stored_filters(value: object) -> Filters:
    """Stored filters without unknown restrictions."""
    return read_stored(Filters, value) or Filters()


def stored_citations(values: object) -> tuple[Citation, ...]:
    """The readable items of a stored list."""
    if not isinstance(values, Iterable) or isinstance(values, str | bytes | Mapping):
        return ()
    read = (read_stored(Citation, value) for value in values)
    return tuple(citation for citation in read if citation is not None)


def stored_notes(values: object) -> tuple[FidelityNote, ...]:
    """The items of a stored list that have a kind and a count."""
    if not isinstance(values, list | tuple):
        return ()
    return tuple(
        FidelityNote(
            value["kind"], value["count"], _total(value.get("total")), _detail(value.get("detail"))
        )
        for value in values
        if isinstance(value, Mapping)
        and isinstance(value.get("kind"), str)
        and isinstance(value.get("count"), int)
    )


def _detail(value: object) -> str | None:
    return value if isinstance(value, str) else None


def stored_spans(values: object) -> tuple[Span, ...]:
    """The items of a stored list that consist of a kind and two offsets."""
    if not isinstance(values, list | tuple):
        return ()
    spans = (_span(value) for value in values)
    return tuple(span for span in spans if span is not None)


def _span(value: object) -> Span | None:
    match value:
        case [str(kind), int(start), int(end), *_] if 0 <= start < end:
            return Span(kind, start, end)
        case _:
            return None


def _total(value: object) -> int | None:
    return value if isinstance(value, int) else None


def stored_step(kind: str, data: bytes) -> Step:
    """Read a stored event. All types but text, citations and ends are stages, also unknown ones."""
    # By default, pydantic caches 16,384 parsed strings.
    event = from_json(data, cache_strings="keys")
    content = event.get("content") if isinstance(event, Mapping) else None
    fields = content if isinstance(content, Mapping) else {}
    match kind:
        case "token":
            return str(content)
        case "citations":
            return CitationsPayload(citations=stored_citations(fields.get("citations")))
        case "reset":
            known = stored_citations(fields.get("citations"))
            return ResetPayload(text=str(fields.get("text") or ""), citations=known)
        case "done":
            return read_stored(DonePayload, fields) or _done(fields)
        case "error":
            return _error(fields)
        case _:
            return StageRecord(kind, content)


def _done(fields: Mapping[str, Any]) -> DonePayload:
    """The end of a completed answer with an unknown finish reason."""
    unknown = Usage(input_tokens=0, output_tokens=0, estimated=True)
    never = Timings(retrieval_ms=None, first_token_ms=None, total_ms=0)
    return DonePayload(
        finish_reason=known_finish_reason(fields.get("finish_reason")) or "stop",
        message_id=str(fields.get("message_id") or ""),
        saved=fields.get("saved") is not False,
        usage=read_stored(Usage, fields.get("usage")) or unknown,
        timings=read_stored(Timings, fields.get("timings")) or never,
    )


def _error(fields: Mapping[str, Any]) -> ErrorPayload:
    return ErrorPayload(
        code=known_failure_code(fields.get("code")) or "INTERNAL",
        message=str(fields.get("message") or ""),
        retryable=fields.get("retryable") is True,
        partial=fields.get("partial") is True,
        saved=fields.get("saved") is not False,
    )


def stored_evidence(values: object) -> tuple[StageRecord, ...]:
    """The items of a stored list that have a type."""
    if not isinstance(values, list | tuple):
        return ()
    return tuple(
        StageRecord(value["type"], value.get("content"))
        for value in values
        if isinstance(value, Mapping) and isinstance(value.get("type"), str)
    )


def numbered_passages(evidence: Sequence[StageRecord]) -> tuple[Passage, ...]:
    """The passages of the last `generation_start`, which the answer's markers refer to."""
    for stage in reversed(evidence):
        if stage.type == "generation_start":
            return stored_passages(stage.content)
    return ()


def searched_query(evidence: Sequence[StageRecord]) -> str:
    """The query of the first search; empty without one."""
    found = next((stage for stage in evidence if stage.type == "retrieval_complete"), None)
    query = found.content.get("query") if found and isinstance(found.content, Mapping) else ""
    return query if isinstance(query, str) else ""


def stored_passages(content: object) -> tuple[Passage, ...]:
    """The passages of a stored `generation_start`. None is skipped, because `[n]` is the n-th."""
    marked = content.get("passages") if isinstance(content, Mapping) else None
    return tuple(_passage(one) for one in marked) if isinstance(marked, list | tuple) else ()


def _passage(value: object) -> Passage:
    fields = dict(value) if isinstance(value, Mapping) else {}
    read = read_stored(MarkedPassage, fields) or read_stored(
        MarkedPassage, fields | {"kind": "document"}
    )
    if read is not None:
        return read.passage()
    text, title = (str(fields.get(name) or "") for name in ("text", "title"))
    ids = [str(fields.get(name) or "") for name in ("passage_id", "source_id")]
    return Passage(ids[0], ids[1], title, "document", position=0, text=text)

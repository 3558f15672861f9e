"""The JSON bodies of `/v1`. See OpenAI's API reference for the fields."""

from typing import Annotated, Literal

from pydantic import Field

from app.api.documented_responses import RUN_HEADERS, Responses, stream
from app.api.response_models import Shape
from app.domain.models import Citation, SourceKind, absent

CompletionReason = Literal["stop", "length", "content_filter"]


class OpenAIErrorDetail(Shape):
    """`param` names the field, `code` is stable."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIError(Shape):
    """Every refusal and failure under `/v1`."""

    error: OpenAIErrorDetail


class FailedCompletion(Shape):
    """A failed completion, with the text written before the failure."""

    error: OpenAIErrorDetail
    partial: str
    citations: Annotated[tuple[Citation, ...] | None, Field(exclude_if=absent)] = None
    run_id: str
    session_id: str
    message_id: str


class ModelCard(Shape):
    """The only model: the library."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str


class ModelList(Shape):
    """All models."""

    object: Literal["list"] = "list"
    data: tuple[ModelCard, ...]


class UrlCitation(Shape):
    """The target of a marker: OpenAI's fields, then those of the citation."""

    url: str
    title: str
    start_index: int
    end_index: int
    marker: int
    passage_id: str | None
    source_id: str | None
    kind: SourceKind | None
    quote: str | None
    quote_start: int | None
    quote_end: int | None
    page: int | None
    start_s: float | None
    end_s: float | None
    speaker: str | None
    verified: bool
    support: str | None


class Annotation(Shape):
    """One per marker in the text."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class CompletedMessage(Shape):
    """The answer. Its text ends with the list of sources unless `append_sources` is false."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: tuple[Annotation, ...]


class CompletedChoice(Shape):
    """The only choice."""

    index: Literal[0] = 0
    message: CompletedMessage
    logprobs: None = None
    finish_reason: CompletionReason


class CompletionUsage(Shape):
    """Tokens of the answer."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionShape(Shape):
    """The whole answer as one object."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: tuple[CompletedChoice, ...]
    usage: CompletionUsage


def _errors(**described: str) -> Responses:
    return {
        int(status.removeprefix("HTTP_")): {"model": OpenAIError, "description": when}
        for status, when in described.items()
    }


_ALWAYS = _errors(
    HTTP_422="Not used: an invalid field is 400 here, as with OpenAI.",
    HTTP_503="The database cannot be reached, or the server is restarting.",
)
_NO_MODEL = _errors(HTTP_404="The model does not exist.")
MODELS: Responses = _ALWAYS
MODEL: Responses = _ALWAYS | _NO_MODEL
COMPLETED: Responses = (
    _ALWAYS
    | _NO_MODEL
    | _errors(
        HTTP_400="A field is invalid or not supported; `param` names it.",
        HTTP_413="The body is too large.",
        HTTP_415="The body is not `application/json`.",
        HTTP_429="The limit on concurrent answers is reached.",
    )
    | {
        502: {"model": FailedCompletion, "description": "The answer failed."},
        504: {"model": FailedCompletion, "description": "The answer took too long."},
        200: {
            **stream("`chat.completion.chunk` frames, then `[DONE]`; or one object."),
            "model": CompletionShape,
            "headers": RUN_HEADERS,
        },
    }
)

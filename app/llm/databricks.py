"""Models served by Databricks, through ChatDatabricks.

ChatDatabricks builds the requests and reads the messages; the calls themselves are made here,
because its own streams run in threads: closing them would leave the endpoint writing. So they go
through the transport that merges frames and shows its sockets, and each is signed by the
workspace client, which renews OAuth tokens before they expire.

Everything of Databricks is imported in `make`: that takes seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from openai import AsyncOpenAI
from typing_extensions import override

from app.domain.errors import SettingError
from app.llm.answer_model import AnswerModel, ModelSettings
from app.llm.fast_path.completions import MergingCompletions, mark
from app.llm.fast_path.sse_coalescer import Chunk
from app.llm.fast_path.streaming_models import StreamingChatModel
from app.llm.fast_path.transport import ModelTransport
from app.llm.quirks import Quirks

log = logging.getLogger(__name__)

INSTALL: Final = "pip install --no-deps --require-hashes -r requirements-databricks.lock"
_CONNECT_S: Final = 10.0


def make(settings: ModelSettings) -> AnswerModel:
    """The endpoint `DATABRICKS_ENDPOINT`. Raises `SettingError`. Blocks for seconds."""
    try:
        from databricks.sdk import WorkspaceClient
        from databricks_langchain import ChatDatabricks
    except ImportError as error:
        raise SettingError(
            "LLM_PROVIDER: got databricks, takes a provider that is installed. "
            f"Install it: {INSTALL}"
        ) from error
    token = settings.databricks_token
    try:
        workspace = WorkspaceClient(
            host=settings.databricks_host, token=token.get_secret_value() if token else None
        )
    except ValueError as error:
        raise SettingError(
            "DATABRICKS_HOST: got no workspace that can be signed in to, takes its address, "
            "with DATABRICKS_TOKEN or another sign-in that the Databricks SDK finds"
        ) from error
    host = str(workspace.config.host).rstrip("/")
    inner = ChatDatabricks(model=settings.databricks_endpoint, workspace_client=workspace)
    transport = ModelTransport(proxy=settings.proxies.url_for(host))
    client = AsyncOpenAI(
        base_url=f"{host}/serving-endpoints",
        api_key=signed_by(workspace.config.authenticate),
        # The answering policy decides on retries and on how long silence may last.
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        http_client=httpx2.AsyncClient(transport=transport, follow_redirects=True),
    )
    if settings.mlflow_tracking_uri:
        _trace(settings.mlflow_tracking_uri)
    name, quirks = settings.databricks_endpoint, Quirks()
    return AnswerModel(
        chat=DatabricksChat(inner=inner, completions=MergingCompletions(client, quirks)),
        name=name,
        provider="databricks",
        label=name,
        sends_to=urlsplit(host).netloc,
        address=host,
        can_judge=True,
        key_setting="DATABRICKS_TOKEN",
        close=transport.aclose,
        quirks=quirks,
    )


def signed_by(authenticate: Callable[[], dict[str, str]]) -> Callable[[], Awaitable[str]]:
    """The bearer token of the next request. The workspace client renews it, which blocks."""

    async def token() -> str:
        try:
            headers = await asyncio.to_thread(authenticate)
        except Exception as error:  # each kind of sign-in has errors of its own
            log.warning("Databricks gives no token: %s", type(error).__name__)
            raise openai.OpenAIError("no token") from error
        return headers["Authorization"].removeprefix("Bearer ")

    return token


def _trace(tracking_uri: str) -> None:
    """Every run of the graph becomes a trace in MLflow."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.langchain.autolog()


class DatabricksChat(StreamingChatModel):
    """A `ChatDatabricks` whose calls are natively asynchronous and close their socket."""

    inner: Any
    completions: Any

    @property
    @override
    def _llm_type(self) -> str:
        return "databricks"

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        made: ChatResult = self.inner._generate(messages, stop, run_manager, **kwargs)
        return made

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        data = self.inner._prepare_inputs(messages, stop, **{**kwargs, "stream": False})
        whole = await self.completions.create(**data)
        choice = whole["choices"][0]
        message = AIMessage(choice["message"]["content"], usage_metadata=_usage(whole["usage"]))
        message.response_metadata = {"finish_reason": choice["finish_reason"]}
        mark(message, choice["message"])
        return ChatResult(generations=[ChatGeneration(message=message)])

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        data = self.inner._prepare_inputs(messages, stop, **{**kwargs, "stream": True})
        usage: UsageMetadata | None = None
        async with await self.completions.create(**data) as chunks:
            async for chunk in chunks:
                usage = _usage(chunk.get("usage")) or usage
                yield _generation(chunk)
        if usage is not None:
            # Endpoints count on with every chunk: only the last word is the sum.
            yield ChatGenerationChunk(message=AIMessageChunk(content="", usage_metadata=usage))


def _generation(chunk: Chunk) -> ChatGenerationChunk:
    """The message of a normalized chunk."""
    choices = chunk["choices"]
    choice = choices[0] if choices else {"delta": {}}
    message = AIMessageChunk(content=choice["delta"].get("content") or "")
    if choice.get("finish_reason"):
        message.response_metadata["finish_reason"] = choice["finish_reason"]
    mark(message, chunk)
    info = dict(message.response_metadata)
    return ChatGenerationChunk(message=message, generation_info=info or None)


def _usage(told: dict[str, Any] | None) -> UsageMetadata | None:
    if not told:
        return None
    given, made = int(told["prompt_tokens"]), int(told["completion_tokens"])
    return UsageMetadata(input_tokens=given, output_tokens=made, total_tokens=given + made)

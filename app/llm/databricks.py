"""Models served by Databricks, through ChatDatabricks.

ChatDatabricks builds the requests and parses the messages, but its streams run in threads and
cannot be cancelled, so that the endpoint would go on generating. The calls are therefore made here,
over the transport that merges frames and reports its sockets, and signed by the workspace client,
which renews OAuth tokens before they expire.

Databricks packages are imported in `make`, because that takes seconds.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import openai
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from openai import AsyncOpenAI
from typing_extensions import override

from app.domain.adapter_settings import ModelSettings
from app.domain.errors import SettingError
from app.llm.answer_model import AnswerModel
from app.llm.completions import generate, stream_generations
from app.llm.fast_path.versions import is_usable
from app.llm.path_selection import make_completions, make_transport, streaming_class
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
    login = settings.databricks
    try:
        workspace = WorkspaceClient(host=login.host, token=login.token_text())
    except ValueError as error:
        raise SettingError(
            "DATABRICKS_HOST: got no workspace that can be signed in to, takes its address, "
            "with DATABRICKS_TOKEN or another sign-in that the Databricks SDK finds"
        ) from error
    host = str(workspace.config.host).rstrip("/")
    inner = ChatDatabricks(model=settings.databricks_endpoint, workspace_client=workspace)
    fast = is_usable(settings.fast_path)
    transport = make_transport(proxy=settings.proxies.url_for(host), fast=fast)
    client = AsyncOpenAI(
        base_url=f"{host}/serving-endpoints",
        api_key=signed_by(workspace.config.authenticate),
        # Retries and timeouts are handled in answering.py.
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=_CONNECT_S),
        http_client=httpx2.AsyncClient(transport=transport, follow_redirects=True),
    )
    if settings.mlflow_tracking_uri:
        _trace(settings.mlflow_tracking_uri)
    name, quirks = settings.databricks_endpoint, Quirks()
    return AnswerModel(
        chat=streaming_class(DatabricksChat, fast=fast)(
            inner=inner, completions=make_completions(client, quirks, fast=fast)
        ),
        name=name,
        provider="databricks",
        label=name,
        sends_to=urlsplit(host).netloc,
        address=host,
        can_judge=True,
        key_setting="DATABRICKS_TOKEN",
        is_listed=settings.is_listed,
        context_window=settings.context_window,
        close=transport.aclose,
        quirks=quirks,
    )


def signed_by(authenticate: Callable[[], dict[str, str]]) -> Callable[[], Awaitable[str]]:
    """The bearer token of the next request. The workspace client renews it, which blocks."""

    async def token() -> str:
        try:
            headers = await asyncio.to_thread(authenticate)
        except Exception as error:  # each kind of sign-in raises its own errors
            log.warning("Databricks gives no token: %s", type(error).__name__)
            raise openai.OpenAIError("no token") from error
        return headers["Authorization"].removeprefix("Bearer ")

    return token


def _trace(tracking_uri: str) -> None:
    """Every run of the graph becomes a trace in MLflow."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)
    mlflow.langchain.autolog()


class DatabricksChat(BaseChatModel):
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
        payload = self.inner._prepare_inputs(messages, stop, **{**kwargs, "stream": False})
        return await generate(self.completions, payload)

    @override
    def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        payload = self.inner._prepare_inputs(messages, stop, **{**kwargs, "stream": True})
        return stream_generations(self.completions, payload)

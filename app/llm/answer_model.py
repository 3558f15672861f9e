"""The answer model as other packages use it, and the settings it is built from."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable
from pydantic import SecretStr

from app.domain.models import Passage
from app.domain.proxies import ProxyRules
from app.llm.quirks import Quirks

OPENAI_URL = "https://api.openai.com/v1"
QUOTING_LABEL = "Quoting mode: no model connected"


class ModelSettings(Protocol):
    """What the factories read of the settings; `provider` is already resolved."""

    @property
    def provider(self) -> str: ...

    @property
    def openai_api_key(self) -> SecretStr | None:
        """None for endpoints without keys."""
        ...

    @property
    def openai_base_url(self) -> str | None:
        """None: OpenAI itself."""
        ...

    @property
    def llm_model(self) -> str | None:
        """The model's name at the endpoint."""
        ...

    @property
    def databricks_host(self) -> str | None:
        """The workspace; None: where the Databricks SDK is signed in."""
        ...

    @property
    def databricks_token(self) -> SecretStr | None:
        """None: the SDK's own sign-in."""
        ...

    @property
    def databricks_endpoint(self) -> str:
        """The serving endpoint."""
        ...

    @property
    def mlflow_tracking_uri(self) -> str | None:
        """Where traces of Databricks models go; None: nowhere."""
        ...

    @property
    def llm_fast_path(self) -> bool:
        """Whether overrides of library internals may be used."""
        ...

    @property
    def proxies(self) -> ProxyRules:
        """How other machines are reached."""
        ...

    @property
    def extractive_tokens_per_s(self) -> float:
        """Pace of quoting mode in words a second, 0 = at once."""
        ...


async def _nothing_to_close() -> None:
    return None


@dataclass(frozen=True)
class AnswerModel:
    """A chat model and what the page shows about it.

    One instance serves every event loop; `aclose` closes the connections of the running one.
    """

    chat: BaseChatModel
    name: str
    provider: str
    label: str  # shown on the page
    sends_to: str | None  # the host that passages are sent to
    address: str | None  # its URL
    can_judge: bool  # can grade evidence and rewrite queries
    key_setting: str = "the model's key"  # the setting to name when the service refuses the key
    has_key: bool = True  # whether that setting is set
    close: Callable[[], Awaitable[None]] = _nothing_to_close
    quirks: Quirks = field(default_factory=Quirks)

    def answering(
        self, passages: Sequence[Passage], *, question: str, prefix: str = ""
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The runnable that answers this question; quoting mode gets its evidence by `bind`.

        `passages[n - 1]` is what `[n]` means; `prefix` is the text that the answer continues.
        """
        if self.can_judge:
            return self.chat
        return self.chat.bind(passages=tuple(passages), question=question, prefix=prefix)

    async def aclose(self) -> None:
        """Close the running loop's connections. The model stays usable."""
        await self.close()

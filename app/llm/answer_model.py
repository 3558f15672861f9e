"""The answer model as other packages use it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from app.domain.models import Passage
from app.llm.quirks import Quirks

OPENAI_URL = "https://api.openai.com/v1"
MAX_ANSWER_TOKENS = 4_096
"""Tokens reserved for the answer in large windows."""
QUOTING_LABEL = "Quoting mode: no model connected"


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
    is_listed: bool = False  # an entry of `MODELS` or found: failures name it and that setting
    context_window: int | None = None  # tokens
    close: Callable[[], Awaitable[None]] = _nothing_to_close
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def max_prompt_tokens(self) -> int | None:
        """Estimated tokens that a prompt may have; None: unknown."""
        window = self.context_window
        room = None if window is None else window - min(window // 4, MAX_ANSWER_TOKENS)
        return min((one for one in (room, self.quirks.max_tokens) if one is not None), default=None)

    def answering(
        self,
        passages: Sequence[Passage],
        *,
        question: str,
        prefix: str = "",
        quote: str | None = None,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The runnable that answers this question; quoting mode gets its evidence by `bind`.

        `passages[n - 1]` is what `[n]` means; `prefix` is the text that the answer continues,
        `quote` what quoting mode answers, if that was chosen already.
        """
        if self.can_judge:
            return self.chat
        return self.chat.bind(
            passages=tuple(passages), question=question, prefix=prefix, quote=quote
        )

    async def aclose(self) -> None:
        """Close the running loop's connections. The model stays usable."""
        await self.close()

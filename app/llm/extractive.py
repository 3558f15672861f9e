"""Quoting mode: answers without a model, with the best verbatim sentences of the passages."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from typing_extensions import override

from app.domain.adapter_settings import ModelSettings
from app.domain.models import QUOTING_MODEL as NAME
from app.domain.models import Passage
from app.llm.answer_model import QUOTING_LABEL, AnswerModel
from app.llm.extractive_answer import quote_answer
from app.llm.fast_path.versions import is_usable
from app.llm.path_selection import streaming_class

_PIECE: Final = re.compile(r"(?<!\s)\s*+\S++(?:\s++\Z)?")
_FINISHED: Final = {"finish_reason": "stop", "model_name": NAME}


class ExtractiveChatModel(BaseChatModel):
    """A chat model that quotes its evidence, which is passed by `bind`, never in the prompt:

        model.bind(passages=[...], question="...", prefix="text that the answer continues")

    `[n]` means `passages[n - 1]`. With `quote`, the answer was chosen already. Streams word by word
    at an average pace: after a slow read the words that are due are sent at once.
    """

    tokens_per_s: float = 0.0  # words a second, 0 = at once

    @property
    @override
    def _llm_type(self) -> str:
        return NAME

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        *,
        passages: Sequence[Passage] = (),
        question: str = "",
        prefix: str = "",
        quote: str | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        answer = quote_answer(question, passages) if quote is None else quote
        text = _rest(answer, prefix)
        message = AIMessage(text, usage_metadata=_usage(question, passages, text))
        message.response_metadata = dict(_FINISHED)
        generation = ChatGeneration(message=message, generation_info=dict(_FINISHED))
        return ChatResult(generations=[generation])

    @override
    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return await asyncio.to_thread(self._generate, messages, stop, **kwargs)

    @override
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        *,
        passages: Sequence[Passage] = (),
        question: str = "",
        prefix: str = "",
        quote: str | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        if quote is None:  # in a thread: choosing takes up to 25 ms
            quote = await asyncio.to_thread(quote_answer, question, passages)
        text = _rest(quote, prefix)
        now = asyncio.get_running_loop().time
        began = now()
        for count, piece in enumerate(_PIECE.findall(text)):
            due = began + count / self.tokens_per_s if self.tokens_per_s else began
            # Even without a delay: yields to other tasks and allows cancellation.
            await asyncio.sleep(max(0.0, due - now()))
            yield ChatGenerationChunk(message=AIMessageChunk(content=piece))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                content="", usage_metadata=_usage(question, passages, text), chunk_position="last"
            ),
            generation_info=dict(_FINISHED),
        )


def _rest(answer: str, prefix: str) -> str:
    """The rest of the answer after `prefix`.

    When the library has changed, so may the choice: then the lines that were not said yet.
    """
    if answer.startswith(prefix):
        return answer.removeprefix(prefix) or answer
    said = prefix.split("\n")
    lines = answer.split("\n")
    rest = [line for line in lines if not line.strip() or line not in said]
    begun = next((line for line in rest if said[-1] and line.startswith(said[-1])), None)
    if begun is None:
        return "\n\n" + "\n".join(rest).strip("\n")
    rest.remove(begun)
    return f"{begun.removeprefix(said[-1])}\n{chr(10).join(rest)}".rstrip("\n")


def _usage(question: str, passages: Sequence[Passage], text: str) -> UsageMetadata:
    """Estimated usage in words: quoting mode has no tokenizer."""
    read = len(question.split()) + sum(len(passage.text.split()) for passage in passages)
    written = len(text.split())
    return UsageMetadata(input_tokens=read, output_tokens=written, total_tokens=read + written)


def make(settings: ModelSettings) -> AnswerModel:
    """The answer model of quoting mode. It sends nothing to other machines."""
    chat = streaming_class(ExtractiveChatModel, fast=is_usable(settings.fast_path))
    return AnswerModel(
        chat=chat(tokens_per_s=settings.extractive_tokens_per_s),
        name=NAME,
        provider=NAME,
        label=QUOTING_LABEL,
        sends_to=None,
        address=None,
        can_judge=False,
    )

"""Prompts that fit a model: the oldest turns go, instructions, passages and question stay."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from app.domain.token_estimate import estimated_tokens

Message = BaseMessage | tuple[str, str]
_OF_EACH = 6  # tokens of a message beside its text
_ANSWERS = frozenset(("ai", "assistant"))
_INSTRUCTIONS = frozenset(("system", "developer"))


def prompt_tokens(messages: Sequence[Message]) -> int:
    return sum(estimated_tokens(_text(message)) + _OF_EACH for message in messages)


def fitted(messages: Sequence[Message], max_tokens: int) -> list[Message]:
    """Without as many of the oldest turns as it takes, and as there are."""
    kept = list(messages)
    left = prompt_tokens(kept)
    while left > max_tokens:
        shorter = without_oldest_turn(kept)
        if len(shorter) == len(kept):
            break
        left -= prompt_tokens(kept[: len(kept) - len(shorter) + _heads(kept)][_heads(kept) :])
        kept = shorter
    return kept


def without_oldest_turn(messages: Sequence[Message]) -> list[Message]:
    """The same messages when there is no earlier turn."""
    heads = _heads(messages)
    for at in range(heads, len(messages) - 1):
        if _role(messages[at]) in _ANSWERS:
            return [*messages[:heads], *messages[at + 1 :]]
    return list(messages)


def _heads(messages: Sequence[Message]) -> int:
    """How many messages of instructions stand first."""
    roles = enumerate(map(_role, messages))
    return next((at for at, role in roles if role not in _INSTRUCTIONS), len(messages))


def _role(message: Message) -> str:
    return message[0] if isinstance(message, tuple) else message.type


def _text(message: Message) -> str:
    return message[1] if isinstance(message, tuple) else str(message.content)

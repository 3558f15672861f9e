"""Shortens prompts by removing the oldest turns; instructions, passages and question stay."""

from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from app.domain.token_estimate import estimated_tokens

Message = BaseMessage | tuple[str, str]
_TOKENS_PER_MESSAGE = 6  # tokens of a message's framing
_ANSWERS = frozenset(("ai", "assistant"))
_INSTRUCTIONS = frozenset(("system", "developer"))


def prompt_tokens(messages: Sequence[Message]) -> int:
    return sum(estimated_tokens(_text(message)) + _TOKENS_PER_MESSAGE for message in messages)


def fitted(messages: Sequence[Message], max_tokens: int) -> list[Message]:
    """Removes the oldest turns until the prompt fits or none is left."""
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
    """Removes the oldest turn; without one, returns the messages unchanged."""
    heads = _heads(messages)
    for at in range(heads, len(messages) - 1):
        if _role(messages[at]) in _ANSWERS:
            return [*messages[:heads], *messages[at + 1 :]]
    return list(messages)


def _heads(messages: Sequence[Message]) -> int:
    """The number of leading instruction messages."""
    roles = enumerate(map(_role, messages))
    return next((at for at, role in roles if role not in _INSTRUCTIONS), len(messages))


def _role(message: Message) -> str:
    return message[0] if isinstance(message, tuple) else message.type


def _text(message: Message) -> str:
    return message[1] if isinstance(message, tuple) else str(message.content)

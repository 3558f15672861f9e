"""Normalizes the chunks of model services, whose servers vary the format.

A normalized chunk has the first choice's text, reasoning, finish reason and usage, in this order,
omitting what is absent. Malformed chunks without text are dropped, but their finish reason is kept.
A lone surrogate waits for its pair, and reasoning written into the answer is separated from it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard

from app.domain.ports import DELTAS, ENDED, REASONING, RETRACTED
from app.llm.failures import NotAnAnswer
from app.llm.finish_reasons import meaning
from app.llm.quirks import Quirks
from app.llm.sse_coalescer import Chunk, plain_text
from app.text.reasoning_blocks import Piece, ReasoningSplitter, split_reasoning

_OWN_ROLES: Final = ("assistant", "", None)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_HIGH: Final = re.compile("[\ud800-\udbff]\\Z")
_THOUGHTS: Final = ("reasoning_content", "reasoning", "thinking")
_TOKENS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")
_ALIVE: Final[Chunk] = {"choices": []}
"""An empty chunk: it only shows that the service is alive."""


class ChunkNormalizer:
    """Normalizes one stream: `feed` its chunks in order, then `close`."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._opened = quirks.opens_thoughts
        self._splitter = ReasoningSplitter(opened=self._opened)
        self._half = ""
        self._has_answer = False
        self._finish: object = None
        self._base: Chunk = {}

    def feed(self, chunk: Chunk) -> Sequence[Chunk]:
        """The normalized chunks; at least one, because each shows that the service is alive."""
        text = plain_text(chunk)
        if text is None:
            return self._odd(chunk)
        self._has_answer = True
        delta = chunk["choices"][0]["delta"]
        if delta.get("role") not in _OWN_ROLES:
            delta["role"] = "assistant"
        whole = not self._half and (text.isascii() or _SURROGATE.search(text) is None)
        if whole and self._splitter.passes_through(text):
            return (chunk,)
        return self._spoken(text, chunk) or (_ALIVE,)

    def close(self, *, ended: bool) -> Sequence[Chunk]:
        """The buffered rest. `ended`: the service marked the end of its stream."""
        half, self._half = self._half, ""
        pieces = [*(self._splitter.feed(half) if half else ()), *self._splitter.close()]
        made = self._made(pieces)
        if made and self._finish:
            _finish(made, self._finish)
        if self._opened and self._has_answer and not self._splitter.unopened:
            self._quirks.opens_thoughts = False
        return [*made, {"choices": [], ENDED: True}] if ended else made

    def _odd(self, chunk: Chunk) -> Sequence[Chunk]:
        choice = first_choice(chunk)
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            message = choice.get("message")  # the whole answer of a service that did not stream
            delta = message if isinstance(message, dict) and not self._has_answer else {}
        text, reasoning = content_of(delta)
        made: list[Chunk] = [{"choices": [], REASONING: reasoning}] if reasoning else []
        if reasoning and not self._has_answer:  # the server separates reasoning from the answer
            self._splitter = ReasoningSplitter()
        if text:
            self._has_answer = True
            made += self._spoken(text, chunk)
        finish, usage = choice.get("finish_reason"), usage_of(chunk.get("usage"))
        if finish or usage:
            self._finish = finish or self._finish
            made = made or [_chunk(chunk, "")]
            _finish(made, finish, usage)
        return made or (_ALIVE,)

    def _spoken(self, text: str, chunk: Chunk) -> list[Chunk]:
        self._base = chunk
        text = _paired(self._half + text)
        half = _HIGH.search(text)
        self._half = half.group() if half else ""
        made = self._made(self._splitter.feed(text.removesuffix(self._half)))
        if DELTAS in chunk:
            for one in made[:1]:
                one[DELTAS] = chunk[DELTAS]
        return made

    def _made(self, pieces: Sequence[Piece]) -> list[Chunk]:
        made: list[Chunk] = []
        for kind, text in pieces:
            if kind == "text":
                made.append(_chunk(self._base, text))
            elif kind == "thought":
                made.append({"choices": [], REASONING: text})
            else:
                made.append({"choices": [], RETRACTED: True})
        if self._splitter.unopened:
            self._quirks.opens_thoughts = True
        return made


def _chunk(base: Chunk, text: str) -> Chunk:
    kept = {key: base[key] for key in ("id", "model") if isinstance(base.get(key), str)}
    delta = {"content": text} if text else {}
    return {**kept, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def _finish(made: list[Chunk], reason: object, usage: dict[str, int] | None = None) -> None:
    """The finish reason stays on its own chunk: with text it is weaker evidence of the end."""
    if not made[-1]["choices"]:
        made.append(_chunk({}, ""))
    made[-1]["choices"][0]["finish_reason"] = reason or None
    if usage:
        made[-1]["usage"] = usage


def _paired(text: str) -> str:
    """Surrogate pairs joined; lone surrogates stay as they are."""
    if text.isascii() or _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def first_choice(body: Mapping[str, Any]) -> dict[str, Any]:
    """The first choice; empty when there is none or it is malformed."""
    choices = body.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def content_of(message: Mapping[str, Any]) -> tuple[str, str]:
    """Text and reasoning of a message or delta; a refusal counts as text."""
    content = message.get("content")
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content if isinstance(content, list) else [content]:
        _read(part, texts, thoughts)
    if not thoughts:
        fields = (message.get(name) for name in _THOUGHTS)
        thoughts += [one for one in fields if isinstance(one, str) and one][:1]
    refusal = message.get("refusal")
    if not any(texts) and isinstance(refusal, str):
        texts.append(refusal)
    return "".join(texts), "".join(thoughts)


def _read(part: object, texts: list[str], thoughts: list[str]) -> None:
    if isinstance(part, str):
        texts.append(part)
    elif isinstance(part, int | float) and not isinstance(part, bool):
        texts.append(str(part))  # some servers send digits as a JSON number
    elif isinstance(part, dict):
        kind = part.get("type", "text")
        if kind in ("text", "output_text", "refusal"):
            text = part.get("text", part.get("refusal"))
            texts += [text] if isinstance(text, str) else []
        elif kind in ("reasoning", "thinking", "reasoning_text", "summary_text"):
            _reflect(part, thoughts)


def _reflect(part: Mapping[str, Any], thoughts: list[str]) -> None:
    """`{"type": "reasoning", "summary": [{"text": …}]}`, `{"type": "thinking", "thinking": …}`."""
    for name in ("summary", "thinking", "reasoning", "text", "content"):
        inner = part.get(name)
        for one in inner if isinstance(inner, list) else [inner]:
            text = one.get("text") if isinstance(one, dict) else one
            if isinstance(text, str):
                thoughts.append(text)


def usage_of(usage: object) -> dict[str, int] | None:
    """The token counts; None when they are absent or malformed."""
    if not isinstance(usage, dict):
        return None
    given, made, both = (usage.get(name) for name in _TOKENS)
    if not _counts(given) or not _counts(made):
        return None
    total = both if _counts(both) else given + made
    return dict(zip(_TOKENS, (int(given), int(made), int(total)), strict=True))


def _counts(number: object) -> TypeGuard[int | float]:
    return isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 1e12


def whole_answer(body: object, quirks: Quirks) -> dict[str, Any]:
    """Normalizes a completion that was not streamed. Raises `NotAnAnswer`."""
    if not isinstance(body, dict):
        raise NotAnAnswer("page" if isinstance(body, str) else "other")
    choice = first_choice(body)
    message = choice.get("message")
    if not isinstance(message, dict):
        raise NotAnAnswer("other")
    text, reasoning = content_of(message)
    split = split_reasoning(_paired(text))
    quirks.opens_thoughts |= split.unopened
    message_out = {
        "role": "assistant",
        "content": split.answer,
        REASONING: reasoning + split.reasoning,
    }
    reason = choice.get("finish_reason")
    if meaning(reason) is None:  # a body read to its end is complete
        reason = "stop"
    return {
        "id": body.get("id"),
        "model": body.get("model"),
        "choices": [{"index": 0, "message": message_out, "finish_reason": reason}],
        "usage": usage_of(body.get("usage")),
    }


def whole_chunks(body: object, quirks: Quirks) -> list[Chunk]:
    """The completion as chunks, for services that do not stream. Raises `NotAnAnswer`."""
    whole = whole_answer(body, quirks)
    choice = whole["choices"][0]
    made: list[Chunk] = []
    if reasoning := choice["message"][REASONING]:
        made.append({"choices": [], REASONING: reasoning})
    if text := choice["message"]["content"]:
        made.append(_chunk(whole, text))
    last = _chunk(whole, "")
    _finish([last], choice["finish_reason"], whole["usage"])
    return [*made, last, {"choices": [], ENDED: True}]

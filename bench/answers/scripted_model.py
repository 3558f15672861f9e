"""An OpenAI-compatible service whose model does what its prompts ask, by counting shared words.

It answers with the passages that share most words with the question, quoted and cited; it grades,
completes follow-ups and writes queries in the same way. No rule here knows a question.
"""

import json
import re
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from app.graph.prompts import ANSWER, CONTEXTUALIZE, GRADE, REWRITE
from app.text.tokens import content_terms

NAME: Final = "scripted"
DECLINED: Final = "The passages do not answer this question."
_PASSAGE: Final = re.compile(r"^\[(\d+)\] ([^\n]*)\n<passage>\n(.*?)\n</passage>", re.S | re.M)
_SHARE: Final = 0.34
"""Of the question's words, in a passage that answers it."""
_STEM: Final = 5
"""Letters by which words are compared, so that other forms and slips are the same word."""
_WHOLE: Final = re.compile(
    r"^\W*(?:summari[sz]e|compare|overview|give me an overview)\b|\babout\W*$|\bdifference\b", re.I
)
_OPENING: Final = 200
"""Characters of each passage in an answer about all of them."""
_NEAR_BEST: Final = 0.8
_QUOTED: Final = 3


def scripted_model() -> FastAPI:
    """Serves `POST /v1/chat/completions` and `GET /v1/models`."""
    app = FastAPI()

    @app.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [{"id": NAME, "object": "model"}]}

    @app.post("/v1/chat/completions")
    async def complete(request: Request) -> Response:
        body = await request.json()
        text = reply(body["messages"])
        if body.get("stream"):
            return StreamingResponse(_frames(text), media_type="text/event-stream")
        message = {"message": {"role": "assistant", "content": text}}
        return JSONResponse(_object("chat.completion", message, "stop"))

    return app


def reply(messages: list[dict[str, Any]]) -> str:
    """What the model writes for one of the application's prompts."""
    asked: str = messages[-1]["content"]
    match messages[0]["content"]:
        case text if text == GRADE:
            numbers = [number for number, *_ in _relevant(asked)]
            return json.dumps({"relevant": numbers, "answerable": bool(numbers)})
        case text if text == CONTEXTUALIZE:
            return _completed(messages)
        case text if text == REWRITE:
            return asked.partition("\n")[0].removeprefix("Question: ")
        case text if text.startswith(ANSWER):
            return _answer(asked)
        case _:
            return "OK"


def _answer(asked: str) -> str:
    if _WHOLE.search(_question(asked)):
        parts = [f"{text[:_OPENING]} [{number}]" for number, _, text in _PASSAGE.findall(asked)]
        return "\n\n".join(parts) or DECLINED
    chosen = _relevant(asked)
    return "\n\n".join(f"{text} [{number}]" for number, text, _ in chosen) or DECLINED


def _relevant(asked: str) -> list[tuple[int, str, float]]:
    """Number, text and share of the passages that answer, the best first."""
    terms = _stems(_question(asked)) - _ASKING
    found = []
    for number, place, text in _PASSAGE.findall(asked):
        shared = terms & _stems(f"{place} {text}")
        found.append((int(number), text, len(shared) / max(len(terms), 1)))
    best = max((share for *_, share in found), default=0.0)
    limit = max(_SHARE, best * _NEAR_BEST)
    ranked = sorted(found, key=lambda one: -one[2])
    return [one for one in ranked if one[2] >= limit][:_QUOTED]


def _stems(text: str) -> frozenset[str]:
    return frozenset(term[:_STEM] for term in content_terms(text))


def _question(asked: str) -> str:
    return asked.rpartition("\nQuestion: ")[2].partition("\n")[0]


def _completed(messages: list[dict[str, Any]]) -> str:
    """The follow-up with the words of the question before it."""
    follow_up = messages[-1]["content"].removeprefix("Follow-up question: ")
    before = [one["content"] for one in messages[1:-1] if one["role"] == "user"]
    return f"{follow_up.rstrip('?')} ({before[-1].rstrip('?')})?" if before else follow_up


async def _frames(text: str) -> AsyncIterator[bytes]:
    for piece in re.findall(r"\S+\s*", text):
        yield _frame(_object("chat.completion.chunk", {"delta": {"content": piece}}))
    yield _frame(_object("chat.completion.chunk", {"delta": {}}, "stop"))
    yield b"data: [DONE]\n\n"


def _frame(content: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(content).encode() + b"\n\n"


def _object(kind: str, choice: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": kind,
        "created": 1790000000,
        "model": NAME,
        "choices": [{"index": 0, **choice, "finish_reason": finish_reason}],
    }


_ASKING: Final = _stems(
    "what which who whom whose when where why how many much long often does did do is are tell me "
    "about summarise summarize compare difference between list give show all every"
)

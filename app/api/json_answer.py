"""The JSON ending of a cursor: the whole answer as one object."""

from contextlib import aclosing

import orjson

from app.runs.ports import LogEntry
from app.runs.service import RunHandle

FOR_EVER_S = 3600.0


async def collect(handle: RunHandle) -> tuple[int, dict[str, object]]:
    """Status and body: 200 with the answer, 502 or 504 with `error` and `partial`."""
    text: list[str] = []
    citations: object = []
    terminal: LogEntry | None = None
    async with aclosing(handle.cursor.frames(silence_s=FOR_EVER_S)) as entries:
        async for entry in entries:
            if entry is None:
                continue
            if entry.text is not None:
                text.append(entry.text)
            elif entry.type == "citations":
                citations = orjson.loads(entry.data)["content"]["citations"]
            elif entry.type == "reset":
                content = orjson.loads(entry.data)["content"]
                text, citations = [content["text"]], content["citations"]
            terminal = entry
    record = handle.record
    ids: dict[str, object] = {
        "run_id": record.run_id,
        "session_id": record.session_id,
        "message_id": record.message_id,
    }
    return _body(ids, "".join(text), citations, terminal)


def _body(
    ids: dict[str, object], text: str, citations: object, terminal: LogEntry | None
) -> tuple[int, dict[str, object]]:
    if terminal is None or terminal.type not in {"done", "error"}:
        error = {"code": "INTERRUPTED", "message": "The answer is gone: it was deleted."}
        return 502, {"error": error, "partial": text, **ids}
    content = orjson.loads(terminal.data)["content"]
    if terminal.type == "error":
        status = 504 if content["code"] == "TIMEOUT" else 502
        error = {"code": content["code"], "message": content["message"]}
        return status, {"error": error, "partial": text, "citations": citations, **ids}
    return 200, {
        **ids,
        "answer": text,
        "citations": citations,
        "finish_reason": content["finish_reason"],
        "usage": content["usage"],
        "timings": content["timings"],
    }

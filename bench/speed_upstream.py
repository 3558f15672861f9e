"""A model service that is never the bottleneck: frames encoded beforehand, written raw.

`python -m bench.speed_upstream` prints its port. `PUT /plan` sets its answers, for example
`{"tokens": 400, "rate": 50}`: rate 0 means full speed, with several frames per write as from a fast
service; tokens 0 means endless. Each frame is one HTTP chunk, as real services send them. Every
token ends in `~`, so that a reader can count them however they are merged; with a rate its text is
the microsecond (of `time.monotonic`) at which it was sent.
"""

import asyncio
import contextlib
import sys
import time
from dataclasses import dataclass
from typing import Final, cast

import orjson
import uvloop
from typing_extensions import override

PER_WRITE: Final = 64
DIGITS: Final = 12
_WORDS: Final = ("the", "answer", "is", "in", "this", "passage", "about", "doses", "and", "risks")
_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
)
_OPEN: Final = (
    b'data: {"id":"chatcmpl-C0ffee0123456789abcdefghij","object":"chat.completion.chunk",'
    b'"created":1790000000,"model":"fake-model-2026-11-01","service_tier":"default",'
    b'"system_fingerprint":"fp_0123456789","choices":'
)


def chunk(frame: bytes) -> bytes:
    """A frame as an HTTP chunk."""
    return b"%x\r\n%b\r\n" % (len(frame), frame)


def token(text: bytes) -> bytes:
    """The frame of one token, as an HTTP chunk. `text` needs no escaping."""
    choice = b'[{"index":0,"delta":{"content":"%b"},"logprobs":null,"finish_reason":null}]' % text
    return chunk(_OPEN + choice + b',"usage":null}\n\n')


FLAT: Final = b"".join(token(b" %b~" % _WORDS[n % 10].encode()) for n in range(PER_WRITE))
PACED: Final = token(b" " + b"#" * DIGITS + b"~").split(b"#" * DIGITS)
ROLE: Final = chunk(
    _OPEN + b'[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,'
    b'"finish_reason":null}],"usage":null}\n\n'
)
JUDGED: Final = orjson.dumps(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1790000000,
        "model": "fake",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": '{"relevant": [1], "answerable": 1}'},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
)


def farewell(tokens: int) -> bytes:
    """Finish reason, usage, `[DONE]` and the end of the body."""
    finish = b'[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}\n\n'
    usage = b'[],"usage":{"prompt_tokens":900,"completion_tokens":%d,"total_tokens":%d}}\n\n'
    frames = (_OPEN + finish, _OPEN + usage % (tokens, 900 + tokens), b"data: [DONE]\n\n")
    return b"".join(map(chunk, frames)) + b"0\r\n\r\n"


@dataclass(slots=True)
class Plan:
    """The plan of all following answers."""

    tokens: int = 400
    rate: float = 0.0
    stays: bool = False  # after the last token the stream stays open


@dataclass(slots=True)
class Service:
    """The plan, and the record of requests."""

    plan: Plan
    asked: int = 0
    judged: int = 0
    asked_at: float = 0.0  # `time.monotonic` of the last question


class Answering(asyncio.Protocol):
    """One connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._received = bytearray()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, mark, rest = bytes(self._received).partition(b"\r\n\r\n")
        if not mark:
            return
        length = 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(rest) >= length:
            self._received = bytearray(rest[length:])
            self._answer(head, rest[:length])

    def _answer(self, head: bytes, body: bytes) -> None:
        service = self._service
        if head.startswith(b"PUT /plan"):
            service.plan = Plan(**orjson.loads(body))
            self._whole(b"{}")
        elif head.startswith(b"GET /stats"):
            told = {"asked": service.asked, "judged": service.judged, "at": service.asked_at}
            self._whole(orjson.dumps(told))
        elif b'"stream":true' in body or b'"stream": true' in body:
            service.asked += 1
            service.asked_at = time.monotonic()
            self._stream(service.plan)
        else:
            service.judged += 1
            self._whole(JUDGED)

    def _whole(self, body: bytes) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b"
            % (len(body), body)
        )

    def _stream(self, plan: Plan) -> None:
        self._transport.write(_HEAD + ROLE)
        if plan.rate:
            self._next = asyncio.get_running_loop().time()
            self._pace(plan, 0)
        else:
            self._task = asyncio.get_running_loop().create_task(self._flat_out(plan))

    async def _flat_out(self, plan: Plan) -> None:
        left = plan.tokens or sys.maxsize
        while left > 0:
            await self._writable.wait()
            if left >= PER_WRITE:
                self._transport.write(FLAT)
            else:
                self._transport.write(token(b" last~") * left)
            left -= PER_WRITE
            await asyncio.sleep(0)
        self._transport.write(farewell(plan.tokens))

    def _pace(self, plan: Plan, sent: int) -> None:
        """Sends each token separately, when it is due."""
        if plan.tokens and sent == plan.tokens:
            if not plan.stays:
                self._transport.write(farewell(sent))
            return
        now = b"%012d" % int(time.monotonic() * 1e6)
        self._transport.write(PACED[0] + now + PACED[1])
        loop = asyncio.get_running_loop()
        self._next += 1 / plan.rate
        self._timer = loop.call_at(self._next, self._pace, plan, sent + 1)

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._task is not None:
            self._task.cancel()


async def main() -> None:
    """Serve until killed."""
    service = Service(Plan())
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Answering(service), "127.0.0.1", 0, backlog=4096)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    with contextlib.suppress(asyncio.CancelledError):
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())

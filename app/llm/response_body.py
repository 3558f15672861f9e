"""The body of a model service's response as normalized chunks."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from typing import Final

import httpx2
import openai

from app.llm.chunk_normalization import ChunkNormalizer, whole_chunks
from app.llm.failures import NotAnAnswer, ReportedError
from app.llm.quirks import Quirks
from app.llm.sse_coalescer import MAX_FRAME, Chunk, FrameMerger

_DRAIN_S: Final = 0.1
"""Seconds to wait for the end of the body after `[DONE]`, so that the connection is reusable."""

_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_UNFRAMED: Final = (b"{", b"[", b"<")
"""First bytes of a body that is not an event stream."""


async def read_chunks(
    reads: AsyncGenerator[bytes, None],
    request: httpx2.Request,
    quirks: Quirks,
    *,
    close: Callable[[], Awaitable[None]],
) -> AsyncGenerator[Chunk, None]:
    """The chunks of one answer, each as soon as `reads` has delivered it; calls `close` at the end.

    Raises the SDK's errors, `NotAnAnswer`, and errors that the service reports in the body.
    """
    body = ResponseBody(quirks, request)
    try:
        with as_sdk_errors(request):
            async with aclosing(reads):
                async for data in reads:
                    for chunk in body.feed(data):
                        yield chunk
                    if body.over:
                        break
                for chunk in body.close():
                    yield chunk
                if body.over:
                    await _drain(reads)
    finally:
        await close()


def check(body: Chunk, request: httpx2.Request, *, final: bool = True) -> None:
    """Raise an error that the service reports in the body."""
    error = body.get("error") or (body if body.get("object") == "error" else None)
    if not error:
        return
    message = error.get("message") if isinstance(error, dict) else error
    if not isinstance(message, str) or not message:
        message = "An error occurred during streaming"
    raise ReportedError(message, request, body=error, final=final)


@contextmanager
def as_sdk_errors(request: httpx2.Request) -> Iterator[None]:
    """httpx2's errors as the SDK raises them."""
    try:
        yield
    except httpx2.TimeoutException as error:
        raise openai.APITimeoutError(request=request) from error
    except httpx2.RequestError as error:
        raise openai.APIConnectionError(request=request) from error


class ResponseBody:
    """Parses the body of a 2xx response, usually a stream. `feed` the reads in order, then `close`.

    Both raise `NotAnAnswer` and errors that the service reports in the body.
    """

    def __init__(self, quirks: Quirks, request: httpx2.Request) -> None:
        self._quirks = quirks
        self._request = request
        self._merger = FrameMerger()
        self._normalizer = ChunkNormalizer(quirks)
        self._begun = False
        self._unframed: list[bytes] | None = None
        self._size = 0
        self.over = False  # the answer is complete

    def feed(self, data: bytes) -> Iterator[Chunk]:
        """The chunks completed by these bytes."""
        if not self._begun and (head := data.lstrip(_BLANK)):
            self._begun = True
            if head[:1] in _UNFRAMED:
                self._unframed = []
        if self._unframed is not None:
            self._size += len(data)
            if self._size > MAX_FRAME:
                raise NotAnAnswer("other")
            self._unframed.append(data)
            return
        merger, normalize = self._merger, self._normalizer.feed
        for chunk in merger.feed(data):
            if chunk.get("error") or chunk.get("object") == "error":
                check(chunk, self._request, final=False)
            yield from normalize(chunk)
        if merger.error is not None:
            raise NotAnAnswer("broken") from merger.error
        self.over = merger.done

    def close(self) -> Iterator[Chunk]:
        """The remaining chunks at the end of the body."""
        if self._unframed is not None:
            yield from self._whole(b"".join(self._unframed).lstrip(_BLANK))
            return
        for chunk in self._merger.close():
            check(chunk, self._request, final=False)
            yield from self._normalizer.feed(chunk)
        yield from self._normalizer.close(ended=self._merger.done)

    def _whole(self, body: bytes) -> list[Chunk]:
        """Handles a body that is not a stream: a whole answer, an error, or a web page."""
        if body.startswith(b"<"):
            raise NotAnAnswer("page")
        try:
            given = json.loads(body.decode(errors="replace"))
        except ValueError as error:
            raise NotAnAnswer("broken") from error
        if isinstance(given, dict):
            check(given, self._request)
        return whole_chunks(given, self._quirks)


async def _drain(reads: AsyncGenerator[bytes, None]) -> None:
    with suppress(TimeoutError, httpx2.RequestError):
        async with asyncio.timeout(_DRAIN_S):
            async for _ in reads:
                pass

"""Measures the gaps between tokens on one stream in `ONE_IN`; other streams have no overhead."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

ONE_IN = 16
HEAD = 96  # a frame's type is in its first bytes, after the id

Frames = AsyncGenerator[bytes, None]


class GapSampler:
    """Samples the first stream of a process, then one in `ONE_IN`."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._streams = 0

    def __call__(self, frames: Frames) -> Frames:
        """Wrap the frames if this stream is sampled."""
        sampled = self._streams % ONE_IN == 0
        self._streams += 1
        return self._measured(frames) if sampled else frames

    async def _measured(self, frames: Frames) -> Frames:
        """Record the seconds between consecutive frames of text."""
        last: float | None = None
        async with aclosing(frames):
            async for frame in frames:
                head = frame[:HEAD]
                if b'"type":"token"' in head or b"event: token" in head:
                    now = time.monotonic()
                    if last is not None:
                        self._observe(now - last)
                    last = now
                else:
                    last = None
                yield frame


def unsampled(frames: Frames) -> Frames:
    """Pass the frames through unmeasured."""
    return frames

"""Measures the gaps between tokens on every so-manieth stream; the others pay nothing."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

ONE_IN = 16
HEAD = 96  # the type stands in the first bytes of a frame, after its id

Frames = AsyncGenerator[bytes, None]


class GapSampler:
    """The first stream of a process is sampled, then one in `ONE_IN`."""

    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._streams = 0

    def __call__(self, frames: Frames) -> Frames:
        """The frames as they are, or the same with their gaps told."""
        sampled = self._streams % ONE_IN == 0
        self._streams += 1
        return self._measured(frames) if sampled else frames

    async def _measured(self, frames: Frames) -> Frames:
        """Seconds between two frames of text with nothing between them, as this viewer got them."""
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
    """For applications that are not watched."""
    return frames

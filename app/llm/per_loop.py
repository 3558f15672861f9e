"""One resource per event loop, closed with it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Generic, TypeVar

T = TypeVar("T")


class PerLoop(Generic[T]):
    """Usable from any event loop. The shutdown of a loop closes its resource."""

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[T]]) -> None:
        self._make = make
        self._held: dict[asyncio.AbstractEventLoop, tuple[T, AsyncGenerator[T, None]]] = {}

    async def get(self) -> T:
        """The resource of the running loop."""
        loop = asyncio.get_running_loop()
        held = self._held.get(loop)
        if held is None:
            # The loop's shutdown closes started async generators: the only hook into it when
            # there is no lifespan.
            owner = self._owned(loop)
            held = self._held[loop] = (await anext(owner), owner)
        return held[0]

    async def close(self) -> None:
        """Close the running loop's resource; a later `get` opens another."""
        held = self._held.get(asyncio.get_running_loop())
        if held is not None:
            await held[1].aclose()

    async def _owned(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[T, None]:
        async with self._make() as resource:
            try:
                yield resource
            finally:
                self._held.pop(loop, None)

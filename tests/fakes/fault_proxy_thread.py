"""The fault proxy for synchronous harnesses, such as browser journeys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fakes.fault_proxy import FaultProxy
from tests.fakes.loop_thread import LoopThread

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from tests.fakes.proxied import Address, Cut, Faults


class FaultProxyThread:
    """A `FaultProxy` with its own event loop and thread, for synchronous harnesses."""

    def __init__(self, *, upstream: Address, listen: int | str | Path = 0) -> None:
        self._thread = LoopThread()
        self._upstream = upstream
        self._listen = listen
        self._proxy: FaultProxy | None = None

    def __enter__(self) -> FaultProxyThread:
        self._thread.start()
        try:
            self._proxy = self._thread.run(self._open())
        except BaseException:
            self._thread.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._thread.run(self.proxy.__aexit__(None, None, None))
        finally:
            self._thread.stop()

    async def _open(self) -> FaultProxy:
        return await FaultProxy(upstream=self._upstream, listen=self._listen).__aenter__()

    @property
    def proxy(self) -> FaultProxy:
        """The proxy; its counters may be read from here, its methods only through this class."""
        if self._proxy is None:
            raise RuntimeError("not entered")
        return self._proxy

    @property
    def port(self) -> int:
        """The TCP port listened on."""
        return self.proxy.port

    def script(self, *faults: Faults) -> None:
        """As `FaultProxy.script`."""
        self._thread.call(lambda: self.proxy.script(*faults))

    def always(self, faults: Faults) -> None:
        """Sets `FaultProxy.default`."""
        self._thread.call(lambda: setattr(self.proxy, "default", faults))

    def cut_all(self, how: Cut = "rst") -> int:
        """As `FaultProxy.cut_all`."""
        return self._thread.call(lambda: self.proxy.cut_all(how))

    def stall_all(self) -> None:
        """As `FaultProxy.stall_all`."""
        self._thread.call(self.proxy.stall_all)

    def release(self) -> None:
        """As `FaultProxy.release`."""
        self._thread.call(self.proxy.release)

    def refuse(self, refused: bool) -> None:
        """As `FaultProxy.refuse`."""
        self._thread.run(self.proxy.refuse(refused))

    def wait_until(self, holds: Callable[[], bool], timeout_s: float = 5.0) -> None:
        """As `FaultProxy.wait_until`."""
        self._thread.run(self.proxy.wait_until(holds, timeout_s))

    def stats(self) -> dict[str, int]:
        """As `FaultProxy.stats`."""
        return self._thread.call(self.proxy.stats)

"""A server that records all data it receives, to prove that none is sent."""

import socketserver
import threading
from types import TracebackType
from typing import Self, cast

from typing_extensions import override

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class _Take(socketserver.BaseRequestHandler):
    @override
    def handle(self) -> None:
        cast("Sink", self.server).heard.append(self.request.recv(65_536))
        self.request.sendall(ANSWER)


class Sink(socketserver.ThreadingTCPServer):
    """Answers every connection with HTTP; `heard` has the first bytes of each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.heard: list[bytes] = []
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def __enter__(self) -> Self:
        self._thread.start()
        return self

    @override
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

"""A real nginx with the project's configuration in front of replicas."""

import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.harness.serving import free_port

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


def configured(*, listen: int, upstreams: tuple[int, ...], down: tuple[int, ...] = ()) -> str:
    """`deploy/nginx.conf` with other ports and no other change, so that the real file is tested.

    One worker is enough and uses less processor time.
    """
    replicas = "\n".join(
        f"server 127.0.0.1:{port}{' down' if port in down else ''};" for port in upstreams
    )
    text = CONFIGURATION.read_text()
    for pattern, replacement in (
        (r"server 127\.0\.0\.1:8000;", replicas),
        (r"listen 8080;", f"listen 127.0.0.1:{listen};"),
        (r"worker_processes auto;", "worker_processes 1;"),
    ):
        text, found = re.subn(pattern, replacement, text)
        assert found == 1, f"deploy/nginx.conf has {found} times {pattern}"
    return text


class Nginx:
    """A running nginx; `url` has no trailing slash."""

    def __init__(self, upstreams: tuple[int, ...], edit: Callable[[str], str]) -> None:
        self._upstreams = upstreams
        self._edit = edit
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._prefix = Path(tempfile.mkdtemp(prefix="citestream-nginx-"))
        self._prefix.chmod(0o755)  # started by root, its workers run as another user
        self._configure()
        command = ["nginx", "-p", str(self._prefix), "-c", "nginx.conf", "-e", "stderr"]
        with (self._prefix / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "-g", "daemon off;"], stdout=log, stderr=log
            )

    def _configure(self, down: tuple[int, ...] = ()) -> None:
        text = configured(listen=self._port, upstreams=self._upstreams, down=down)
        (self._prefix / "nginx.conf").write_text(self._edit(text))

    def send_nothing_new_to(self, *ports: int) -> None:
        """Mark these replicas `down` (none: all are up) and reload, as an operator does."""
        self._configure(ports)
        self._process.send_signal(signal.SIGHUP)

    def wait_listening(self) -> None:
        until = time.monotonic() + 10
        while True:
            assert self._process.poll() is None, (self._prefix / "log").read_text()
            assert time.monotonic() < until, (self._prefix / "log").read_text()
            with (
                suppress(ConnectionRefusedError),
                socket.create_connection(("127.0.0.1", self._port)),
            ):
                return
            time.sleep(0.01)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._prefix)


@contextmanager
def running(*upstreams: int, edit: Callable[[str], str] = lambda text: text) -> Iterator[Nginx]:
    """Serve until the block ends.

    `edit` may change the configuration, for example to break it.
    Synchronous, for harnesses without an event loop; it starts within milliseconds.
    """
    proxy = Nginx(upstreams, edit)
    try:
        proxy.wait_listening()
        yield proxy
    finally:
        proxy.close()


@contextmanager
def nginx(*upstreams: int, edit: Callable[[str], str] = lambda text: text) -> Iterator[str]:
    """As `running`, but yields only the URL."""
    with running(*upstreams, edit=edit) as proxy:
        yield proxy.url

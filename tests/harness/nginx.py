"""A real nginx with the project's own configuration in front of replicas."""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.harness.serving import free_port

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"


def configured(*, listen: int, upstreams: tuple[int, ...]) -> str:
    """`deploy/nginx.conf` with other ports: nothing else is changed, so that it is what is tested.

    One worker is enough, and keeps the machine quiet.
    """
    replicas = "\n".join(f"server 127.0.0.1:{port};" for port in upstreams)
    text = CONFIGURATION.read_text()
    for pattern, replacement in (
        (r"server 127\.0\.0\.1:8000;", replicas),
        (r"listen 8080;", f"listen 127.0.0.1:{listen};"),
        (r"worker_processes auto;", "worker_processes 1;"),
    ):
        text, found = re.subn(pattern, replacement, text)
        assert found == 1, f"deploy/nginx.conf has {found} times {pattern}"
    return text


@contextmanager
def nginx(*upstreams: int, edit: Callable[[str], str] = lambda text: text) -> Iterator[str]:
    """Serve until the block ends; gives the URL, without a trailing slash.

    `edit` may change the configuration, to spoil it.
    Synchronous, for harnesses without an event loop too; it is up within a few milliseconds.
    """
    prefix = Path(tempfile.mkdtemp(prefix="citestream-nginx-"))
    prefix.chmod(0o755)  # started by root, its workers run as another user
    port = free_port()
    (prefix / "nginx.conf").write_text(edit(configured(listen=port, upstreams=upstreams)))
    command = ["nginx", "-p", str(prefix), "-c", "nginx.conf", "-e", "stderr"]
    with (prefix / "log").open("wb") as log:
        process = subprocess.Popen([*command, "-g", "daemon off;"], stdout=log, stderr=log)
        try:
            _wait_listening(process, port, prefix / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
    shutil.rmtree(prefix)


def _wait_listening(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    until = time.monotonic() + 10
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < until, log.read_text()
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)

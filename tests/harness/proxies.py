"""haproxy and Caddy as real processes. nginx: see `nginx.py`."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.harness.serving import free_port

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SEARCH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def program(name: str) -> str:
    """The program's path. Skips the test if it is not installed."""
    found = shutil.which(name, path=SEARCH)
    if found is None:
        pytest.skip(f"{name} is not installed: apt-get install {name}")
    return found


@contextmanager
def haproxy(*upstreams: int) -> Iterator[str]:
    """With `deploy/haproxy.cfg`; gives the URL."""
    port = free_port()
    servers = "\n".join(f"    server app{n} 127.0.0.1:{u}" for n, u in enumerate(upstreams))
    text = (DEPLOY / "haproxy.cfg").read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    text, found = re.subn(r"    server app1 127\.0\.0\.1:8000", servers, text)
    assert found == 1
    with _running([program("haproxy"), "-db", "-f"], text, port) as url:
        yield url


@contextmanager
def caddy(*upstreams: int) -> Iterator[str]:
    """With `deploy/Caddyfile`; gives the URL."""
    port = free_port()
    servers = " ".join(f"127.0.0.1:{upstream}" for upstream in upstreams)
    text = (
        (DEPLOY / "Caddyfile")
        .read_text()
        .replace("reverse_proxy 127.0.0.1:8000", f"reverse_proxy {servers}")
    )
    text = text.replace(":8080 {", f"http://127.0.0.1:{port} {{")
    command = [program("caddy"), "run", "--adapter", "caddyfile", "--config"]
    with _running(command, text, port) as url:
        yield url


@contextmanager
def _running(command: list[str], text: str, port: int) -> Iterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="citestream-proxy-"))
    (folder / "configuration").write_text(text)
    environment = {"HOME": str(folder), "PATH": SEARCH}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, str(folder / "configuration")], stdout=log, stderr=log, env=environment
        )
        try:
            until = time.monotonic() + 10
            while True:
                told = (folder / "log").read_text()
                assert process.poll() is None, told
                assert time.monotonic() < until, told
                with (
                    suppress(ConnectionRefusedError),
                    socket.create_connection(("127.0.0.1", port)),
                ):
                    break
                time.sleep(0.02)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)
    shutil.rmtree(folder)

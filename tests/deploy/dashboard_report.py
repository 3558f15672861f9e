"""`python -m tests.deploy.dashboard_report`: draws dashboard and trace from a real Prometheus.

Simulated users query two replicas behind nginx for two minutes while a Prometheus scrapes them each
second and a collector receives their traces. Then each panel of `deploy/grafana/citestream.json` is
drawn in its place from its own queries, and one trace as received. A query that Prometheus refuses
ends the program with Prometheus' message.
"""

import asyncio
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import httpx

from app.db.embedded.server import EmbeddedServer
from app.db.migrations import migrate
from app.embeddings.minilm import MiniLM
from tests.deploy.dashboard_svg import Series, dashboard, trace
from tests.fakes.collector import Collector
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.nginx import nginx
from tests.harness.probes import LOST, numbered_words, processes, server_env
from tests.harness.serving import free_port
from tests.stream.conftest import QUESTION, stock

PICTURES = Path(__file__).resolve().parents[2] / "docs" / "pictures"
SECONDS = 120.0
PEOPLE = 10
WINDOW = "15s"
CONFIGURATION = """
global: {{scrape_interval: 1s}}
scrape_configs:
  - job_name: citestream
    static_configs: [{{targets: [{targets}]}}]
"""


@contextmanager
def prometheus(folder: Path, ports: list[int]) -> Iterator[str]:
    """A Prometheus from the distribution's package; yields its URL."""
    port = free_port()
    targets = ", ".join(f'"127.0.0.1:{one}"' for one in ports)
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(targets=targets))
    command = [
        *("prometheus", f"--config.file={folder}/prometheus.yml", "--log.level=error"),
        *(f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{port}"),
    ]
    process = subprocess.Popen(command)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


async def person(http: httpx.AsyncClient, url: str, chance: random.Random, until: float) -> None:
    """Asks, reads, and sometimes stops or disconnects."""
    while time.monotonic() < until:
        leaves_after = chance.choice((1_000, 1_000, 1_000, 30))
        try:
            async with http.stream("POST", f"{url}/chat", json={"message": QUESTION}) as response:
                async for line in response.aiter_lines():
                    leaves_after -= line.startswith("data:")
                    if leaves_after == 15 and chance.random() < 0.5:
                        await http.post(f"{url}/runs/{response.headers['x-run-id']}/stop")
                    if leaves_after <= 0:
                        break
        except LOST:
            continue
        await asyncio.sleep(chance.uniform(0.2, 2))


async def asked(http: httpx.AsyncClient, url: str, query: str, began: float) -> list[Series]:
    """A panel's query over the time of the load, as Grafana fills in its variables."""
    for name, value in (("$job", "citestream"), ("$instance", ".*"), ("$__rate_interval", WINDOW)):
        query = query.replace(name, value)
    answer = await http.get(
        f"{url}/api/v1/query_range",
        params={"query": query, "start": began, "end": time.time(), "step": 2},
    )
    told = answer.json()
    assert told["status"] == "success", (query, told.get("error"))
    return [
        Series(one["metric"], tuple((float(at), float(value)) for at, value in one["values"]))
        for one in told["data"]["result"]
    ]


@asynccontextmanager
async def library(folder: Path) -> AsyncIterator[str]:
    """The address of a database with the small library."""
    server = await asyncio.to_thread(EmbeddedServer.start, folder)
    try:
        await migrate(server.dsn)
        await stock(server.dsn, MiniLM.load())
        yield server.dsn
    finally:
        await asyncio.to_thread(server.release)


def photographed(html: str, name: str, *, width: int, height: int, folder: Path) -> None:
    """Renders with a headless browser."""
    (folder / "page.html").write_text(html)
    browser = shutil.which("chromium") or "chromium-browser"
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--hide-scrollbars", "--disable-gpu"),
            *(f"--window-size={width},{height}", f"--user-data-dir={folder}/browser"),
            *(f"--screenshot={PICTURES / name}", f"file://{folder}/page.html"),
        ],
        check=True,
        stderr=subprocess.DEVNULL,
    )


async def watch(folder: Path, seconds: float) -> None:
    limits = httpx.Limits(max_connections=None)
    async with (
        library(folder) as dsn,
        FakeOpenAI() as upstream,
        Collector() as collector,
        httpx.AsyncClient(timeout=30, limits=limits, trust_env=False) as http,
    ):
        upstream.always(Reply(tokens=numbered_words(120), pace_s=0.02))
        env = server_env(dsn, upstream, folder, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url)
        async with processes(2, env) as replicas:
            ports = [replica.port for replica in replicas]
            with nginx(*ports) as url, prometheus(folder, ports) as figures:
                began, until = time.time(), time.monotonic() + seconds
                people = (person(http, url, random.Random(n), until) for n in range(PEOPLE))
                await asyncio.gather(*people)
                html, height = await dashboard(lambda query: asked(http, figures, query, began))
        photographed(html, "dashboard.png", width=1280, height=height, folder=folder)
        html, height = trace(collector.spans())
        photographed(html, "trace.png", width=1280, height=height, folder=folder)


def main(seconds: float) -> None:
    """Runs in a folder that the database's account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="citestream-watched-"))
    folder.chmod(0o755)
    asyncio.run(watch(folder, seconds))
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)

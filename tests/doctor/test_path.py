"""Real proxies, one good and four bad, each one line different from the project's own."""

import asyncio
import re
from collections.abc import Callable
from contextlib import ExitStack

import httpx
import pytest

from app.doctor.diagnosis import diagnose
from app.doctor.findings import Finding
from app.doctor.path import measure
from tests.harness.nginx import nginx
from tests.harness.serving import Serving, free_port

pytestmark = pytest.mark.nginx

SILENCE_S = 4.5
Edit = Callable[[str], str]


def unchanged(text: str) -> str:
    return text


def replacing(old: str, new: str) -> Edit:
    """Adds a line to the location of the streams, which precedes the others."""

    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


IGNORING = "proxy_ignore_headers X-Accel-Buffering; proxy_buffering on;"
gzipped = replacing(
    "proxy_buffering off;\n            proxy_cache off;\n            gzip off;",
    f"{IGNORING} gzip on; gzip_types text/event-stream;",
)
impatient = replacing("proxy_read_timeout 1h;", "proxy_read_timeout 3s;")


def limited(text: str) -> str:
    text = text.replace(
        "    server {", "    limit_conn_zone $binary_remote_addr zone=few:1m;\n    server {"
    )
    return text.replace("proxy_buffering off;", "limit_conn few 4; proxy_buffering off;", 1)


def buffered(text: str) -> str:
    """A second proxy behind the first compresses; the first hides it from the reader."""
    inner = free_port()
    first = re.sub(
        r"proxy_pass http://citestream;\s+proxy_buffering off;",
        f"proxy_pass http://127.0.0.1:{inner}; gunzip on; proxy_buffering off; "
        'proxy_http_version 1.1; proxy_set_header Connection ""; '
        "proxy_set_header Accept-Encoding gzip;",
        text,
        count=1,
    )
    second = (
        f"server {{ listen 127.0.0.1:{inner}; location / {{ proxy_pass http://citestream; "
        f"{IGNORING} gzip on; gzip_proxied any; gzip_types text/event-stream; }} }}\n"
    )
    return f"{first.rstrip().removesuffix('}')}    {second}}}\n"


PROXIES: dict[str, tuple[Edit, str, str]] = {
    "good": (unchanged, "nothing held back or cut", ""),
    "gzip": (gzipped, "compression (Content-Encoding: gzip)", "gzip off;"),
    "buffer": (buffered, "a proxy buffer", "proxy_buffering off;"),
    "idle": (impatient, "an idle timeout after about 3 s", "proxy_read_timeout 1h;"),
    "limit": (limited, "streams at once were refused (status 503)", "limit_conn ZONE 30;"),
}


async def examined(url: str) -> list[Finding]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        return diagnose(await measure(client, url, silence_s=SILENCE_S))


async def test_the_layer_that_buffers_or_cuts_is_named(server: Serving) -> None:
    with ExitStack() as stack:
        urls = [
            stack.enter_context(nginx(server.port, edit=edit)) for edit, _, _ in PROXIES.values()
        ]
        all_found = await asyncio.gather(*(examined(url) for url in urls))
    for (name, (_, told, line)), found in zip(PROXIES.items(), all_found, strict=True):
        (finding,) = found
        assert (finding.verdict == "ok") == (name == "good"), finding
        assert told in finding.text, finding
        assert line in " ".join(finding.remedy), finding


async def test_no_more_probes_than_agreed(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.api.routes.stream_probe.MAX_CONCURRENT", 2)
    query = {"frames": 1, "silence_s": 30}
    async with httpx.AsyncClient(base_url=server.url) as http:
        async with (
            http.stream("GET", "/health/stream", params=query),
            http.stream("GET", "/health/stream", params=query),
        ):
            refused = await http.get("/health/stream")
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "2"
        again = await http.get("/health/stream", params={"frames": 2, "pause_ms": 5})
        assert again.text.count("id: ") == 2

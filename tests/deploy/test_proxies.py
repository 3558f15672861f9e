"""The haproxy and Caddy configurations, tried with the real programs."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx
import pytest

from app.doctor.diagnosis import diagnose, is_buffered
from app.doctor.path import measure, probe
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.proxies import caddy, haproxy
from tests.harness.run_client import asking, http_client, is_token
from tests.harness.serving import Serving
from tests.stream.abort_kit import WORDS
from tests.stream.conftest import QUESTION

Proxy = Callable[..., AbstractContextManager[str]]


@pytest.mark.parametrize("proxy", [haproxy, caddy])
async def test_nothing_is_held_back_and_leaving_is_seen(
    proxy: Proxy, server: Serving, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=WORDS, pace_s=0.01))
    with proxy(server.port) as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            (finding,) = diagnose(await measure(client, url, silence_s=0.5))
            assert finding.verdict == "ok", finding
            unspoken = await probe(client, url, accept="*/*")
            assert unspoken.encoding == "", "a client need not say that it wants a stream"
            assert not is_buffered(unspoken)
            assert (await client.get(f"{url}/metrics")).status_code == 200, "this machine may"
        async with http_client(url) as http, asking(http, QUESTION) as asked:
            await asked.until(is_token)
        record = await upstream.wait_for(lambda record: record.closed_by_client_at is not None)
    assert not record.completed

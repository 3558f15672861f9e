"""Metrics, log lines and traces of real answers."""

import asyncio
import json
import logging
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from app.config import Settings
from app.embeddings.minilm import MiniLM
from app.observability.logging import configure
from tests.fakes.collector import Collector
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port
from tests.harness.metrics_scrape import Scrape, scraped
from tests.harness.probes import eventually
from tests.harness.run_client import asking, following, http_client, is_token
from tests.harness.serving import Serving, serving
from tests.stream.conftest import QUESTION

WORDS = [f"word{number} " for number in range(200)]
ANSWER = Reply(tokens=["Nausea ", "and ", "headache ", "[1]."])


async def test_an_answer_is_counted(client: httpx.AsyncClient, upstream: FakeOpenAI) -> None:
    upstream.script(ANSWER)
    async with asking(client, QUESTION) as asked:
        await asked.rest()

    async def counted() -> Scrape | None:
        now = await scraped(client)
        return now if now.value("citestream_active_runs") == 0 else None

    now = await eventually(counted, within_s=10)
    assert now.value("citestream_runs_started_total", route="chat") == 1
    assert now.value("citestream_runs_ended_total", status="complete", reason="stop") == 1
    assert now.value("citestream_tokens_total") == 4
    assert now.value("citestream_first_token_seconds_count") == 1
    for stage in ("retrieval", "reranking", "grading"):
        assert now.value("citestream_stage_seconds_count", stage=stage) == 1
    for statement in ("create", "finish", "beat"):
        assert now.value("citestream_store_seconds_count", statement=statement) >= 1
    assert ("citestream_frame_gap_seconds_count", frozenset()) in now.samples
    assert now.value("citestream_pool_limit") == 16
    assert now.value("citestream_pool_wait_seconds_count") > 0
    got = now.value("citestream_http_requests_total", method="POST", route="/chat", status="200")
    assert got == 1


async def test_viewers_stops_and_failures_are_counted(
    client: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(tokens=WORDS, pace_s=0.02))
    async with asking(client, QUESTION, on_disconnect="continue") as asked:
        await asked.until(is_token)
        async with following(client, asked.run_id):
            now = await scraped(client)
            assert now.value("citestream_viewers") == 2
            assert now.value("citestream_active_runs") == 1
            assert now.value("citestream_tokens_total") >= 1
        await client.post(f"/runs/{asked.run_id}/stop")
        await asked.rest()
    upstream.always(Reply(status=500))
    async with asking(client, QUESTION) as failed:
        end = await failed.rest()

    async def quiet() -> Scrape | None:
        now = await scraped(client)
        return now if now.value("citestream_viewers") == 0 else None

    now = await eventually(quiet, within_s=10)
    assert now.value("citestream_stops_total", reason="stopped") == 1
    assert now.value("citestream_stop_upstream_closed_seconds_count") == 1
    code = end.content["code"]
    assert now.value("citestream_runs_ended_total", status="error", reason=code) == 1


async def test_unknown_addresses_and_methods_make_no_new_labels(client: httpx.AsyncClient) -> None:
    for number in range(3):
        await client.get(f"/nothing-{number}")
        await client.request("BREW", f"/pot-{number}")
    now = await scraped(client)
    assert {"other"} == {r for r in now.labels("route") if "nothing" in r or r == "other"}
    assert "BREW" not in now.labels("method")


async def test_the_exposition_passes_its_own_linter(client: httpx.AsyncClient) -> None:
    """`promtool check metrics` where Prometheus is installed; its format's parser always."""
    text = (await client.get("/metrics", headers={"Accept": "text/plain"})).text
    assert (await scraped(client)).total("citestream_pool_limit") == 16
    if tool := shutil.which("promtool"):
        linted = await asyncio.to_thread(
            subprocess.run, [tool, "check", "metrics"], input=text, capture_output=True, text=True
        )
        assert linted.returncode == 0, linted.stderr
    newer = await client.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert newer.text.endswith("# EOF\n")


async def test_a_request_id_is_kept_made_and_logged(
    client: httpx.AsyncClient, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    path = tmp_path / "log"
    configure(Settings.model_validate({"log_format": "json", "log_file": path}))
    try:
        upstream.script(ANSWER)
        async with asking(client, QUESTION, headers={"X-Request-Id": "from-nginx.1"}) as asked:
            await asked.rest()
        assert asked.response.headers["x-request-id"] == "from-nginx.1"
        odd = await client.get("/health", headers={"X-Request-Id": "no spaces allowed"})
        assert len(odd.headers["x-request-id"]) == 32
    finally:
        configure(Settings.model_construct())
        handlers = logging.getLogger().handlers
        for handler in [h for h in handlers if h.get_name() == "citestream"]:
            logging.getLogger().removeHandler(handler)
    written = path.read_text()
    told = [json.loads(line) for line in written.splitlines()]
    ended = [line for line in told if line["message"].startswith("Answer ended: stop")]
    assert [(line["request_id"], line["run_id"]) for line in ended] == [
        ("from-nginx.1", asked.run_id)
    ]
    assert ended[0]["tokens"] == 4
    assert "aripiprazole" not in written
    assert "headache" not in written


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    async with Collector() as running:
        yield running


async def test_a_trace_has_a_span_for_each_step_and_the_model_inside(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI, collector: Collector
) -> None:
    upstream.script(ANSWER)
    traced = settings.model_copy(update={"otel_exporter_otlp_endpoint": collector.url})
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with serving(traced, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, headers={"traceparent": parent}) as asked:
            await asked.rest()
        assert (await http.get("/health")).status_code == 200
    spans = {span.name: span for span in collector.spans()}
    assert set(spans) == {"answer", "retrieve", "rerank", "grade", "generate", "model: answer"}
    assert {span.trace_id.hex() for span in spans.values()} == {parent.split("-")[1]}
    assert spans["answer"].parent_span_id.hex() == parent.split("-")[2]
    assert spans["model: answer"].parent_span_id == spans["generate"].span_id
    for step in ("retrieve", "rerank", "grade", "generate"):
        assert spans[step].parent_span_id == spans["answer"].span_id
    told = {each.key: each.value for each in spans["answer"].attributes}
    assert told["citestream.run_id"].string_value == asked.run_id
    assert told["citestream.finish_reason"].string_value == "stop"
    assert [event.name for event in spans["answer"].events] == ["first token"]
    everything = b"".join(collector.bodies)
    assert b"side effects" not in everything
    assert b"headache" not in everything


async def test_without_an_endpoint_there_are_no_traces(server: Serving) -> None:
    """OpenTelemetry's SDK does not delay an answer either."""
    tracing = server.app.state.containers.process.tracing
    assert type(tracing).__name__ == "NoTracing"
    assert tracing.continue_trace is None


async def test_a_model_that_is_away_is_seen_in_readiness(
    settings: Settings, embedder: MiniLM
) -> None:
    with closed_port() as port:
        away = settings.model_copy(update={"openai_base_url": f"http://127.0.0.1:{port}/v1"})
        async with serving(away, embedder) as server, http_client(server.url) as client:

            async def asked() -> httpx.Response | None:
                response = await client.get("/health/ready")
                return response if response.json()["model"]["reachable"] is not None else None

            response = await eventually(asked, within_s=10)
    model = response.json()["model"]
    assert (response.status_code, model["reachable"]) == (200, False)
    assert model["reason"] == "nobody listens at this address and port"
    assert model["sends_to"] == f"127.0.0.1:{port}"

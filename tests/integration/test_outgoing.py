"""All outgoing traffic is allowed by a setting and announced at startup."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.config import Settings, load_settings
from app.domain.errors import SettingError
from app.domain.proxies import ProxyRules
from app.llm.registry import make_answer_model
from app.server.outbound_traffic import describe_outbound
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.sink import Sink
from tests.harness.process import ROOT, ServerProcess

QUESTION = "Why is the sky blue on Tuesdays?"
UNDER_ASGI = """
import asyncio, httpx
from app.main import app
async def main():
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as http:
        answer = await http.post("/chat", json={"message": "%s"}, timeout=60)
        assert '"type":"done"' in answer.text, answer.text
    await app.state.containers.close()
asyncio.run(main())
"""


def ambient(url: str) -> dict[str, str]:
    """All variables that our libraries obey, each set to one address."""
    addresses = (
        *("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_GATEWAY"),
        *("OPENAI_API_BASE", "OPENAI_PROXY", "AZURE_OPENAI_ENDPOINT", "HF_ENDPOINT"),
        *("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"),
        *("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "MLFLOW_TRACKING_URI"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"),
    )
    switches = (
        *("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"),
        *("LANGSMITH_OTEL_ENABLED", "FASTAPI_OTEL_AUTO_CONFIGURE", "MLFLOW_ENABLE_OTLP_EXPORTER"),
    )
    return (
        dict.fromkeys(addresses, url)
        | dict.fromkeys(switches, "true")
        | {
            "LANGSMITH_API_KEY": "lsv2_key",
            "LANGCHAIN_API_KEY": "lsv2_key",
            "OPENAI_LOG": "debug",
            "OPENAI_ORG_ID": "another-organisation",
            "OPENAI_PROJECT_ID": "another-project",
            "OPENAI_CUSTOM_HEADERS": "X-Other: somebody",
        }
    )


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as upstream:
        yield upstream


@pytest.fixture
def environment(sink: Sink, database_dsn: str, tmp_path: Path) -> dict[str, str]:
    return {
        **ambient(sink.url),
        "DATABASE_URL": database_dsn,
        "DATA_DIR": str(tmp_path),
        "SAMPLE_LIBRARY": "false",
        "EXTRACTIVE_TOKENS_PER_S": "0",
    }


async def run(*command: str, env: dict[str, str], code: int = 0) -> str:
    """The output of a new Python process."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=55,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


async def add_to_library(folder: Path, env: dict[str, str]) -> str:
    file = folder / "sky.md"
    file.write_text("# Sky\n\nThe sky is blue on Tuesdays because of Rayleigh scattering.\n")
    return await run("-m", "app.ingest", str(file), env=env)


async def ask(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http:
        answer = await http.post("/chat", json={"message": QUESTION})
        assert '"type":"done"' in answer.text, answer.text
        return answer.text


@pytest.mark.parametrize("plain_uvicorn", [False, True])
async def test_quoting_mode_sends_nothing_whatever_the_environment_says(
    sink: Sink, environment: dict[str, str], tmp_path: Path, plain_uvicorn: bool
) -> None:
    await add_to_library(tmp_path, environment)
    with ServerProcess(
        plain_uvicorn=plain_uvicorn, port=None, forked=False, **environment
    ) as server:
        assert "Rayleigh" in await ask(server.url)
        server.stop()
        log = server.log
    assert sink.heard == []
    assert "ignored, because they are not settings of Citestream: " in log
    assert "LANGSMITH_TRACING" in log
    assert "are sent to" not in log


async def test_a_model_on_this_machine_is_the_only_one_that_is_asked(
    sink: Sink, environment: dict[str, str], upstream: FakeOpenAI, tmp_path: Path
) -> None:
    settings = {
        "OPENAI_BASE_URL": upstream.base_url,
        "OPENAI_API_KEY": "key",
        "LLM_MODEL": "fake",
        "EMBEDDINGS": "openai",
    }
    environment |= settings
    await add_to_library(tmp_path, environment)
    with ServerProcess(plain_uvicorn=False, port=None, forked=False, **environment) as server:
        await ask(server.url)
        server.stop()
        log = server.log
    await run("-m", "app.doctor", env=environment, code=1)  # the server is gone
    assert sink.heard == []
    assert {one.route for one in upstream.requests} == {"chat", "embeddings"}
    for one in upstream.requests:
        assert not {"openai-organization", "openai-project", "x-other"} & one.headers.keys()
    assert f"answers by fake; passages are sent to 127.0.0.1:{upstream.port}\n" in log
    assert f"documents and questions are sent to 127.0.0.1:{upstream.port}\n" in log
    assert QUESTION not in log


async def test_an_application_without_a_server_sends_nothing(
    sink: Sink, environment: dict[str, str], tmp_path: Path
) -> None:
    await add_to_library(tmp_path, environment)
    await run("-c", UNDER_ASGI % QUESTION, env=environment)
    await run("-m", "app.doctor", env=environment, code=1)  # the server is gone
    assert sink.heard == []


async def test_a_proxy_is_used_for_other_machines_and_announced(
    sink: Sink, environment: dict[str, str], tmp_path: Path
) -> None:
    environment |= {
        "OPENAI_BASE_URL": "http://models.invalid:8001/v1",
        "LLM_PROVIDER": "openai",
        "LLM_MODEL": "far",
        "RUN_TIMEOUT_S": "10",
    }
    await add_to_library(tmp_path, environment)
    with ServerProcess(plain_uvicorn=False, port=None, forked=False, **environment) as server:
        async with httpx.AsyncClient(base_url=server.url, timeout=30, trust_env=False) as http:
            await http.post("/chat", json={"message": QUESTION})
        server.stop()
        log = server.log
    port = sink.url.rpartition(":")[2]
    told = f"sent to models.invalid:8001 through 127.0.0.1:{port} (HTTP_PROXY)"
    assert told in log
    assert sink.heard
    model = b"http://models.invalid:8001/v1"
    starts = (b"POST " + model + b"/chat/completions ", b"GET " + model + b" ")  # reachable?
    assert all(one.startswith(starts) for one in sink.heard)


def announced(**given: object) -> list[str]:
    settings = Settings.model_validate({"extractive_tokens_per_s": 0, **given})
    return [
        line
        for line in describe_outbound(settings, make_answer_model(settings.answer_model))
        if not line.startswith("ignored")
    ]


def test_whatever_is_sent_anywhere_is_announced() -> None:
    assert announced(llm_provider="extractive") == []
    service = {"openai_base_url": "https://models.example.org/v1"}
    assert announced(llm_provider="extractive", embeddings="openai", **service) == [
        "embeddings by openai; documents and questions are sent to models.example.org"
    ]
    assert announced(rerank_base_url="https://ranks.example.org/v1", rerank_model="ranker") == [
        "reranking by ranker; questions and passages are sent to ranks.example.org"
    ]
    assert announced(otel_exporter_otlp_endpoint="http://localhost:4318") == [
        "traces without any words are sent to localhost:4318"
    ]
    assert announced(
        auth="jwt", jwt_issuer="https://id.example.org", https_proxy="http://me:word@proxy:3128"
    ) == ["sign-in keys are fetched from id.example.org through proxy:3128 (HTTPS_PROXY)"]


@pytest.mark.parametrize(
    ("address", "bypass", "proxied"),
    [
        ("http://models.example.org/v1", "", True),
        ("http://localhost:11434/v1", "", False),
        ("http://models.localhost/v1", "", False),
        ("http://127.3.2.1:8000/v1", "", False),
        ("http://[::1]:8000/v1", "", False),
        ("http://[::ffff:127.0.0.1]:8000/v1", "", False),
        ("http://0.0.0.0:8000/v1", "", False),
        ("http://10.1.2.3:8000/v1", "10.0.0.0/8", False),
        ("http://11.1.2.3:8000/v1", "10.0.0.0/8", True),
        ("http://10.1.2.3:8000/v1", "10.1.2.3", False),
        ("http://10.1.2.3:8000/v1", "10.1.2.3:8000", False),
        ("http://10.1.2.3:8000/v1", "10.1.2.3:8001", True),
        ("http://[fd00::7]:8000/v1", "fd00::/8", False),
        ("http://[fd00::7]:8000/v1", "[fd00::7]:8000", False),
        ("http://models.example.org/v1", "other.org, example.org", False),
        ("http://models.example.org/v1", ".example.org", False),
        ("http://models.example.org/v1", "*.EXAMPLE.org", False),
        ("http://models.example.org/v1", "example.org:80", False),
        ("http://models.example.org/v1", "example.org:443", True),
        ("http://notexample.org/v1", "example.org", True),
        ("http://models.example.org./v1", "models.example.org", False),
        ("http://models.example.org/v1", "*", False),
        ("http://models.example.org/v1", "10.0.0.0/99 [ : ,,", True),
        ("https://models.example.org/v1", "", False),
    ],
)
def test_no_proxy_names_what_is_asked_directly(address: str, bypass: str, proxied: bool) -> None:
    rules = ProxyRules(http="proxy:3128", bypass=bypass)
    assert rules.url_for(address) == ("http://proxy:3128" if proxied else None)


def test_the_proxy_for_everything_is_used_where_there_is_no_other() -> None:
    rules = ProxyRules(https="http://secure:1", every="http://every:2")
    assert rules.find("https://a.example.org") == ("HTTPS_PROXY", "http://secure:1")
    assert rules.find("http://a.example.org") == ("ALL_PROXY", "http://every:2")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"all_proxy": SecretStr("socks5://proxy:1080")}, "ALL_PROXY"),
        ({"https_proxy": SecretStr("http://:99999")}, "HTTPS_PROXY"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_one_line(given: dict[str, object], name: str) -> None:
    model = {"openai_api_key": "key", "llm_model": "far"}
    with pytest.raises(SettingError, match=f"^{name}: got a secret value, takes an http://"):
        load_settings(**model, **given)
    load_settings(**model, **given, no_proxy="api.openai.com")
    load_settings(llm_provider="extractive", **given)  # no request uses it

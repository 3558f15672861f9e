"""Whether the model is reachable: checked rarely, reported at once, without sending a key."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.config import Settings
from app.config.consistency import check
from app.domain.models import ModelReach
from app.llm.reachability import VALID_S, ModelReachability
from app.llm.registry import make_answer_model
from app.runs.tasks import TaskTracker
from app.server.outbound_traffic import describe_outbound
from tests.fakes.openai_server import FakeOpenAI, closed_port

ROOT = Path(__file__).parents[3]
UNKNOWN = ModelReach(None, None)
REFUSED = "nobody listens at this address and port"


class SettableClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def model_settings(**given: object) -> Settings:
    return Settings.model_validate(
        {
            "llm_provider": "auto",
            "openai_api_key": None,
            "openai_base_url": None,
            "llm_model": None,
            **given,
        }
    )


@pytest.fixture
async def tasks() -> AsyncIterator[TaskTracker]:
    tracker = TaskTracker()
    yield tracker
    await tracker.close()


def watching(base_url: str, clock: SettableClock, tasks: TaskTracker) -> ModelReachability:
    settings = model_settings(openai_base_url=base_url, llm_model="fake")
    model = make_answer_model(settings.answer_model)
    return ModelReachability(model, proxies=settings.proxies, clock=clock, tasks=tasks)


async def test_an_answer_of_the_model_is_proof_that_it_can_be_reached(tasks: TaskTracker) -> None:
    with closed_port() as port:
        settings = model_settings(openai_base_url=f"http://127.0.0.1:{port}/v1", llm_model="fake")
        model = make_answer_model(settings.answer_model)
        clock = SettableClock()
        reach = ModelReachability(model, proxies=settings.proxies, clock=clock, tasks=tasks)
        await reach.check()
        assert reach.state() == ModelReach(False, REFUSED)
        model.quirks.answered()
        assert reach.state() == ModelReach(True, None)
        assert len(tasks) == 0  # known without asking
        await reach.check()
        assert reach.state() == ModelReach(False, REFUSED)  # an earlier answer proves nothing
        checking = asyncio.ensure_future(reach.check())
        await asyncio.sleep(0)
        model.quirks.answered()
        await checking
        assert reach.state() == ModelReach(True, None)


async def test_it_is_asked_once_and_again_when_the_answer_is_old(
    tasks: TaskTracker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    clock = SettableClock()
    with closed_port() as port:
        reach = watching(f"http://127.0.0.1:{port}/v1", clock, tasks)
        assert reach.state() == UNKNOWN
        await reach.check()
        assert reach.state() == ModelReach(False, REFUSED)
        await reach.check()
    told = [record.message for record in caplog.records if "cannot be reached" in record.message]
    assert told == [
        f"The model at 127.0.0.1:{port} cannot be reached: {REFUSED}. "
        "Questions fail until it can be"
    ]
    async with FakeOpenAI(port=port):
        assert reach.state() == ModelReach(False, REFUSED)  # not old yet
        clock.seconds = VALID_S
        assert reach.state() == ModelReach(False, REFUSED)  # starts a check, waits for none
        async with asyncio.timeout(10):
            while reach.state().reachable is False:
                await asyncio.sleep(0.01)
        assert reach.state() == ModelReach(True, None)
        assert "can be reached again" in caplog.text


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"401 Unauthorized", ModelReach(True, None)),
        (b"404 Not Found", ModelReach(True, None)),
        (b"503 Service Unavailable", ModelReach(True, None)),  # it may be loading its model
        (b"502 Bad Gateway", ModelReach(False, "what stands before it answered 502")),
    ],
)
async def test_a_refusal_is_proof_of_the_service_and_gets_no_key(
    tasks: TaskTracker, status: bytes, expected: ModelReach
) -> None:
    asked = bytearray()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        settings = model_settings(
            openai_base_url=f"http://127.0.0.1:{port}/v1",
            llm_model="m",
            openai_api_key="sk-private",
        )
        model = make_answer_model(settings.answer_model)
        reach = ModelReachability(
            model, proxies=settings.proxies, clock=SettableClock(), tasks=tasks
        )
        await reach.check()
        assert reach.state() == expected
    assert asked.startswith(b"GET /v1 ")
    assert b"sk-private" not in asked


async def test_quoting_mode_asks_nobody(tasks: TaskTracker) -> None:
    settings = model_settings()
    model = make_answer_model(settings.answer_model)
    reach = ModelReachability(model, proxies=settings.proxies, clock=SettableClock(), tasks=tasks)
    await reach.check()
    assert reach.state() == UNKNOWN


def test_an_address_and_a_model_are_enough_to_connect() -> None:
    settings = model_settings(openai_base_url="http://localhost:11434/v1", llm_model="llama3.2")
    assert settings.provider == "openai"
    check(settings)
    quoting = settings.model_copy(update={"llm_provider": "extractive"})
    assert quoting.provider == "extractive"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"openai_base_url": "http://localhost:1/v1"}, "OPENAI_BASE_URL is set, LLM_MODEL is not"),
        ({"llm_model": "m"}, "LLM_MODEL is set, neither OPENAI_BASE_URL nor OPENAI_API_KEY is"),
        ({"databricks_host": "https://w.test"}, "DATABRICKS_HOST is set, DATABRICKS_TOKEN is not"),
        ({"databricks_token": "t"}, "DATABRICKS_TOKEN is set, DATABRICKS_HOST is not"),
        ({}, None),
        ({"llm_model": "m", "llm_provider": "extractive"}, None),
        ({"openai_base_url": "http://localhost:1/v1", "embeddings": "openai"}, None),
    ],
)
def test_what_was_set_and_is_not_used_is_said(given: dict[str, object], told: str | None) -> None:
    settings = model_settings(**given)
    lines = list(describe_outbound(settings, make_answer_model(settings.answer_model)))
    expected = f"answers are quoted and no model is connected: {told}"
    assert [line for line in lines if "no model is connected" in line] == (
        [] if told is None else [expected]
    )


def test_the_page_says_the_lines_of_the_quickstart() -> None:
    page = (ROOT / "frontend/src/app/ModelLabel.tsx").read_text(encoding="utf-8")
    quickstart = (ROOT / "QUICKSTART.md").read_text(encoding="utf-8")
    listed = page[page.index("const CONNECT") : page.index("as const")]
    blocks = dict(re.findall(r'\["(\w+)",\s*"([^"]+)"\]', listed))
    assert blocks.keys() == {"OpenAI", "Ollama", "Databricks"}
    for lines in blocks.values():
        assert "```\n" + lines.replace("\\n", "\n") + "\n```" in quickstart

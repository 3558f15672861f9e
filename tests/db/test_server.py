import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from app.cli.database import open_database
from app.config import load_settings
from app.db.embedded.server import EmbeddedServer
from app.db.embedded.server_files import Postmaster, buffers_mib, memory_bytes
from app.db.pool import connect
from app.domain.errors import SettingError, StoreUnavailable

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="citestream-server-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@contextmanager
def serving(data_dir: Path) -> Iterator[EmbeddedServer]:
    server = EmbeddedServer.start(data_dir)
    try:
        yield server
    finally:
        server.release()


async def ask(dsn: str, sql: str) -> object:
    connection = await connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def value(dsn: str, sql: str) -> object:
    return asyncio.run(ask(dsn, sql))


def postmaster_pid(data_dir: Path) -> int | None:
    found = Postmaster.read(data_dir / "pg" / "data")
    return found.pid if found else None


@contextmanager
def other_process(
    data_dir: Path, become: Callable[[], None] | None = None
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """Another process that uses the server; it ends when its input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.db.server_user", str(data_dir)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=become,
    )
    with process:
        assert process.stdout is not None
        yield process, json.loads(process.stdout.readline())


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "with space/and 'quotes' \"$HOME\" `x`",
        "żółw",
        "/".join(["deep-folder-with-a-long-name"] * 8),
    ],
)
def test_any_folder_will_do_and_keeps_its_data(folder: Path, name: str) -> None:
    with serving(folder / name) as server:
        value(server.dsn, "CREATE TABLE kept ()")
    assert postmaster_pid(folder / name) is None
    with serving(folder / name) as server:
        assert value(server.dsn, "SELECT to_regclass('kept')") == "kept"


def test_the_server_is_durable_private_and_not_on_the_network(folder: Path) -> None:
    with serving(folder) as server:
        setting = "SELECT string_agg(current_setting(name), '|' ORDER BY name) FROM pg_settings"
        names = "('fsync','full_page_writes','synchronous_commit','listen_addresses')"
        assert value(server.dsn, f"{setting} WHERE name IN {names}") == "on|on||on"
        assert value(server.dsn, "SELECT current_setting('max_connections')") == "100"
        size = value(server.dsn, "SELECT pg_size_bytes(current_setting('shared_buffers'))")
        assert size == buffers_mib(memory_bytes()) * 2**20
        socket = next((folder / "pg").glob(".s.PGSQL.*[0-9]"))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "pg").stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("memory_gib", "buffers"), [(0.5, 128), (1, 128), (4, 512), (8, 1024), (256, 1024)]
)
def test_what_is_read_often_gets_an_eighth_of_the_memory(memory_gib: float, buffers: int) -> None:
    assert buffers_mib(int(memory_gib * 2**30)) == buffers


def test_a_container_has_what_it_may_have(tmp_path: Path) -> None:
    limits = tmp_path / "memory.max", tmp_path / "memory.limit_in_bytes"
    machine = psutil.virtual_memory().total
    assert memory_bytes(limits) == machine
    limits[0].write_text("max\n")
    limits[1].write_text("9223372036854771712\n")  # the older version's value for "no limit"
    assert memory_bytes(limits) == machine
    limits[0].write_text("268435456\n")
    assert memory_bytes(limits) == 2**28


def test_two_uses_in_one_process_share_the_server(folder: Path) -> None:
    with serving(folder):
        pid = postmaster_pid(folder)
        with serving(folder) as second:
            assert postmaster_pid(folder) == pid
            second.release()
            second.release()
        assert postmaster_pid(folder) == pid
    assert postmaster_pid(folder) is None


def test_processes_share_the_server_and_the_last_one_stops_it(folder: Path) -> None:
    with other_process(folder) as (first, told), serving(folder) as ours:
        assert told == {"dsn": ours.dsn}
        first.communicate()
        assert first.returncode == 0
        assert value(ours.dsn, "SELECT 1") == 1
    assert postmaster_pid(folder) is None


def test_processes_that_start_at_once_share_one_server(folder: Path) -> None:
    with ExitStack() as stack:
        addresses = [stack.enter_context(other_process(folder))[1] for _ in range(3)]
        assert addresses[0] == addresses[1] == addresses[2]
        assert value(addresses[0]["dsn"], "SELECT 1") == 1
    assert postmaster_pid(folder) is None


def test_after_kill_the_next_start_joins_and_stops_cleanly(folder: Path) -> None:
    with other_process(folder) as (process, told):
        pid = postmaster_pid(folder)
        process.kill()
        process.wait()
        with serving(folder) as ours:
            assert postmaster_pid(folder) == pid
            assert ours.dsn == told["dsn"]
            assert value(ours.dsn, "SELECT 1") == 1
    assert postmaster_pid(folder) is None


def terminal_of_its_own() -> None:
    """As under a terminal; a shell's background process inherits an ignored SIGINT."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)


def test_ctrl_c_reaches_the_application_but_not_the_server(folder: Path) -> None:
    with other_process(folder, become=terminal_of_its_own) as (process, told):
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        assert value(told["dsn"], "SELECT 1") == 1
        with serving(folder):
            pass
    assert postmaster_pid(folder) is None


def test_a_server_that_died_is_started_again(folder: Path) -> None:
    with serving(folder) as server:
        value(server.dsn, "CREATE TABLE kept ()")
        pid = postmaster_pid(folder)
        assert pid is not None
        postmaster = psutil.Process(pid)
        family = [postmaster, *postmaster.children(recursive=True)]
        postmaster.kill()
        psutil.wait_procs(family)
        server.ensure()
        assert postmaster_pid(folder) != pid
        assert value(server.dsn, "SELECT to_regclass('kept')") == "kept"


def test_a_pid_file_whose_pid_is_somebody_else_is_removed(folder: Path) -> None:
    with serving(folder):
        pass
    (folder / "pg" / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n")
    with serving(folder) as server:
        assert value(server.dsn, "SELECT 1") == 1


def test_a_server_nobody_can_reach_any_more_is_restarted(folder: Path) -> None:
    with serving(folder) as server:
        pid = postmaster_pid(folder)
        for socket in (folder / "pg").glob(".s.PGSQL.*"):
            socket.unlink()
        server.ensure()
        assert postmaster_pid(folder) != pid
        assert value(server.dsn, "SELECT 1") == 1


def test_half_a_cluster_left_by_a_kill_is_made_anew(folder: Path) -> None:
    with serving(folder):
        pass
    (folder / "pg" / "data").rename(folder / "pg" / "data.new")
    (folder / "pg" / "data.new" / "PG_VERSION").unlink()
    with serving(folder) as server:
        assert value(server.dsn, "SELECT 1") == 1


def test_a_server_that_cannot_start_says_why(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(folder):
        pass
    with (folder / "pg" / "data" / "postgresql.auto.conf").open("a") as settings:
        settings.write("nonsense = 1\n")
    with pytest.raises(StoreUnavailable, match="pg_ctl"):
        EmbeddedServer.start(folder)
    assert 'unrecognized configuration parameter "nonsense"' in caplog.text


def test_a_file_in_place_of_the_folder_is_a_setting_error(folder: Path) -> None:
    (folder / "file").touch()
    with pytest.raises(SettingError, match=r"^DATA_DIR: got .*file, takes a folder"):
        EmbeddedServer.start(folder / "file")


def test_a_link_to_nothing_is_a_setting_error(folder: Path) -> None:
    (folder / "pg").symlink_to(folder / "gone")
    with pytest.raises(SettingError, match="is gone"):
        EmbeddedServer.start(folder)
    assert not (folder / "gone").exists()


async def test_a_command_says_which_library_it_has_created(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings(data_dir=folder)
    async with open_database(settings, max_size=1):
        pass
    created = f"Created a new, empty library in {folder}. To use another one, set DATA_DIR to its "
    assert capsys.readouterr().err == f"{created}folder.\n"
    async with open_database(settings, max_size=1):
        pass
    assert capsys.readouterr().err == ""

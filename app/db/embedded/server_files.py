"""Files of the embedded server: settings, socket folder, `postmaster.pid`."""

import hashlib
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from app.domain.errors import SettingError

if TYPE_CHECKING:
    from app.db.embedded.server_home import Home

USER = "citestream"
DATABASE = "citestream"
PORT = 5432  # only part of the socket's name; the server does not listen on the network

_SOCKET_PATH_BYTES = 100  # Linux allows 107, macOS 103
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")

_SETTINGS = """\
# Written at every start; put your own settings into postgresql.auto.conf.
listen_addresses = ''
port = {port}
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = {buffers}MB
max_wal_size = 512MB
wal_level = minimal
max_wal_senders = 0
# Containers often have 64 MB of shared memory, too little for a parallel index build.
dynamic_shared_memory_type = mmap
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
idle_in_transaction_session_timeout = 60s
"""


_MIB = 2**20
_BUFFERS_MIB = 128, 1024
"""Minimum and maximum. Vectors, terms and indexes of 100,000 passages take 280 MB."""
_MEMORY_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Memory limit of a container, for both versions of control groups."""


def settings_text(folder: Path) -> str:
    """The server's settings. Durability settings keep their defaults (on)."""
    return _SETTINGS.format(port=PORT, folder=folder, buffers=buffers_mib(memory_bytes()))


def buffers_mib(memory: int) -> int:
    """An eighth of the memory. Only the part that the library fills is used."""
    least, most = _BUFFERS_MIB
    return min(most, max(least, memory // 8 // _MIB))


def memory_bytes(limits: Sequence[Path] = _MEMORY_LIMITS) -> int:
    """The memory of the machine, or the limit of its container."""
    found = [path.read_text().strip() for path in limits if path.is_file()]
    allowed = [int(limit) for limit in found if limit.isdigit()]  # "max": no limit
    return min([int(psutil.virtual_memory().total), *allowed])


def socket_folder(home: "Home") -> Path:
    """The folder of the server's socket: its own, or a short one if that path is unusable.

    Socket paths are limited to about 100 bytes, and special characters would need three levels of
    quoting. The short folder is private to the server's account.
    """
    path = str(home.folder)
    if _PLAIN_PATH.fullmatch(path) and len(f"{path}/.s.PGSQL.{PORT}") <= _SOCKET_PATH_BYTES:
        return home.folder
    digest = hashlib.sha256(os.fsencode(home.folder)).hexdigest()[:12]
    folder = _short_temporary_folder() / f"citestream-{home.account.uid}-{digest}"
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, home.account.uid, home.account.gid)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != home.account.uid:
            raise SettingError(
                f"DATA_DIR: got {path}, whose socket folder {folder} belongs to somebody else; "
                "takes a short path without spaces"
            ) from None
    return folder


def _short_temporary_folder() -> Path:
    folder = Path(tempfile.gettempdir())
    plain = _PLAIN_PATH.fullmatch(str(folder)) and len(str(folder)) < _SOCKET_PATH_BYTES // 2
    return folder if plain else Path("/tmp")


def started_program(data: Path) -> Path | None:
    """The `postgres` binary that last started on a data folder, from `postmaster.opts`."""
    try:
        words = shlex.split((data / "postmaster.opts").read_text(errors="surrogateescape"))
    except (FileNotFoundError, ValueError):
        return None
    return Path(words[0]) if words else None


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The contents of `postmaster.pid` of a data folder."""

    pid: int
    ready: bool

    @classmethod
    def read(cls, data: Path) -> "Postmaster | None":
        """None without such a file; line 1 is the pid, line 8 the state."""
        try:
            lines = (data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return None
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        return cls(pid, ready=len(lines) > 7 and lines[7].strip() == "ready")

    def alive(self, data: Path) -> bool:
        """Whether the pid is the server of `data`. After a reboot it may be another process."""
        try:
            process = psutil.Process(self.pid)
            if process.status() == psutil.STATUS_ZOMBIE or "postgres" not in process.name():
                return False
            return Path(process.cwd()).samefile(data)
        except (psutil.NoSuchProcess, FileNotFoundError):
            return False
        except (psutil.AccessDenied, PermissionError):
            return True

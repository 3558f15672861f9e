"""Small files per second of CPU time: `python -m bench.ingestion_rate [TREE…]`.

Ingests the same folder of generated notes with `python -m app.ingest` of each TREE (a checkout with
its own `.venv`) and then of this one, each into a new database of one server. The embedding service
is a fake in a separate process, because the cost of embedding is not measured; `--local` embeds
with the built-in model instead. The time of the command includes its reader processes; the time of
PostgreSQL is listed separately.
"""

import argparse
import asyncio
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from app.config import environment
from app.db.embedded.server import EmbeddedServer
from app.db.pool import connect

ROOT: Final = Path(__file__).resolve().parents[1]
FILE_CHARACTERS: Final = 300
FILES_PER_FOLDER: Final = 100


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds; `peak_mb` is the resident memory of the command alone."""

    wall: float
    command: float
    database: float
    peak_mb: float


def write_notes(folder: Path, files: int) -> None:
    """Notes of about 300 characters in the words of this project's documentation."""
    texts = [path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))]
    words = [word for text in texts for word in text.split() if word.isalpha()]
    chance = random.Random(7)
    for number in range(files):
        inner = folder / f"{number // FILES_PER_FOLDER:04}"
        inner.mkdir(parents=True, exist_ok=True)
        sentences: list[str] = []
        while sum(map(len, sentences)) < FILE_CHARACTERS:
            sentences.append(" ".join(chance.choices(words, k=10)).capitalize() + ".")
        (inner / f"note-{number:06}.txt").write_text(" ".join(sentences) + "\n")


def main(arguments: Sequence[str]) -> int:
    """Print a line for each tree."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingestion_rate", description=__doc__)
    parser.add_argument("trees", nargs="*", type=Path, metavar="TREE")
    parser.add_argument("--files", type=int, default=5_000)
    parser.add_argument("--local", action="store_true", help="embed with the built-in model")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="rate-") as name:
        folder = Path(name)
        os.chmod(folder, 0o755)  # the account of the database has to reach its files
        write_notes(folder / "notes", options.files)
        server = EmbeddedServer.start(folder / "server")
        try:
            with _embeddings(local=options.local) as settings:
                rates = [
                    _measure(tree.absolute(), folder, server, settings, number, options.files)
                    for number, tree in enumerate([*options.trees, ROOT])
                ]
        finally:
            server.release()
    sys.stdout.write(f"{rates[-1] / rates[0]:.2f} x the rate of the first tree\n")
    return 0


def _measure(
    tree: Path,
    folder: Path,
    server: EmbeddedServer,
    settings: dict[str, str],
    number: int,
    files: int,
) -> float:
    database = f"rate_{number}"
    asyncio.run(_create(server.dsn, database))
    variables = {
        **settings,
        "PATH": environment("PATH") or "",
        "DATABASE_URL": server.dsn_of(database),
        "DATA_DIR": str(folder / f"data-{number}"),
    }
    cost = _run(tree, folder / "notes", variables, folder / "server")
    rate = files / (cost.command + cost.database)
    sys.stdout.write(
        f"{tree}: {files / cost.command:.1f} files per second of the command's processor time, "
        f"{rate:.1f} with PostgreSQL's ({cost.command:.1f} + {cost.database:.1f} s; "
        f"{cost.wall:.0f} s on the clock; at most {cost.peak_mb:.0f} MB)\n"
    )
    sys.stdout.flush()
    return files / cost.command


def _run(tree: Path, notes: Path, variables: dict[str, str], data: Path) -> Cost:
    command = [str(tree / ".venv/bin/python"), "-m", "app.ingest", str(notes)]
    began, database = time.monotonic(), _processor_s(data)
    with subprocess.Popen(
        command, env=variables, cwd=tree, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(output)
    return Cost(
        time.monotonic() - began,
        used.ru_utime + used.ru_stime,
        _processor_s(data) - database,
        used.ru_maxrss / 1024,
    )


def _processor_s(data: Path) -> float:
    """Of the server in this folder, with the processes that it has ended."""
    pid = int(next(data.rglob("postmaster.pid")).read_text().splitlines()[0])
    postmaster = psutil.Process(pid)
    ended = postmaster.cpu_times()
    total = float(ended.children_user + ended.children_system)
    for process in (postmaster, *postmaster.children()):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has just ended, and counts next time
        total += float(times.user + times.system)
    return total


async def _create(dsn: str, database: str) -> None:
    connection = await connect(dsn)
    try:
        await connection.execute(f"CREATE DATABASE {database}")
    finally:
        await connection.close()


@contextmanager
def _embeddings(*, local: bool) -> Iterator[dict[str, str]]:
    if local:
        yield {}
        return
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        try:
            url = service.stdout.readline().split()[-1]
            yield {
                "EMBEDDINGS": "openai",
                "OPENAI_BASE_URL": url,
                "OPENAI_API_KEY": "none",
                "LLM_MODEL": "none",
            }
        finally:
            service.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

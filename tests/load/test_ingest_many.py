"""A thousand files of every format in one run of the command line, within its memory."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import environment
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.principals import LOCAL
from tests.harness.library_folder import MAKERS, write_library

FILES = 1_000
MAX_PEAK_MB = 600


@pytest.mark.load
@pytest.mark.timeout(1_800)
def test_a_thousand_mixed_files_stay_below_600_mb(database_dsn: str, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    size = write_library(folder, files=FILES)
    command = [sys.executable, "-m", "app.ingest", str(folder)]
    variables = {
        "DATABASE_URL": database_dsn,
        "DATA_DIR": str(tmp_path / "data"),
        "COLUMNS": "200",
        "PATH": environment("PATH") or "",
    }
    with subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    summary = output.strip().splitlines()[-1]
    sys.stdout.write(
        f"\n{summary}; {size / 2**20:.1f} MB of {len(MAKERS)} formats; "
        f"peak memory {used.ru_maxrss / 1024:.0f} MB\n"
    )
    assert process.returncode == 0, output[-2_000:]
    found = re.fullmatch(r"(\d+) added; (\d+) passages embedded in ([\d.]+) s", summary)
    assert found is not None
    files, passages, seconds = int(found[1]), int(found[2]), float(found[3])
    processor = used.ru_utime + used.ru_stime
    sys.stdout.write(
        f"{files / seconds:.1f} files/s, {passages / seconds:.1f} passages/s; "
        f"{processor:.0f} s of processor time\n"
    )
    assert files == FILES
    assert used.ru_maxrss / 1024 <= MAX_PEAK_MB
    assert asyncio.run(_stored(database_dsn)) == (FILES, passages)


async def _stored(dsn: str) -> tuple[int, int]:
    database = await Database.open(dsn, max_size=1)
    try:
        sources = (await LibraryStore(database).sources(LOCAL)).items
        return len(sources), sum(source.passage_count for source in sources)
    finally:
        await database.close()

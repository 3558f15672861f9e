"""The write load of many streams on the embedded PostgreSQL: `python -m bench.write_load`.

The runs exist as rows. The application's flush statement then writes their new events in batches,
as fast as the database accepts them, over one connection per simulated replica. The result is the
number of streams that this database sustains at a flush interval; the factor to the target must
come from a bigger machine, fewer flushes or several databases.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.db.embedded.server import EmbeddedServer
from app.db.listener import Listener
from app.db.migrations import migrate
from app.db.pool import Database
from app.db.run_log import CHANNEL, PostgresRunLog
from app.runs.log_entries import LogEntry
from app.runs.ports import RESERVE_AHEAD, Batch
from app.runs.recorder import FLUSH_INTERVAL_S

MADE = """
WITH c AS (
  INSERT INTO conversations (owner_id, session_id, title, filters, created_at, updated_at)
  SELECT 'load', 's' || n, 'Load', '{}', now(), now() FROM generate_series(1, $1::int) n
)
INSERT INTO runs (run_id, owner_id, session_id, message_id, question_id, route, status, process_id,
  reserved, model, filters, on_disconnect, request_hash, created_at)
SELECT 'r' || n, 'load', 's' || n, 'm' || n, 'q' || n, 'chat', 'running', 'load', $2, 'load', '{}',
  'continue', '', now() FROM generate_series(1, $1::int) n
"""
WORD = "word "


@dataclass(frozen=True, slots=True)
class Load:
    """The simulated load."""

    streams: int
    tokens_per_s: float
    interval_s: float
    batch: int  # runs in one flush: a replica's
    writers: int  # flushes at the same time: replicas
    seconds: float


@dataclass(frozen=True, slots=True)
class Taken:
    """The measured result."""

    runs_per_s: float
    events_per_s: float
    flush_ms: tuple[float, float]  # p50, p99
    wal_mb_per_s: float
    kb_per_run: float

    def carried(self, interval_s: float) -> int:
        """The number of streams whose events are written in time at this interval."""
        return int(self.runs_per_s * interval_s)


def batch(first: int, load: Load, after: int) -> list[Batch]:
    """The new events of one replica's runs: the tokens of one interval per run."""
    count = max(1, round(load.tokens_per_s * load.interval_s))
    entries = tuple(_entry(seq) for seq in range(after + 1, after + count + 1))
    last = entries[-1].seq + RESERVE_AHEAD
    numbers = range(first, min(first + load.batch, load.streams + 1))
    return [Batch(f"r{number}", 1, entries, last) for number in numbers]


def _entry(seq: int) -> LogEntry:
    at = "2026-11-20T10:30:40.000Z"
    data = json.dumps({"type": "token", "content": WORD, "timestamp": at}, separators=(",", ":"))
    return LogEntry(seq, "token", data.encode(), WORD)


async def run(load: Load, dsn: str) -> Taken:
    """Writes for `load.seconds`."""
    await migrate(dsn)
    database = await Database.open(dsn, max_size=load.writers)
    log = PostgresRunLog(database, Listener(database, channels=(CHANNEL,)))
    try:
        await database.execute(MADE, load.streams, RESERVE_AHEAD)
        await database.execute("ANALYZE")
        wal = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn"
        size = "SELECT pg_total_relation_size('run_events')"
        before, empty = await database.fetchval(wal), await database.fetchval(size)
        took: list[float] = []
        written = [0, 0]
        began = time.monotonic()
        writers = (
            _write(log, load, number, took, written, began) for number in range(load.writers)
        )
        await asyncio.gather(*writers)
        seconds = time.monotonic() - began
        grown = await database.fetchval(size) - empty
        wal_mb = float(await database.fetchval(wal) - before) / 2**20
    finally:
        await database.close()
    cuts = statistics.quantiles(took, n=100)
    return Taken(
        runs_per_s=written[0] / seconds,
        events_per_s=written[1] / seconds,
        flush_ms=(cuts[49] * 1000, cuts[98] * 1000),
        wal_mb_per_s=wal_mb / seconds,
        kb_per_run=grown / written[0] / 1024,
    )


async def _write(
    log: PostgresRunLog,
    load: Load,
    number: int,
    took: list[float],
    written: list[int],
    began: float,
) -> None:
    """One replica, which writes its share of the runs repeatedly."""
    share = load.streams // load.writers
    first, after, at = 1 + number * share, 0, 0
    while time.monotonic() - began < load.seconds:
        batches = batch(first + at, load, after)
        started = time.monotonic()
        refused = await log.flush(batches)
        took.append(time.monotonic() - started)
        if refused:
            raise SystemExit(f"{len(refused)} runs were refused")
        written[0] += len(batches)
        written[1] += sum(len(each.entries) for each in batches)
        at += load.batch
        if at + load.batch > share:
            at, after = 0, batches[0].entries[-1].seq


def told(load: Load, taken: Taken) -> str:
    """The row for docs/measurements.md, and its interpretation."""
    p50, p99 = taken.flush_ms
    factor = load.streams / max(1, taken.carried(load.interval_s))
    return "\n".join(
        (
            f"{load.streams:,} running answers, {load.tokens_per_s:g} tokens/s each, flushed every "
            f"{load.interval_s:g} s by {load.writers} writers, {load.batch:,} runs a flush:",
            f"  flush p50 {p50:.0f} ms, p99 {p99:.0f} ms; {taken.runs_per_s:,.0f} rows/s, "
            f"{taken.events_per_s:,.0f} events/s, WAL {taken.wal_mb_per_s:.1f} MB/s, "
            f"{taken.kb_per_run:.2f} KB a row",
            f"  carries {taken.carried(load.interval_s):,} streams at this interval; "
            f"{load.streams:,} need {factor:.1f} times as much",
        )
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints one row for each flush interval."""
    parser = argparse.ArgumentParser(prog="python -m bench.write_load", description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--tokens-per-s", type=float, default=50)
    parser.add_argument("--batch", type=int, default=1_000)
    parser.add_argument("--writers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15)
    options = parser.parse_args(arguments)
    sys.stdout.write(f"{datetime.now(UTC):%Y-%m-%d}\n")
    for interval_s in (FLUSH_INTERVAL_S, 0.5, 1.0, 2.0):
        load = Load(
            options.streams,
            options.tokens_per_s,
            interval_s,
            options.batch,
            options.writers,
            options.seconds,
        )
        with tempfile.TemporaryDirectory(prefix="citestream-load-") as folder:
            Path(folder).chmod(0o755)
            server = EmbeddedServer.start(Path(folder))
            try:
                sys.stdout.write(told(load, asyncio.run(run(load, server.dsn))) + "\n")
                sys.stdout.flush()
            finally:
                server.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())

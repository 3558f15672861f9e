"""Load test with many sessions against any server: `make load URL=… SESSIONS=…`.

Each session asks questions in its own conversation, reads the stream with `citestream_client`,
sometimes stops or drops its connection, and then compares what it read with what the server
stored. Without a URL it starts a server in quoting mode with the sample library and a temporary
folder.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import psutil
import uvloop
from rich.console import Console
from rich.live import Live
from rich.table import Table

from bench.load_server import own_server
from bench.load_sessions import Habits, LoadStats, session
from citestream_client import Citestream

QUESTIONS: Final = (
    "What are the side effects of aripiprazole?",
    "Why did the first text message go out late?",
    "What is the capital of Mongolia?",
    "How should amoxicillin be taken?",
    "What was decided about the batteries?",
)
BUSIEST: Final = 80.0  # per cent of a processor; above it this tool affects the figures


async def run(options: argparse.Namespace, console: Console) -> int:
    """The exit code: 1 when an answer failed or differs from what the server stored."""
    stats = LoadStats()
    async with AsyncExitStack() as stack:
        url = options.url or await stack.enter_async_context(own_server(options.tokens_per_s))
        console.print(f"{options.sessions} sessions for {options.duration:g} s against {url}")
        library = await stack.enter_async_context(Citestream(url, token=options.token))
        habits = Habits(
            questions=_questions(options.questions),
            ends_at=time.monotonic() + options.duration,
            pause_s=options.sessions / options.rate if options.rate else 0.0,
            stops=options.stop_ratio,
            cuts=options.reconnect_ratio,
            seed=options.seed,
        )
        process = psutil.Process()
        process.cpu_percent()
        await _watched(library, habits, stats, options, console)
        busy = process.cpu_percent()
    console.print(summary(stats))
    for error, count in stats.errors.most_common():
        console.print(f"{count} × {error}", style="red")
    console.print(verdict(stats, busy=busy))
    return 1 if stats.errors or stats.differing else 0


def _questions(path: str | None) -> Sequence[str]:
    """The questions of a file, or of the sample library."""
    if path is None:
        return QUESTIONS
    lines = map(str.strip, Path(path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line]


async def _watched(
    library: Citestream,
    habits: Habits,
    stats: LoadStats,
    options: argparse.Namespace,
    console: Console,
) -> None:
    """Runs all sessions to their end, with a progress line."""
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        running = [
            group.create_task(session(library, number, habits, stats, of=options.sessions))
            for number in range(options.sessions)
        ]
        with Live(console=console, refresh_per_second=2, transient=True) as live:
            while not all(task.done() for task in running):
                live.update(progress(stats, seconds=time.monotonic() - began))
                if not console.is_terminal:
                    console.print(progress(stats, seconds=time.monotonic() - began))
                await asyncio.wait(running, timeout=0.5 if console.is_terminal else 5)


def progress(stats: LoadStats, *, seconds: float) -> str:
    """The progress so far, in one line."""
    return (
        f"{seconds:5.0f} s  asked {stats.asked}  reading {stats.reading}  "
        f"finished {stats.finished}  stopped {stats.stopped}  cut {stats.cuts}  "
        f"tokens/s {stats.tokens / max(seconds, 0.001):,.0f}  errors {stats.errors.total()}"
    )


def summary(stats: LoadStats) -> Table:
    """Percentiles of every duration, in milliseconds."""
    table = Table(title="milliseconds", title_justify="left")
    for name in ("", "count", "p50", "p90", "p99", "max"):
        table.add_column(name, justify="left" if not name else "right")
    for name, seconds in stats.durations.items():
        ordered = sorted(seconds)
        cells = [f"{_share(ordered, share) * 1_000:,.1f}" for share in (0.5, 0.9, 0.99, 1.0)]
        table.add_row(name, f"{len(ordered):,}", *cells)
    return table


def _share(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile."""
    return ordered[max(0, round(share * len(ordered)) - 1)]


def verdict(stats: LoadStats, *, busy: float) -> str:
    """The results of the comparison, and whether this tool was the bottleneck."""
    compared = f"{stats.compared} answers compared with what was kept"
    differing = f"{stats.differing} differ" if stats.differing else "all equal"
    ours = f"this tool used {busy:.0f} % of a processor"
    if busy > BUSIEST:
        ours += ": too much, run several of it or take fewer sessions"
    return f"{compared}, {differing}; {ours}"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options. Ratios are from 0 to 1."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--url", help="the server; without one a server of its own is started")
    parser.add_argument("--token", help="an API token, for AUTH=token or jwt")
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--rate", type=float, default=0.0, help="questions a second in all, 0: any")
    parser.add_argument("--duration", type=float, default=30.0, help="seconds")
    parser.add_argument("--stop-ratio", type=float, default=0.1)
    parser.add_argument("--reconnect-ratio", type=float, default=0.2)
    parser.add_argument("--questions", help="a file with one question a line")
    parser.add_argument("--tokens-per-s", type=float, default=50.0, help="of its own server")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args(arguments)


def main() -> int:
    options = parse(sys.argv[1:])
    return uvloop.run(run(options, Console(highlight=False, soft_wrap=True)))


if __name__ == "__main__":
    sys.exit(main())

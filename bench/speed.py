"""Speed beside the baseline: `python -m bench.speed`, or `make bench`.

The tutorial loop (`bench.baseline`), a bare pass-through (`bench.passthrough`) and the whole
application are measured in turn. The measured server has its own processor; the model service, the
reader and the database share another, and a figure is void if one of the first two was busier than
80 %. `--only F1 --seconds 2` measures one figure quickly.
"""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import getpass
import json
import platform
import signal
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import psutil
from rich.console import Console

from app.db.embedded.server import EmbeddedServer
from app.embeddings.minilm import MiniLM
from bench.retrieval_cache import CachedEncoder
from bench.retrieval_report import show
from bench.speed_answers import FIGURES, LIBRARY, SIZES
from bench.speed_figures import Run
from bench.speed_library import copies, prepare, questions
from bench.speed_report import passed, table, write_section
from bench.speed_servers import Bench, pin_database, upstream_running

PACKAGES: Final = (
    *("fastapi", "uvicorn", "uvloop", "langgraph", "langchain-core", "langchain-openai"),
    *("openai", "aiohttp", "asyncpg", "onnxruntime"),
)
DOCUMENT: Final = Path("docs/measurements.md")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, and record it. 1 when a gate was missed."""
    options = _options(arguments)
    console = Console()
    # As Ctrl-C does, so that all servers are stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    run = _measure(options, console)
    rows = table(run.rows)
    show(console, rows)
    made = _made(options)
    record = {"made": made, "rows": rows, "raw": run.raw}
    file = options.record or options.cache / f"{made['at'][:19].replace(':', '')}.json"
    file.write_text(json.dumps(record, indent=1))
    console.print(f"recorded in {file}")
    if options.document is not None:
        write_section(options.document, record)
    return 0 if passed(run.rows) else 1


def _measure(options: argparse.Namespace, console: Console) -> Run:
    figures = [one for one in FIGURES if not options.only or one in options.only]
    # Readable, because PostgreSQL runs as another user when this is root.
    options.cache.mkdir(mode=0o755, parents=True, exist_ok=True)
    server = EmbeddedServer.start(options.cache)
    try:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="citestream-bench-"))
            databases = _databases(server, options, figures, console)
            postmaster = int(
                (options.cache / "pg" / "data" / "postmaster.pid").read_text().split()[0]
            )
            pin_database(postmaster)
            upstream = stack.enter_context(upstream_running())
            asked = questions(options.passages)
            bench = Bench(upstream, postmaster, databases[options.passages], Path(folder), asked)
            run = Run(bench, options.seconds, options.repeats, console.log, databases=databases)
            for figure in figures:
                console.rule(figure)
                for measure in FIGURES[figure]:
                    measure(run)
            return run
    finally:
        server.release()


def _databases(
    server: EmbeddedServer, options: argparse.Namespace, figures: list[str], console: Console
) -> dict[int, str]:
    """Addresses of the required libraries, by size."""
    sizes = {options.passages}
    if "F6" in figures:
        sizes |= {size for size in SIZES if size <= options.largest}
    model = MiniLM.load()
    try:
        encoder = CachedEncoder(model, options.cache / "embeddings")

        def report(what: str, done: int, of: int) -> None:
            console.log(f"{what}: {done:,} of {of:,}")

        return copies(server, prepare(server, encoder, sorted(sizes), report))
    finally:
        model.close()


def _made(options: argparse.Namespace) -> dict[str, Any]:
    names = (f"{package} {version(package)}" for package in PACKAGES)
    return {
        "at": datetime.now(UTC).isoformat(),
        "versions": f"Python {platform.python_version()}, {', '.join(names)}",
        "machine": f"{psutil.cpu_count()} processors ({platform.machine()}), "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB, {platform.system()}",
        "seconds": options.seconds,
        "passages": options.passages,
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--only", nargs="*", choices=list(FIGURES), help="these figures alone")
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=2, help="rounds of F1; the best one counts")
    parser.add_argument("--passages", type=int, default=LIBRARY, help="in the library of F1 to F5")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="library of F6")
    parser.add_argument("--cache", type=Path, default=_cache(), help="libraries and records")
    parser.add_argument("--record", type=Path, help="where the JSON record goes")
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--no-document", dest="document", action="store_const", const=None)
    return parser.parse_args(arguments)


def _cache() -> Path:
    """A folder kept between runs, until the next boot."""
    return Path(tempfile.gettempdir()) / f"citestream-speed-{getpass.getuser()}"


if __name__ == "__main__":
    raise SystemExit(main())

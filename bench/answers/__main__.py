"""`python -m bench.answers`: asks questions over HTTP and checks the answers by strings.

A real server ingests the files of a library and answers each conversation, in quoting mode and with
a scripted model that follows its prompt. Prints the answers that are not right, except those of the
held-out set. The exit code is 1 when a gate is missed.
"""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import asyncio
import platform
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

import httpx
from pydantic import SecretStr
from rich.console import Console
from rich.progress import Progress, TaskID

from app.config import Settings, load_settings
from app.db.embedded.server import EmbeddedServer
from app.db.pool import connect
from app.embeddings.minilm import MiniLM
from app.main import create_app
from bench.answers.asking import converse, serving, upload
from bench.answers.judging import judge
from bench.answers.libraries import SAMPLES, library_files
from bench.answers.questions import SETS, Item, read_questions
from bench.answers.report import Judged, gate_rows, kind_rows, passed, shortfalls, write_section
from bench.answers.scripted_model import NAME, scripted_model
from bench.retrieval_cache import CachedEncoder
from bench.retrieval_report import show

QUOTING: Final = "quoting"
MODEL: Final = "model"
_SAMPLES: Final = 19


@dataclass(frozen=True, slots=True)
class Options:
    """The command-line options."""

    set: list[str]
    mode: list[str]
    library: list[str] | None
    kind: list[str] | None
    match: str
    document: Path | None
    cache: Path


class Asking:
    """All libraries, one after another."""

    def __init__(self, options: Options, encoder: CachedEncoder, progress: Progress) -> None:
        self._options = options
        self._encoder = encoder
        self._progress = progress

    async def run(self, server: EmbeddedServer, home: Path, items: list[Item]) -> list[Judged]:
        judged: list[Judged] = []
        async with serving(scripted_model()) as model:
            for number, library in enumerate(dict.fromkeys(item.library for item in items)):
                own = [item for item in items if item.library == library]
                bar = self._progress.add_task(library, total=len(own) * len(self._options.mode))
                folder = home / str(number)
                dsn = await _new_database(server, f"answers {number}")
                for mode in self._options.mode:
                    url = f"{model}/v1" if mode == MODEL else None
                    async with self._library(library, folder, dsn, url) as client:
                        judged += await self._ask(client, own, mode, bar)
        return judged

    @asynccontextmanager
    async def _library(
        self, name: str, folder: Path, dsn: str, model: str | None
    ) -> AsyncIterator[httpx.AsyncClient]:
        files = library_files(name, folder / "files")
        settings = _settings(folder, dsn, model, samples=name == SAMPLES)
        app = create_app(settings, embedder=self._encoder)
        async with serving(app) as url, _client(url) as client:
            await upload(client, files, sources=len(files) or _SAMPLES)
            yield client

    async def _ask(
        self, client: httpx.AsyncClient, items: Sequence[Item], mode: str, bar: TaskID
    ) -> list[Judged]:
        judged = []
        for item in items:
            reply = await converse(client, item.turns)
            judged.append(Judged(item, mode, reply, judge(item, reply)))
            self._progress.advance(bar)
        return judged


def _settings(folder: Path, dsn: str, model: str | None, *, samples: bool) -> Settings:
    return load_settings(
        data_dir=folder,
        database_url=SecretStr(dsn),
        sample_library=samples,
        llm_provider="extractive" if model is None else "openai",
        openai_base_url=model,
        openai_api_key=None,
        llm_model=None if model is None else NAME,
        models=None,
        extractive_tokens_per_s=0,
        log_level="ERROR",
        auth="none",
    )


def _client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=60, trust_env=False)


async def _new_database(server: EmbeddedServer, name: str) -> str:
    connection = await connect(server.dsn)
    try:
        await connection.execute(f'CREATE DATABASE "{name}"')
    finally:
        await connection.close()
    return server.dsn_of(name)


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask, print and record. 1 when a gate is missed."""
    options = _options(arguments)
    console = Console()
    items = [item for item in read_questions(options.set) if _is_wanted(item, options)]
    home = Path(tempfile.mkdtemp(prefix="citestream-answers-"))
    home.chmod(0o755)
    model = MiniLM.load()
    server = EmbeddedServer.start(home)
    try:
        with Progress(console=console, disable=not console.is_terminal) as progress:
            asking = Asking(options, CachedEncoder(model, options.cache), progress)
            judged = asyncio.run(asking.run(server, home, items))
    finally:
        server.release()
        shutil.rmtree(home, ignore_errors=True)
        model.close()
    sys.stdout.writelines(f"{line}\n" for line in shortfalls(judged))
    kinds, gates = kind_rows(judged), gate_rows(judged, QUOTING)
    for rows in (kinds, gates):
        show(console, rows)
    if options.document is not None:
        write_section(options.document, _made(), (kinds, gates))
    return 0 if passed(gates) else 1


def _is_wanted(item: Item, options: Options) -> bool:
    return (
        (options.library is None or item.library in options.library)
        and (options.kind is None or item.kind in options.kind)
        and options.match.casefold() in " ⏎ ".join(item.turns).casefold()
    )


def _made() -> dict[str, str]:
    packages = ("onnxruntime", "pgvector", "langgraph")
    names = (f"{package} {version(package)}" for package in packages)
    return {
        "at": datetime.now(UTC).isoformat(),
        "command": "python -m bench.answers",
        "versions": f"Python {platform.python_version()}, {', '.join(names)}",
    }


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench.answers", description=__doc__)
    parser.add_argument("--set", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--mode", nargs="+", choices=(QUOTING, MODEL), default=[QUOTING, MODEL])
    parser.add_argument("--library", nargs="+", help="only these libraries")
    parser.add_argument("--kind", nargs="+", help="only these kinds of question")
    parser.add_argument("--match", default="", help="only questions with this text")
    parser.add_argument("--write", dest="document", type=Path, help="a Markdown file to record in")
    parser.add_argument(
        "--cache", type=Path, default=Path.home() / ".cache" / "citestream" / "answers"
    )
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())

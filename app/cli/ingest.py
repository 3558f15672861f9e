"""`python -m app.ingest PATH…`: adds files and folders to the library, with a progress bar."""

from app.server.process import prepare_libraries

prepare_libraries()

import argparse
import asyncio
import logging
import uuid
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from app.cli.database import open_database
from app.config import Settings, load_settings, reader_environment
from app.db.job_log import PostgresJobLog
from app.db.library_store import LibraryStore
from app.domain.encoding import printable
from app.domain.errors import CitestreamError
from app.domain.principals import Principal
from app.embeddings.providers import check_vectors, make_embedder
from app.ingest.expansion import Expansion
from app.ingest.file_discovery import Discovered, discover, origin_of
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.jobs.recorded_job import recorded_job
from app.ingest.pipeline import Ingestor
from app.ingest.progress import ProgressDisplay
from app.ingest.reembedding import reembed


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m app.ingest",
        description="Add files to the library, or update changed ones.",
    )
    parser.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="a file or folder")
    parser.add_argument(
        "--tag", action="append", default=[], metavar="NAME", help="may be repeated"
    )
    parser.add_argument("--owner", default="local", help="owner of the sources (default: local)")
    parser.add_argument("--shared", action="store_true", help="readable by everyone")
    parser.add_argument(
        "--sync",
        action="store_true",
        help="remove sources whose files are no longer in the given folders",
    )
    parser.add_argument(
        "--reembed",
        action="store_true",
        help="re-embed sources that were embedded with a model other than the configured one",
    )
    parsed = parser.parse_args(arguments)
    if not parsed.paths and not parsed.reembed:
        parser.error("specify at least one PATH, or --reembed")
    return parsed


async def run(options: argparse.Namespace, settings: Settings, console: Console) -> int:
    """0 when every file is in the library, 1 when any failed."""
    async with open_database(settings, max_size=2) as database:
        library = LibraryStore(database)
        embedder = await asyncio.to_thread(make_embedder, settings.embedding)
        screen = ProgressDisplay(console)
        if options.reembed:
            with screen.reembedding() as report:
                await reembed(library, embedder, report=report)
        await check_vectors(library, embedder)
        reader = FileReader(embedder.count, environment=reader_environment())
        ingestor = Ingestor(
            library,
            embedder,
            FileStore(settings.data_dir / "files"),
            reader,
            now=lambda: datetime.now(UTC),
        )
        principal = Principal(options.owner)
        found = discover(options.paths, tags=options.tag, shared=options.shared)
        with closing(reader):
            async with recorded_job(
                PostgresJobLog(database),
                principal,
                job_id=str(uuid.uuid4()),
                files=len(found.files),
                shared=options.shared,
                now=lambda: datetime.now(UTC),
            ) as job:
                ended = await screen.ingest_all(
                    ingestor, principal, found, done=job.files, expect=job.expect
                )
        gone = await _gone(library, principal, options.paths, found, ended.expansions)
        if options.sync:
            for source_id in gone:
                await library.delete(principal, source_id, at=datetime.now(UTC))
        screen.report_gone(list(gone.values()), removed=options.sync)
        return ended.code


async def _gone(
    library: LibraryStore,
    principal: Principal,
    paths: Sequence[Path],
    found: Discovered,
    expansions: Sequence[Expansion],
) -> dict[str, str]:
    """Sources (id to name) whose files are no longer below the given paths.

    A container file counts as a folder: files no longer in it are gone.
    """
    here = {file.origin for file in found.files}
    unknown = tuple(f"{origin_of(folder)}/" for folder, _ in found.unreadable)
    return {
        source_id: name
        for path in paths
        for source_id, origin, name in await library.origins(
            principal, f"{origin_of(path).removesuffix('/')}/"
        )
        if origin not in here
        and not origin.startswith(unknown)
        and not any(expansion.has(origin) for expansion in expansions)
    }


def main(arguments: Sequence[str]) -> int:
    """Return the exit code: 0, 1 for an invalid file or setting, 130 after Ctrl-C."""
    options = parse(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        return asyncio.run(run(options, load_settings(), Console(highlight=False)))
    except CitestreamError as error:
        errors.print(printable(str(error), keep="\n"), style="red", markup=False)
        return 1
    except KeyboardInterrupt:
        errors.print("Stopped. Completed files are in the library.")
        return 130

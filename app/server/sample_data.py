"""Ingests the sample library into an empty database at the first start, in the background."""

import logging
import uuid
from pathlib import Path

from app.db.job_log import PostgresJobLog
from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.errors import StoreUnavailable
from app.domain.library_ports import PassageEncoder
from app.domain.principals import LOCAL
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.jobs.recorded_job import recorded_job
from app.ingest.parsed_document import IngestError
from app.ingest.pipeline import Ingestor
from app.ingest.sample_library import ingest_samples, sample_files
from app.runs.ports import Clock

log = logging.getLogger(__name__)

FULL_S = 60.0  # how long to wait for a free connection

_LOCK = 0x63697465_73616D70
"""Advisory lock: of several processes starting together, only one ingests."""


async def load_samples(
    database: Database,
    embedder: PassageEncoder,
    reader: FileReader,
    *,
    data_dir: Path,
    clock: Clock,
) -> None:
    """Ingest the samples when the library is empty, or when an earlier start was interrupted.

    Deleted samples are not restored.
    """
    library = LibraryStore(database)
    unfinished = data_dir / "samples.unfinished"
    connection = await database.dedicated(wait_s=FULL_S)
    try:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            return
        if not unfinished.exists() and not await library.empty():
            return
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        unfinished.touch()
        log.info("Reading the sample library; you can ask questions meanwhile")
        files = FileStore(data_dir / "files")
        ingestor = Ingestor(library, embedder, files, reader, now=clock.now)
        async with recorded_job(
            PostgresJobLog(database),
            LOCAL,
            job_id=str(uuid.uuid4()),
            files=len(sample_files()),
            shared=True,
            now=clock.now,
        ) as job:
            await ingest_samples(ingestor, done=lambda name, one: job.files([(name, one)]))
        unfinished.unlink(missing_ok=True)
    except (StoreUnavailable, IngestError) as error:
        log.warning("The sample library could not be read: %s", error)
    finally:
        connection.terminate()

"""The events of ingest jobs in PostgreSQL, readable from every replica."""

from collections.abc import Sequence

from app.db.library_rows import storable
from app.db.pool import Database
from app.db.queries import load_queries
from app.domain.job_ports import JOB_DEAD_S, JobEntry, JobRow
from app.domain.models import Reading, reading_of
from app.domain.principals import Principal

SQL = load_queries("jobs")


class PostgresJobLog:
    """Implements `JobLog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(
        self, principal: Principal, job_id: str, *, files: int, shared: bool = False
    ) -> None:
        """Create a job without events. Also deletes jobs that ended more than a day ago."""
        async with self._database.transaction() as connection:
            await connection.execute(SQL["purge_jobs"])
            await connection.execute(SQL["create_job"], job_id, principal.owner_id, files, shared)

    async def add_files(self, job_id: str, files: int) -> None:
        """Add files found inside others to the job's total."""
        await self._database.execute(SQL["add_job_files"], job_id, files)

    async def append(self, job_id: str, events: Sequence[tuple[str, bytes]], *, ends: bool) -> bool:
        """Append (type, data) pairs atomically. False, appending nothing, if the job has ended."""
        types = [kind for kind, _ in events]
        data = [one.decode() for _, one in events]
        return bool(await self._database.fetch(SQL["append_events"], job_id, types, data, ends))

    async def beat(self, job_ids: Sequence[str]) -> None:
        """Record that the process of these jobs is alive."""
        await self._database.fetch(SQL["beat_jobs"], list(job_ids))

    async def find(self, principal: Principal, job_id: str) -> JobRow | None:
        """None when unknown or owned by someone else."""
        row = await self._database.fetchrow(SQL["find_job"], principal.owner_id, storable(job_id))
        return JobRow(*row) if row else None

    async def reading(self, principal: Principal | None) -> Reading | None:
        owner_id = None if principal is None else principal.owner_id
        row = await self._database.fetchrow(SQL["reading_progress"], owner_id, JOB_DEAD_S)
        return reading_of(row["done"], row["total"]) if row else None

    async def entries(self, job_id: str, *, after: int, limit: int) -> tuple[JobEntry, ...]:
        rows = await self._database.fetch(SQL["list_events"], job_id, after, limit)
        return tuple(JobEntry(row["seq"], row["type"], row["data"].encode()) for row in rows)

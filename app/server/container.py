"""Wires the services of one event loop.

Pools, clients and run tasks belong to the running loop: they start once, on first use, and are
dropped when the loop is closed. Parts shared by all loops of the process are in `shared_parts`.
"""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

import httpx

from app.api.dependencies import ModelInfo, Services
from app.config import Settings, reader_environment
from app.db.access_store import PostgresAccess
from app.db.conversation_store import ConversationStore
from app.db.job_log import PostgresJobLog
from app.db.library_store import LibraryStore
from app.db.listener import Listener
from app.db.migrations import migrate
from app.db.pool import Database
from app.db.run_log import CHANNEL, PostgresRunLog, renew_lease
from app.domain.errors import StoreUnavailable
from app.domain.library_ports import PassageEncoder
from app.domain.model_endpoints import ModelEndpoint
from app.domain.principals import LOCAL
from app.embeddings.providers import check_vectors
from app.graph.answerable_questions import AnswerableQuestions, AnswerCheck
from app.graph.follow_up_questions import FollowUpQuestions
from app.ingest.file_reader import FileReader
from app.ingest.files import FileStore
from app.ingest.jobs.queue import IngestQueue
from app.ingest.pipeline import Ingestor
from app.ingest.reembedding import reembed_source
from app.llm.catalog import ConfiguredModel, ModelCatalog
from app.llm.discovery import ModelDiscovery
from app.llm.extractive_answer import quote as choose_quotes
from app.llm.offered_models import OfferedModels
from app.observability.exposition import Exposition
from app.observability.statement_metrics import StatementMetrics
from app.runs.citation_check import cite_within_limit
from app.runs.clock import SystemClock
from app.runs.lease_fallback import ALIVE_EVERY_S, LeaseFallback
from app.runs.ownership import elapsed_s
from app.runs.ports import AnswerEngine
from app.runs.service import Limits, RunService
from app.runs.supervisor import BackgroundLoop, Supervisor
from app.runs.tasks import TaskTracker
from app.search.hybrid import HybridSearch
from app.search.passage_index import PostgresPassageIndex
from app.search.rerank import FeatureReranker
from app.search.rerank_service import make_client, make_reranker
from app.search.vocabulary import LibraryVocabulary, known_words
from app.server.answer_engines import make_engine
from app.server.configured_models import known_models, listings
from app.server.garbage_collection import CHECK_S, GarbageCollector
from app.server.maintenance import maintenance_loops
from app.server.outbound_traffic import describe_private, search_hosts
from app.server.sample_data import load_samples
from app.server.shared_parts import Process
from app.server.telemetry import metrics_loops

log = logging.getLogger(__name__)

TASK_SHUTDOWN_S = 2.0


@dataclass(frozen=True, slots=True)
class Container:
    """The running services of one loop."""

    services: Services
    tasks: TaskTracker
    database: Database
    jobs: IngestQueue
    lease_fallback: LeaseFallback
    samples: "asyncio.Task[None] | None" = None


class Containers:
    """One `Container` per event loop, started once however many callers ask at the same time.

    Each is owned by an async generator, because a loop closes its generators when it shuts down.
    Without a lifespan there is no other hook into the shutdown.
    """

    def __init__(self, process: Process) -> None:
        self.process = process
        self._owners: dict[asyncio.AbstractEventLoop, AsyncGenerator[Container, None]] = {}
        self._starting: dict[asyncio.AbstractEventLoop, asyncio.Task[Container]] = {}

    def __len__(self) -> int:
        return len(self._owners)

    async def get(self) -> Container:
        """The running loop's container. Raises `SettingError` or `StoreUnavailable`; retryable."""
        loop = asyncio.get_running_loop()
        starting = self._starting.get(loop)
        if starting is None:
            self._drop_closed()
            self._owners[loop] = self._owned(loop)
            starting = TaskTracker().spawn(self._begin(loop), name="start", awaited=True)
            self._starting[loop] = starting
        return await asyncio.shield(starting)

    async def _begin(self, loop: asyncio.AbstractEventLoop) -> Container:
        return await anext(self._owners[loop])

    async def _owned(self, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[Container, None]:
        """Hold the container until the loop shuts down, which closes all its generators at once."""
        try:
            async with AsyncExitStack() as stack:
                yield await start(self.process, stack)
        finally:
            self._owners.pop(loop, None)
            self._starting.pop(loop, None)

    def _drop_closed(self) -> None:
        """Drop containers of loops that were closed without a shutdown."""
        for loop in [loop for loop in self._owners if loop.is_closed()]:
            del self._owners[loop], self._starting[loop]

    async def services(self) -> Services:
        """The services for the routes."""
        return (await self.get()).services

    async def close(self) -> None:
        """Close the running loop's container if it was started."""
        loop = asyncio.get_running_loop()
        starting, owner = self._starting.get(loop), self._owners.get(loop)
        if starting is None or owner is None:
            return
        starting.cancel()
        await asyncio.wait({starting})
        await owner.aclose()


async def start(process: Process, stack: AsyncExitStack) -> Container:
    """Start the services of the running loop, until `stack` is closed. Drain the runs first."""
    log.info("Starting, 1 of 3: the database")
    dsn = await asyncio.to_thread(process.dsn)
    password = await asyncio.to_thread(process.password)
    await migrate(dsn, password=password)
    log.info("Starting, 2 of 3: the models")
    embedder = await asyncio.to_thread(process.embedder)
    models = await asyncio.to_thread(process.models)
    log.info("Starting, 3 of 3: connections and background work")
    database = await Database.open(
        dsn, password=password, max_size=process.settings.database_pool_size
    )
    stack.push_async_callback(database.close)
    stack.push_async_callback(models.aclose)
    notices = Listener(database, channels=(CHANNEL,))
    stack.push_async_callback(notices.close)
    tasks = TaskTracker()
    stack.push_async_callback(_end, tasks, database)
    supervisor = Supervisor(tasks, SystemClock())
    notices.start(supervisor)
    reader = FileReader(embedder.count, environment=reader_environment())
    stack.push_async_callback(asyncio.to_thread, reader.close)
    reranking = make_client(process.settings.reranking, proxies=process.settings.proxies)
    if reranking is not None:
        stack.push_async_callback(reranking.aclose)
    container = await _assemble(
        process, embedder, models, reader, database, notices, supervisor, reranking
    )
    stack.callback(container.lease_fallback.close)
    stack.push_async_callback(container.services.runs.close)
    stack.push_async_callback(container.jobs.close)
    return container


async def _end(tasks: TaskTracker, database: Database) -> None:
    """End the tasks. Tasks that wait for an unresponsive database are cut off."""
    try:
        async with asyncio.timeout(TASK_SHUTDOWN_S):
            await tasks.close()
    except TimeoutError:
        log.warning("The database does not respond: shutting down without it")
        database.terminate()
        await tasks.close()


async def _assemble(
    process: Process,
    embedder: PassageEncoder,
    models: ModelCatalog,
    reader: FileReader,
    database: Database,
    notices: Listener,
    supervisor: Supervisor,
    reranking: httpx.AsyncClient | None,
) -> Container:
    """Wire the parts of one loop and start its runs."""
    settings = process.settings
    library = LibraryStore(database)
    index = PostgresPassageIndex(database)
    await check_vectors(library, embedder)
    if settings.auth != "none" and (private := await library.count_private(LOCAL)):
        log.warning(describe_private(private))
    tasks, clock = supervisor.tasks, SystemClock()
    words = LibraryVocabulary(database, is_word=known_words(embedder))
    reranker = make_reranker(
        settings.reranking,
        FeatureReranker(index, embedder),
        client=reranking,
        clock=clock.monotonic,
    )
    engine = make_engine(
        settings, process.tracing, embedder, library, index, words, models, reranker, clock
    )
    process_id = str(uuid.uuid4())
    runs = make_runs(process, process_id, engine, database, notices, supervisor)
    await runs.start()
    fallback = LeaseFallback(partial(renew_lease, database, process_id))
    fallback.start()
    exposition = process.telemetry.exposition(database, supervisor)
    jobs = make_jobs(process, embedder, reader, database, tasks, clock)
    jobs.start(supervisor)
    for loop in background_loops(process, database, exposition, runs, jobs, fallback):
        supervisor.start(loop)
    samples = None
    if settings.sample_library:
        loading = load_samples(database, embedder, reader, data_dir=settings.data_dir, clock=clock)
        samples = tasks.spawn(loading, name="sample library")
    offered = make_offered(settings, models, clock, tasks)
    check = AnswerCheck(
        HybridSearch(index, embedder), FeatureReranker(index, embedder), choose_quotes
    )
    model = models.model(models.default)
    offered.reach(model)  # the first check
    services = Services(
        runs=runs,
        conversations=ConversationStore(database),
        library=library,
        access=PostgresAccess(database),
        library_writer=library,
        jobs=jobs,
        suggestions=AnswerableQuestions(check),
        follow_ups=FollowUpQuestions(library, check),
        model_reach=partial(offered.reach, model),
        model=ModelInfo(model.provider, model.name, model.label, model.sends_to),
        models=offered,
        search_sends_to=search_hosts(settings),
        heartbeat_s=settings.heartbeat_s,
        files=settings.data_dir / "files",
        max_upload_bytes=settings.max_upload_mb * 2**20,
        database_ok=lambda: _responds(database),
        failing_loops=supervisor.failing,
        now=clock.now,
        render_metrics=exposition.render,
        sample_gaps=process.telemetry.gaps,
    )
    return Container(services, tasks, database, jobs, fallback, samples)


def background_loops(
    process: Process,
    database: Database,
    exposition: Exposition,
    runs: RunService,
    jobs: IngestQueue,
    fallback: LeaseFallback,
) -> tuple[BackgroundLoop, ...]:
    """Background loops other than those of runs and jobs."""
    collector = GarbageCollector(lambda: runs.active)
    return (
        BackgroundLoop(name="garbage", step=collector.check, every_s=CHECK_S),
        BackgroundLoop(name="lease fallback", step=fallback.alive, every_s=ALIVE_EVERY_S),
        *metrics_loops(process.telemetry.metrics, exposition),
        *maintenance_loops(
            database, restart=process.restarter(), clock=SystemClock(), discard=jobs.discard
        ),
    )


def make_runs(
    process: Process,
    process_id: str,
    engine: AnswerEngine,
    database: Database,
    notices: Listener,
    supervisor: Supervisor,
) -> RunService:
    """The runs of this loop, answered by `engine` and logged in `database`."""
    settings = process.settings
    return RunService(
        PostgresRunLog(database, notices, StatementMetrics(process.telemetry.metrics)),
        engine,
        cite=cite_within_limit,
        clock=SystemClock(),
        limits=Limits(settings.runs_per_user, settings.max_runs, settings.run_timeout_s),
        tasks=supervisor.tasks,
        process_id=process_id,
        observer=process.telemetry.runs,
        supervisor=supervisor,
        elapsed=elapsed_s,
    )


def make_offered(
    settings: Settings, models: ModelCatalog, clock: SystemClock, tasks: TaskTracker
) -> OfferedModels:
    """The models offered to users. Finds more if the settings allow it."""

    def add(found: Sequence[ModelEndpoint]) -> None:
        models.add_found(ConfiguredModel(one, settings.model_at(one)) for one in found)

    discovery = None
    if settings.discovers_models:
        discovery = ModelDiscovery(
            listings(settings),
            known=known_models(settings),
            add=add,
            proxies=settings.proxies,
            clock=clock,
            tasks=tasks,
        )
    return OfferedModels(
        models, proxies=settings.proxies, clock=clock, tasks=tasks, discovery=discovery
    )


def make_jobs(
    process: Process,
    embedder: PassageEncoder,
    reader: FileReader,
    database: Database,
    tasks: TaskTracker,
    clock: SystemClock,
) -> IngestQueue:
    """The ingest queue for uploads into this loop's database."""
    library = LibraryStore(database)
    files = process.settings.data_dir / "files"
    return IngestQueue(
        PostgresJobLog(database),
        Ingestor(library, embedder, FileStore(files), reader, now=clock.now),
        tasks,
        reembed=partial(reembed_source, library, embedder),
        staging=files / "incoming",
        now=clock.now,
        new_id=lambda: str(uuid.uuid4()),
    )


async def _responds(database: Database) -> bool:
    try:
        await database.fetchval("SELECT 1")
    except StoreUnavailable:
        return False
    return True

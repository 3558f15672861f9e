"""P17: every background loop of a running application recovers after raising ten times."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from typing_extensions import override

import app.server.container
from app.config import Settings
from app.domain.errors import StoreUnavailable
from app.embeddings.minilm import MiniLM
from app.ingest.jobs.queue import WORKERS
from app.runs.clock import SystemClock
from app.runs.supervisor import TOLERATED_S, BackgroundLoop, Supervisor
from app.runs.tasks import TaskTracker
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.probes import eventually
from tests.harness.run_client import asking, http_client, last_answer
from tests.harness.serving import serving
from tests.stream.conftest import QUESTION

if TYPE_CHECKING:
    import asyncio

FAILURES = 10
LOOPS = {
    "recorder",
    "lease",
    "lease fallback",
    "garbage",
    "ownership",
    "reaper",
    "stop requests",
    "kept runs",
    "purge",
    "notices",
    "event loop delay",
    "metrics of workers",
    "deleted sources",
    "deleted conversations",
    "ingest progress",
    "ingest staging",
    *(f"ingest worker {number}" for number in range(1, WORKERS + 1)),
}
ERRORS = (TypeError("a field of a newer version"), StoreUnavailable("away"), LookupError("lost"))


class Hurried(SystemClock):
    """Backoffs and pauses of minutes pass instantly and are counted."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    @override
    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s

    @override
    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.02))


class Sabotaged(Supervisor):
    """The first passes of each loop raise; `permits`: how many more may run."""

    here: ClassVar["Sabotaged"]

    def __init__(self, tasks: TaskTracker, _clock: SystemClock) -> None:
        self.hurried = Hurried()
        super().__init__(tasks, self.hurried)
        Sabotaged.here = self

    @override
    def start(self, loop: BackgroundLoop) -> "asyncio.Task[None]":
        left = [ERRORS[number % len(ERRORS)] for number in range(FAILURES)]

        async def step() -> None:
            if left:
                raise left.pop()
            await loop.step()

        hurried = replace(loop, step=step, first_after_s=min(loop.first_after_s, 0.02))
        return super().start(hurried)


async def test_each_loop_comes_back_and_answers_are_stored_as_before(
    settings: Settings, embedder: MiniLM, upstream: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.server.container, "Supervisor", Sabotaged)
    upstream.always(Reply(tokens=["Nausea ", "is ", "common ", "[1]."]))
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        supervisor = Sabotaged.here
        assert {state.loop.name for state in supervisor.states()} == LOOPS

        async def back() -> bool | None:
            done = (
                s.failures == FAILURES and not s.consecutive_failures for s in supervisor.states()
            )
            return all(done) or None

        # A loop that waits for work has recovered once it waits again; then it gets work.
        async with asking(http, QUESTION, session_id="s1") as asked:
            await asked.rest()
        assert (await last_answer(http, "s1"))["content"] == "Nausea is common [1]."
        upload = {"file": ("tea.md", b"# Tea\n\nTea is made of leaves.", "text/markdown")}
        for _ in range(WORKERS):
            assert (await http.post("/sources", files=upload)).status_code == 202
        await eventually(back, within_s=30)
        ready = await http.get("/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (200, [])
        metrics = (await http.get("/metrics")).text
        for name in LOOPS:
            line = f'citestream_background_failures_total{{loop="{name}"}} {float(FAILURES)}'
            assert line in metrics


async def test_no_task_goes_on_for_ever_without_a_supervisor(
    settings: Settings, embedder: MiniLM
) -> None:
    async with serving(settings, embedder) as server:

        async def only_loops() -> bool | None:  # after one-time work has ended
            return {task.get_name() for task in server.runtime.tasks} == LOOPS or None

        await eventually(only_loops, within_s=20)


async def test_readiness_names_the_loops_that_keep_failing(
    settings: Settings, embedder: MiniLM
) -> None:
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        assert (await http.get("/health/ready")).status_code == 200
        # The data of lease and reaper is gone, but the database is up.
        await server.runtime.database.execute("ALTER TABLE processes RENAME TO gone")

        async def unready() -> Any:
            ready = await http.get("/health/ready")
            return ready.json() if ready.status_code == 503 else None

        body = await eventually(unready, within_s=TOLERATED_S + 20, every_s=0.5)
        assert (body["status"], body["database"]) == ("unready", "ok")
        assert set(body["failing"]) & {"lease", "reaper"}
        await server.runtime.database.execute("ALTER TABLE gone RENAME TO processes")

        async def ready() -> bool | None:
            return (await http.get("/health/ready")).status_code == 200 or None

        await eventually(ready, within_s=20, every_s=0.2)

"""M22, P4: database outages: refused, silent, restarted, or never available."""

import asyncio
import re
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.db.embedded.server import EmbeddedServer
from app.db.migrations import migrate
from app.db.pool import connect
from app.domain.errors import SettingError
from app.embeddings.minilm import MiniLM
from tests.fakes.fault_proxy import FaultProxy, Faults, Flow
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.fakes.pooler import TransactionPooler
from tests.harness.probes import ViewerProbe, ask_and_leave, eventually, numbered_words
from tests.harness.process import ServerProcess
from tests.harness.serving import Serving, free_port, serving
from tests.stream.conftest import QUESTION, app_settings, stock

pytestmark = pytest.mark.faults

SILENT = Faults(up=Flow(stall_after=0), down=Flow(stall_after=0))


class Cuttable:
    """The connection from an application to its database, with two kinds of faults."""

    def __init__(self, proxy: FaultProxy) -> None:
        self._proxy = proxy

    async def cut(self, how: str) -> None:
        if how == "refused":
            await self._proxy.refuse(True)
            self._proxy.cut_all("rst")
        else:
            self._proxy.default = SILENT
            self._proxy.stall_all()

    def slow(self, seconds: float) -> None:
        """New connections delay each statement by that time."""
        self._proxy.default = Faults(up=Flow(delay_s=seconds))

    async def mend(self) -> None:
        self._proxy.default = Faults()
        await self._proxy.refuse(False)
        self._proxy.cut_all("rst")


@pytest.fixture
async def cuttable(stocked_dsn: str) -> AsyncIterator[tuple[Cuttable, str]]:
    """The faulty path, and the address that leads through it."""
    address, _, query = stocked_dsn.partition("?host=")
    folder = query.partition("&")[0]
    with tempfile.TemporaryDirectory(prefix="citestream-") as own:
        path = Path(own, ".s.PGSQL.5432")
        async with FaultProxy(upstream=f"{folder}/.s.PGSQL.5432", listen=path) as proxy:
            yield Cuttable(proxy), f"{address}?host={own}&port=5432&sslmode=disable"


@asynccontextmanager
async def asked(
    server: Serving, session_id: str = "s1"
) -> AsyncIterator[tuple[httpx.AsyncClient, ViewerProbe, httpx.Response]]:
    async with httpx.AsyncClient(timeout=20) as client:
        run_id, response = await ask_and_leave(client, server.url, QUESTION, session_id=session_id)
        try:
            yield client, ViewerProbe(run_id), response
        finally:
            await response.aclose()


async def until_words(probe: ViewerProbe, response: httpx.Response, count: int) -> None:
    """Start reading, and return once that many words were shown. Reading continues."""
    probe.reading = probe.reading or asyncio.ensure_future(probe.read(response))

    async def enough() -> bool | None:
        return probe.screen.text.count(" ") >= count or None

    await eventually(enough, within_s=10)


async def last_answer(client: httpx.AsyncClient, url: str, session_id: str = "s1") -> Any:
    response = await client.get(f"{url}/conversations/{session_id}/messages")
    return response.json()["items"][-1] if response.status_code == 200 else None


async def saved_answer(client: httpx.AsyncClient, url: str) -> Any:
    async def look() -> Any:
        answer = await last_answer(client, url)
        return answer if answer and answer["status"] != "streaming" else None

    return await eventually(look, within_s=15)


@pytest.mark.parametrize("how", ["refused", "silent"])
async def test_an_answer_that_ends_without_its_database_is_shown_unsaved_and_saved_later(
    how: str,
    cuttable: tuple[Cuttable, str],
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path: Path,
) -> None:
    way, dsn = cuttable
    upstream.always(Reply(tokens=numbered_words(150), pace_s=0.005))
    async with (
        serving(app_settings(dsn, upstream, tmp_path), embedder) as server,
        asked(server) as (client, probe, response),
    ):
        await until_words(probe, response, 20)
        await way.cut(how)
        await probe.finish()
        terminal = probe.screen.terminal
        assert terminal is not None
        assert (terminal.type, terminal.content["saved"]) == ("done", False)
        assert probe.screen.text == "".join(numbered_words(150)(upstream.requests[-1]))
        await way.mend()
        answer = await saved_answer(client, server.url)
        assert (answer["status"], answer["content"]) == ("complete", probe.screen.text)
        replay = ViewerProbe(probe.run_id)
        await replay.follow(client, server.url)
        assert replay.screen.text == probe.screen.text


async def test_a_slow_database_costs_time_and_no_word(
    cuttable: tuple[Cuttable, str], upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    """Every statement 20 ms late (not 0.2), at both of two replicas."""
    way, dsn = cuttable
    way.slow(0.02)
    upstream.always(Reply(tokens=numbered_words(100), pace_s=0.005))
    chosen = app_settings(dsn, upstream, tmp_path)
    async with (
        serving(chosen, embedder) as one,
        serving(chosen, embedder) as other,
        asked(one, "s1") as (client, probe, response),
        asked(other, "s2") as (_, second, second_response),
    ):
        far = ViewerProbe(probe.run_id)
        await asyncio.gather(
            probe.read(response),
            second.read(second_response),
            far.follow_to_the_end(client, [other.url], within_s=15),
        )
        for seen in (probe, second, far):
            assert seen.screen.text == "".join(f"w{number} " for number in range(100))
            assert seen.screen.terminal is not None
            assert seen.screen.terminal.content["saved"] is True
        stored = await last_answer(client, other.url)
        assert (stored["status"], stored["content"]) == ("complete", probe.screen.text)


@pytest.mark.parametrize("how", ["refused", "silent"])
async def test_an_outage_in_the_middle_is_not_seen_on_either_replica(
    how: str,
    cuttable: tuple[Cuttable, str],
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path: Path,
) -> None:
    way, dsn = cuttable
    upstream.always(Reply(tokens=numbered_words(500), pace_s=0.01))
    settings = app_settings(dsn, upstream, tmp_path)
    async with (
        serving(settings, embedder) as server,
        serving(settings, embedder) as other,
        asked(server) as (client, probe, response),
    ):
        far = ViewerProbe(probe.run_id)
        following = asyncio.ensure_future(far.follow(client, other.url))
        await until_words(probe, response, 20)
        await way.cut(how)
        if how == "refused":
            refused = await client.post(f"{server.url}/chat", json={"message": QUESTION})
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "database_unavailable"
        else:
            await until_words(probe, response, 120)
        await way.mend()
        async with asyncio.timeout(20):
            await asyncio.gather(probe.finish(), following)
        for seen in (probe, far):
            assert seen.screen.terminal is not None
            assert (seen.screen.terminal.type, seen.screen.resets) == ("done", 0)
            assert seen.screen.terminal.content["saved"] is True
            assert seen.screen.text == "".join(numbered_words(500)(upstream.requests[-1]))


async def test_a_stop_without_the_database_is_confirmed_and_saved_later(
    cuttable: tuple[Cuttable, str], upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    way, dsn = cuttable
    upstream.always(Reply(tokens=numbered_words(3000), pace_s=0.01))
    async with (
        serving(app_settings(dsn, upstream, tmp_path), embedder) as server,
        asked(server) as (client, probe, response),
    ):
        await until_words(probe, response, 20)
        await way.cut("refused")
        stopped = await client.post(f"{server.url}/runs/{probe.run_id}/stop")
        assert stopped.status_code == 200
        assert stopped.json()["stopped"] is True
        assert stopped.json()["upstream_closed"] is True
        await probe.finish()
        assert probe.screen.terminal is not None
        assert probe.screen.terminal.content["finish_reason"] == "stopped"
        assert probe.screen.terminal.content["saved"] is False
        await way.mend()
        answer = await saved_answer(client, server.url)
        assert (answer["status"], answer["content"]) == ("stopped", probe.screen.text)


async def test_a_server_without_its_database_still_stops(
    cuttable: tuple[Cuttable, str], upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    way, dsn = cuttable
    upstream.always(Reply(tokens=numbered_words(3000), pace_s=0.01))
    settings = app_settings(dsn, upstream, tmp_path, shutdown_grace_s=0.5)
    async with (
        httpx.AsyncClient(timeout=20) as client,
        serving(settings, embedder) as server,
    ):
        run_id, response = await ask_and_leave(client, server.url, QUESTION)
        probe = ViewerProbe(run_id)
        await until_words(probe, response, 20)
        await way.cut("silent")
        await server.runtime.services.runs.drain(0.5)
        await probe.finish()
        assert probe.screen.terminal is not None
        assert probe.screen.terminal.content["code"] == "INTERRUPTED"


@pytest.mark.timeout(150)  # 2,500 words take 25 s by themselves
@pytest.mark.parametrize("words", [400, 2500], ids=["ended meanwhile", "still written"])
async def test_an_owner_that_was_cut_off_keeps_its_whole_answer(
    words: int,
    cuttable: tuple[Cuttable, str],
    stocked_dsn: str,
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path: Path,
) -> None:
    """A replica with access to the database closes the run as dead, which is not final."""
    way, dsn = cuttable
    upstream.always(Reply(tokens=numbered_words(words), pace_s=0.01))
    async with (
        serving(app_settings(dsn, upstream, tmp_path), embedder) as server,
        serving(app_settings(stocked_dsn, upstream, tmp_path), embedder) as other,
        asked(server) as (client, probe, response),
    ):
        await until_words(probe, response, 50)
        await way.cut("refused")
        closed = await saved_answer(client, other.url)
        assert (closed["status"], closed["error"]["code"]) == ("error", "INTERRUPTED")
        elsewhere = ViewerProbe(probe.run_id)
        await elsewhere.follow_to_the_end(client, [other.url], within_s=10)
        await way.mend()
        async with asyncio.timeout(90):
            await probe.finish()
        whole = "".join(numbered_words(words)(upstream.requests[0]))
        assert (probe.screen.text, probe.screen.resets) == (whole, 0)

        async def kept() -> Any:
            answer = await last_answer(client, other.url)
            return answer if answer["status"] == "complete" else None

        assert (await eventually(kept, within_s=15))["content"] == whole
        elsewhere.screen.terminal = None
        await elsewhere.follow_to_the_end(client, [other.url], within_s=10)
        late = ViewerProbe(probe.run_id)
        await late.follow_to_the_end(client, [other.url], within_s=10)
        for seen in (elsewhere, late):
            assert seen.screen.text == whole
            assert seen.screen.terminal is not None
            assert (seen.screen.terminal.type, seen.screen.terminal.content["saved"]) == (
                "done",
                True,
            )


READERS = 40


@pytest.fixture
async def few(stocked_dsn: str) -> AsyncIterator[str]:
    """The address for a role that gets six connections and no more."""
    admin = await connect(stocked_dsn)
    await admin.execute("CREATE ROLE few LOGIN CONNECTION LIMIT 6; GRANT citestream TO few")
    yield stocked_dsn.replace("citestream@", "few@")
    await admin.execute("DROP OWNED BY few CASCADE; DROP ROLE few")
    await admin.close()


async def test_with_few_connections_everybody_is_answered(
    few: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    """Without a free connection slot the pool waits for an existing connection."""
    upstream.always(Reply(tokens=["Nausea ", "[1]."]))
    limits = httpx.Limits(max_connections=None)
    async with (
        serving(app_settings(few, upstream, tmp_path), embedder) as server,
        httpx.AsyncClient(base_url=server.url, timeout=30, limits=limits) as client,
    ):

        async def read(number: int) -> list[int]:
            first = await client.post(
                "/chat", json={"message": QUESTION, "session_id": f"s{number}"}
            )
            then = await client.get(f"/conversations/s{number}/messages")
            return [first.status_code, then.status_code, len(then.json().get("items", ()))]

        answers = await asyncio.gather(*map(read, range(READERS)))
        assert answers == [[200, 200, 2]] * READERS
        _, _, most = server.runtime.database.usage()
        assert 1 <= most <= 5
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["failing"]) == (200, [])
        metrics = (await client.get("/metrics")).text
        assert f"citestream_pool_limit {float(most)}" in metrics


async def test_a_database_without_any_free_connection_is_one_line(few: str) -> None:
    taken = [await connect(few) for _ in range(6)]
    with pytest.raises(SettingError, match=r"^DATABASE_URL: got a database that has no free"):
        await migrate(few, wait_s=0.5)
    for connection in taken:
        await connection.close()
    assert await migrate(few) == ()


async def test_tables_that_are_locked_beyond_a_roles_limit_end_nothing_for_good(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    """A `lock_timeout` is not a lost connection; here it hits every loop of both replicas."""
    upstream.always(Reply(tokens=numbered_words(700), pace_s=0.01))
    admin = await connect(stocked_dsn)
    name = await admin.fetchval("SELECT current_database()")
    await admin.execute(f"ALTER DATABASE {name} SET lock_timeout = '200ms'")
    settings = app_settings(stocked_dsn, upstream, tmp_path)
    async with (
        serving(settings, embedder) as server,
        serving(settings, embedder) as other,
        asked(server) as (client, probe, response),
    ):
        far = ViewerProbe(probe.run_id)
        following = asyncio.ensure_future(far.follow(client, other.url))
        await until_words(probe, response, 20)
        async with admin.transaction():
            await admin.execute("LOCK TABLE runs, run_events, processes IN ACCESS EXCLUSIVE MODE")
            await until_words(probe, response, 300)
        async with asyncio.timeout(20):
            await asyncio.gather(probe.finish(), following)
        for seen in (probe, far):
            assert seen.screen.terminal is not None
            assert (seen.screen.terminal.type, seen.screen.resets) == ("done", 0)
            assert seen.screen.terminal.content["saved"] is True
            assert seen.screen.text == "".join(numbered_words(700)(upstream.requests[-1]))
        for one in (server, other):
            metrics = (await client.get(f"{one.url}/metrics")).text
            assert re.search(r'background_failures_total{loop="(lease|reaper)"} [1-9]', metrics)
            ready = await client.get(f"{one.url}/health/ready")
            assert (ready.status_code, ready.json()["failing"]) == (200, [])
    await admin.close()


@pytest.fixture
def own_postgres() -> Iterator[tuple[EmbeddedServer, Path]]:
    """A database server that the test may stop."""
    data_dir = Path(tempfile.mkdtemp(prefix="citestream-tests-"))
    data_dir.chmod(0o755)
    server = EmbeddedServer.start(data_dir)
    yield server, data_dir
    server.release()
    shutil.rmtree(data_dir)


async def test_a_restart_of_postgresql_in_the_middle_loses_nothing(
    own_postgres: tuple[EmbeddedServer, Path],
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path: Path,
) -> None:
    postgres, data_dir = own_postgres
    await migrate(postgres.dsn)
    await stock(postgres.dsn, embedder)
    upstream.always(Reply(tokens=numbered_words(600), pace_s=0.01))
    settings = app_settings(postgres.dsn, upstream, tmp_path)
    async with (
        serving(settings, embedder) as server,
        asked(server) as (client, probe, response),
    ):
        await until_words(probe, response, 50)
        await asyncio.to_thread(postgres.release)
        again = await asyncio.to_thread(EmbeddedServer.start, data_dir)
        try:
            async with asyncio.timeout(20):
                await probe.finish()
            assert probe.screen.terminal is not None
            assert probe.screen.terminal.content["saved"] is True
            replay = ViewerProbe(probe.run_id)
            await replay.follow(client, server.url)
            assert replay.screen.text == probe.screen.text
            answer = await last_answer(client, server.url)
            assert answer["content"] == probe.screen.text
            upstream.always(Reply(tokens=["Nausea [1]."]))
            _, second = await ask_and_leave(client, server.url, QUESTION, session_id="s1")
            await second.aclose()
        finally:
            await asyncio.to_thread(again.release)


# Never available: the start fails with one line that names the variable.


def failed_start(
    env: dict[str, str], *, plain_uvicorn: bool = False, forked: bool = True
) -> tuple[int, list[str], str]:
    """Exit code, the lines that name a variable, and the whole output."""
    server = ServerProcess(plain_uvicorn=plain_uvicorn, port=None, forked=forked, **env)
    try:
        with pytest.raises(AssertionError, match="the server ended"):
            server.start()
        code = server.wait(5)
        log = server.log
    finally:
        server.log_path.unlink()
    names = ("DATABASE_URL", "PORT:", "WORKERS:", "SHUTDOWN_GRACE_S:", "LLM_MODEL:")
    return code, [line for line in log.splitlines() if any(n in line for n in names)], log


NOBODY = "postgresql://citestream@/x?host=/nonexistent"


NO_DATABASE = {"DATABASE_URL": NOBODY}
# One of each way to start is a new interpreter.
WRONG: list[tuple[dict[str, str], bool, bool, str]] = [
    (NO_DATABASE, False, False, "DATABASE_URL: got an address where no database answers, takes "),
    (NO_DATABASE, True, True, "DATABASE_URL: got an address where no database answers, takes "),
    (NO_DATABASE | {"WORKERS": "2"}, False, True, "DATABASE_URL: got an address where no "),
    (
        {"DATABASE_URL": "mysql://x"},
        False,
        True,
        "DATABASE_URL: got something that is not the address ",
    ),
    (
        {"SHUTDOWN_GRACE_S": "soon"},
        True,
        False,
        "SHUTDOWN_GRACE_S: got 'soon', takes a number of at least 0",
    ),
]


@pytest.mark.parametrize(("env", "plain_uvicorn", "forked", "words"), WRONG)
def test_a_wrong_setting_ends_the_start_with_one_line(
    env: dict[str, str], plain_uvicorn: bool, forked: bool, words: str, tmp_path: Path
) -> None:
    code, lines, log = failed_start(
        env | {"DATA_DIR": str(tmp_path)}, plain_uvicorn=plain_uvicorn, forked=forked
    )
    assert code != 0
    assert len(lines) == 1, log
    assert words in lines[0]
    assert "Traceback" not in log


async def test_a_pooler_in_transaction_mode_ends_the_start_with_one_line(
    stocked_dsn: str, tmp_path: Path
) -> None:
    address, _, query = stocked_dsn.partition("?host=")
    with tempfile.TemporaryDirectory(prefix="citestream-") as own:
        async with TransactionPooler(Path(query.partition("&")[0]), listen=Path(own)):
            env = {
                "DATABASE_URL": f"{address}?host={own}&port=5432&sslmode=disable",
                "DATA_DIR": str(tmp_path),
            }
            code, lines, log = await asyncio.to_thread(failed_start, env)
    assert code != 0
    assert len(lines) == 1, log
    assert "DATABASE_URL: got the address of a pooler in transaction mode" in lines[0]
    assert "Traceback" not in log


def test_a_wrong_or_taken_port_ends_the_start_with_one_line(tmp_path: Path) -> None:
    code, lines, log = failed_start({"DATA_DIR": str(tmp_path), "PORT": "eighty"})
    assert (code, lines) == (2, ["PORT: got 'eighty', takes a whole number from 0 to 65535"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port()))
        taken.listen()
        port = taken.getsockname()[1]
        code, lines, log = failed_start({"DATA_DIR": str(tmp_path), "PORT": str(port)})
    assert code == 2
    assert len(log.splitlines()) == len(lines) == 1
    assert lines[0].startswith(f"PORT: got {port}, which cannot be listened on")


async def test_a_question_to_a_silent_database_is_refused_while_the_asker_still_waits(
    cuttable: tuple[Cuttable, str],
    upstream: FakeOpenAI,
    embedder: MiniLM,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.db.run_log.CREATE_LIMIT_S", 0.2)
    monkeypatch.setattr("app.db.pool._CONNECT_S", 0.5)
    way, dsn = cuttable
    async with (
        serving(app_settings(dsn, upstream, tmp_path), embedder) as server,
        httpx.AsyncClient(timeout=20) as client,
    ):
        await way.cut("silent")
        refused = await client.post(f"{server.url}/chat", json={"message": QUESTION})
        assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
        await way.mend()

import asyncio

import pytest

from app.db.listener import PAYLOAD_BYTES, Listener, payloads
from app.db.pool import Database
from app.db.run_log import CHANNEL, to_notice
from app.runs.clock import SystemClock
from app.runs.ports import Notice
from app.runs.supervisor import Supervisor
from app.runs.tasks import TaskTracker


async def test_listening_survives_the_loss_of_its_connection(
    database: Database, notices: Listener
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    notices.subscribe(CHANNEL, heard.put_nowait)
    killed = await database.fetchval(
        """
        SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE 'LISTEN%'
        """
    )
    assert killed == 1
    message = None
    while message is None:
        await database.execute("SELECT pg_notify($1, 'back')", CHANNEL)
        try:
            async with asyncio.timeout(0.1):
                message = await heard.get()
        except TimeoutError:
            continue
    assert message == "back"


async def test_only_subscribers_of_the_channel_hear_it(
    database: Database, tasks: TaskTracker
) -> None:
    notices = Listener(database, channels=("one", "two"))
    notices.start(Supervisor(tasks, SystemClock()))
    await notices.ready()
    one: asyncio.Queue[str] = asyncio.Queue()
    two: asyncio.Queue[str] = asyncio.Queue()
    notices.subscribe("one", one.put_nowait)
    unsubscribe = notices.subscribe("two", two.put_nowait)
    await database.execute("SELECT pg_notify('two', 'x'), pg_notify('one', 'y')")
    assert (await one.get(), await two.get()) == ("y", "x")
    unsubscribe()
    unsubscribe()
    await database.execute("SELECT pg_notify('two', 'z'), pg_notify('one', 'z')")
    assert await one.get() == "z"
    assert two.empty()
    await notices.close()
    assert len(tasks) == 0


async def test_closing_what_never_started_is_nothing(database: Database) -> None:
    await Listener(database, channels=("one",)).close()


async def test_many_ids_go_in_several_payloads_the_server_takes(
    database: Database, notices: Listener
) -> None:
    ids = tuple(f"{n:036d}" for n in range(1000))
    sent = payloads("progress", ids)
    assert len(sent) > 1
    assert max(len(payload) for payload in sent) <= PAYLOAD_BYTES
    heard: asyncio.Queue[str] = asyncio.Queue()
    notices.subscribe(CHANNEL, heard.put_nowait)
    await database.execute("SELECT pg_notify($1, p) FROM unnest($2::text[]) p", CHANNEL, sent)
    received = [to_notice(await heard.get()) for _ in sent]
    assert tuple(name for notice in received if notice for name in notice.run_ids) == ids


@pytest.mark.parametrize(
    ("payload", "notice"),
    [
        ("stop:a", Notice("stop", ("a",))),
        ("progress:a,b", Notice("progress", ("a", "b"))),
        ("ended:a", Notice("ended", ("a",))),
        ("moved:a", None),
        ("", None),
    ],
)
def test_unknown_kinds_of_notices_are_ignored(payload: str, notice: Notice | None) -> None:
    assert to_notice(payload) == notice


def test_no_ids_make_no_payload() -> None:
    assert payloads("progress", ()) == []

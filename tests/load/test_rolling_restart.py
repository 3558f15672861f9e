"""P9 in production: replicas are replaced one by one behind nginx, under load."""

import asyncio
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from app.db.pool import connect
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.nginx import Nginx, running
from tests.harness.probes import processes, server_env
from tests.harness.process import ServerProcess
from tests.load.test_soak_mixed import (
    CONNECTIONS,
    Soak,
    compare,
    patient_client,
    person,
    watch,
    words,
)

pytestmark = [pytest.mark.load, pytest.mark.nginx, pytest.mark.timeout(600)]

PEOPLE = 40
ROUNDS = 2
GRACE_S = 20
ENDED = {0, -signal.SIGTERM}  # the server ends by the signal it was sent


async def rolled(soak: Soak, replicas: list[ServerProcess], proxy: Nginx | None) -> None:
    """Each replica in turn drains, ends, and is there again before the next one goes.

    With a `proxy`, that one first stops sending new questions there.
    """
    for _ in range(ROUNDS):
        for replica in replicas:
            await asyncio.sleep(3)
            if proxy is not None:
                proxy.send_nothing_new_to(replica.port)
                await asyncio.sleep(1)
            replica.signal(signal.SIGTERM)
            assert await asyncio.to_thread(replica.wait, GRACE_S + 15) in ENDED, replica.log
            await asyncio.to_thread(replica.start, wait_s=120)
            if proxy is not None:
                proxy.send_nothing_new_to()
            soak.tally.faults["replaced"] += 1
    soak.until = time.monotonic() + 3


@pytest.mark.parametrize("announced", [True, False], ids=["marked down first", "unannounced"])
async def test_replacing_every_replica_twice_interrupts_no_answer(
    announced: bool, stocked_dsn: str, upstream: FakeOpenAI, tmp_path: Path
) -> None:
    upstream.always(Reply(tokens=words, pace_s=0.02))
    env = server_env(stocked_dsn, upstream, tmp_path, SHUTDOWN_GRACE_S=str(GRACE_S))
    connection = await connect(stocked_dsn)
    async with processes(2, env, forked=False) as replicas, patient_client() as http:
        with running(*(replica.port for replica in replicas)) as proxy:
            began = time.monotonic()
            soak = Soak(proxy.url, began + 3600, random.Random(9))
            before = await connection.fetchval(CONNECTIONS)
            people = (person(soak, http, number) for number in range(PEOPLE))
            rolling = rolled(soak, replicas, proxy if announced else None)
            await asyncio.gather(*people, rolling, watch(soak, replicas))
            await compare(soak, http)
            after = await connection.fetchval(CONNECTIONS)
    await connection.close()
    report = soak.tally.report(time.monotonic() - began, (before, after))
    sys.stdout.write(f"\n{report.replace('soak', 'rolling restarts', 1)}\n")
    assert not soak.tally.wrong
    assert soak.tally.faults["replaced"] == 2 * ROUNDS
    assert set(soak.tally.ends) <= {"stop", "stopped"}, soak.tally.ends
    if announced:
        assert not soak.tally.refused, "nobody was to notice"

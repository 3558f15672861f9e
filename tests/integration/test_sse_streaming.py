"""Without a server or lifespan: every test has its own event loop, all share one app."""

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI

from app.db.pool import connect


def events(body: str) -> list[dict[str, object]]:
    blocks = [block.split("\n") for block in body.split("\n\n") if block.startswith("id: ")]
    assert [int(lines[0][4:]) for lines in blocks] == sorted({int(b[0][4:]) for b in blocks})
    return [json.loads(lines[1].removeprefix("data: ")) for lines in blocks]


async def ask_many(client: httpx.AsyncClient, count: int) -> list[list[dict[str, object]]]:
    questions = [{"message": f"How many days of leave? ({n})"} for n in range(count)]
    answers = await asyncio.gather(*(client.post("/chat", json=body) for body in questions))
    assert {answer.status_code for answer in answers} == {200}
    return [events(answer.text) for answer in answers]


def check_refused(seen: list[dict[str, object]]) -> None:
    """The answer for an empty library is streamed as tokens."""
    assert (seen[0]["type"], seen[-1]["type"]) == ("run_start", "done")
    content = seen[-1]["content"]
    assert isinstance(content, dict)
    assert (content["finish_reason"], content["saved"]) == ("no_evidence", True)
    assert "".join(str(e["content"]) for e in seen if e["type"] == "token")


async def test_ten_questions_at_once_start_everything_once(client: httpx.AsyncClient) -> None:
    for seen in await ask_many(client, 10):
        check_refused(seen)


async def test_the_same_application_answers_on_the_next_loop(client: httpx.AsyncClient) -> None:
    for seen in await ask_many(client, 10):
        check_refused(seen)


def test_forty_loops_leave_no_connection_behind(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    async def ask() -> None:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            check_refused((await ask_many(http, 1))[0])

    async def connections() -> int:
        connection = await connect(app.state.containers.process.dsn())
        try:
            count = await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity "
                "WHERE application_name = 'citestream' AND pid <> pg_backend_pid()"
            )
        finally:
            await connection.close()
        return int(count)

    asyncio.run(ask())
    before = asyncio.run(connections())
    for _ in range(40):
        asyncio.run(ask())

    async def settled() -> int:
        async with asyncio.timeout(5):
            while (now := await connections()) > before:
                await asyncio.sleep(0.05)
        return now

    assert asyncio.run(settled()) <= before
    assert len(app.state.containers) == 0
    assert [r.getMessage() for r in caplog.records if r.levelname == "ERROR"] == []

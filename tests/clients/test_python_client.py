"""Our own client: one answer over many connections, all text exactly once."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from citestream_client import Citestream, Filters, Refused, Unreachable
from citestream_client.events import Done, Token
from citestream_client.sse import BlockReader
from tests.clients.conftest import ANSWER, QUESTION
from tests.fakes.fault_proxy import FaultProxy, Faults, Flow
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI, closed_port
from tests.harness.serving import Serving

TEXT = "".join(ANSWER)


@pytest.fixture
async def library(server: Serving) -> AsyncIterator[Citestream]:
    async with Citestream(server.url) as client:
        yield client


async def test_an_answer_is_its_events(library: Citestream, answering: FakeOpenAI) -> None:
    async with library.ask(QUESTION, session_id="mine") as answer:
        events = [event async for event in answer]
    assert answer.text == "".join(e.content for e in events if isinstance(e, Token)) == TEXT
    assert [citation.title for citation in answer.citations] == ["Aripiprazole"]
    assert isinstance(answer.ended, Done)
    assert events[-1] is answer.ended
    assert answer.session_id == "mine"
    assert (await library.messages("mine"))[-1]["content"] == TEXT


async def test_every_word_comes_once_over_many_connections(
    server: Serving, upstream: FakeOpenAI
) -> None:
    upstream.always(Reply(length=300, pace_s=0.002))
    async with FaultProxy(upstream=("127.0.0.1", server.port)) as proxy:
        cuts = [700, 1, 4_000, 2_345, 90, 6_789, 5_001]
        proxy.script(*(Faults(down=Flow(cut_after=cut, cut="rst")) for cut in cuts))
        async with (
            Citestream(f"http://127.0.0.1:{proxy.port}") as library,
            library.ask(QUESTION, session_id="cut") as answer,
        ):
            tokens = [event.content async for event in answer if isinstance(event, Token)]
        async with Citestream(server.url) as direct:
            stored = (await direct.messages("cut"))[-1]["content"]
    assert "".join(tokens) == answer.text == stored
    assert answer.connections > 4  # a reader that is behind gets less to be cut in
    assert len(upstream.requests) == 1


async def test_reading_goes_on_after_a_break(library: Citestream, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=ANSWER, pace_s=0.02))
    tokens = list[str]()
    async with library.ask(QUESTION) as answer:
        while answer.ended is None:
            async for event in answer:
                if isinstance(event, Token):
                    tokens.append(event.content)
                    break
    assert "".join(tokens) == answer.text == TEXT


async def test_a_cut_of_our_own_is_resumed(library: Citestream, endless: FakeOpenAI) -> None:
    async with library.ask(QUESTION) as answer:
        events = aiter(answer)
        while not answer.text:
            await anext(events)
        await answer.cut()
        receipt = await library.stop(answer.run_id)
        rest = [event async for event in events]
    assert receipt["stopped"] is True
    assert answer.connections == 2
    assert isinstance(rest[-1], Done)
    assert rest[-1].content.finish_reason == "stopped"
    assert answer.text == "".join(ANSWER[:2])


async def test_leaving_the_block_stops_the_answer(library: Citestream, endless: FakeOpenAI) -> None:
    async with library.ask(QUESTION) as answer:
        async for _ in answer:
            if answer.text:
                break
    await endless.wait_for(lambda record: record.closed_by_client_at is not None)
    async with library.follow(answer.run_id) as again:
        assert [event.type async for event in again][-1] == "done"


async def test_an_answer_may_go_on_without_us(library: Citestream, upstream: FakeOpenAI) -> None:
    upstream.always(Reply(tokens=ANSWER, pace_s=0.02))
    async with library.ask(QUESTION) as answer:
        async for _ in answer:
            if answer.text:
                break
        answer.leave()
    async with library.follow(answer.run_id, after=answer.position) as again:
        async for _ in again:
            pass
    assert answer.text + again.text == TEXT
    async with library.follow(answer.run_id, after=again.position) as nothing:
        assert [event async for event in nothing] == []


async def test_a_stop_before_the_question_holds(library: Citestream, endless: FakeOpenAI) -> None:
    run_id = str(uuid.uuid4())
    with pytest.raises(Refused, match="404"):
        await library.stop(run_id)
    async with library.ask(QUESTION, run_id=run_id) as answer:
        async for _ in answer:
            pass
    assert isinstance(answer.ended, Done)
    assert answer.ended.content.finish_reason == "stopped"


async def test_refusals_have_names(library: Citestream, endless: FakeOpenAI) -> None:
    with pytest.raises(Refused) as unknown:
        await library.ask(QUESTION, filters=Filters(source_ids=("none",))).__aenter__()
    assert unknown.value.details == {"field": "filters.source_ids"}
    async with library.ask(QUESTION, session_id="busy"):
        with pytest.raises(Refused, match="409 run_in_progress"):
            await library.ask(QUESTION, session_id="busy").__aenter__()
    with pytest.raises(Refused) as foreign:
        await library.follow(str(uuid.uuid4())).__aenter__()
    assert foreign.value.status == 404


async def test_a_server_that_is_not_there_is_unreachable(server: Serving) -> None:
    with closed_port() as port:
        async with Citestream(f"http://127.0.0.1:{port}") as library:
            with pytest.raises(Unreachable):
                await library.ask(QUESTION).__aenter__()
            with pytest.raises(Unreachable, match=str(port)):
                await library.stop(str(uuid.uuid4()))


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://localhost", ""])
def test_an_address_without_http_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url: got"):
        Citestream(url)


async def test_patience_ends(server: Serving, endless: FakeOpenAI) -> None:
    async with FaultProxy(upstream=("127.0.0.1", server.port)) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        async with Citestream(address, patience_s=0.2) as library:
            answer = await library.ask(QUESTION).__aenter__()
            answer.leave()
            await proxy.refuse(True)
            proxy.cut_all("rst")

            async def read() -> None:
                async for _ in answer:
                    pass

            with pytest.raises(Unreachable):
                await asyncio.wait_for(read(), 15)
            await answer.__aexit__(None, None, None)


def test_blocks_survive_every_cut() -> None:
    stream = (
        b": ping\n\nid: 1\r\ndata: one\r\n\r\nid: 2\ndata: two\ndata: more\n\nid: 3\ndata: half"
    )
    for cut in range(len(stream)):
        reader = BlockReader()
        blocks = [b for part in (stream[:cut], stream[cut:]) for b in reader.feed(part)]
        assert [(b.id, b.data) for b in blocks] == [("1", b"one"), ("2", b"two\nmore")]

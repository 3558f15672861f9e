"""A reranking service over the built-in order: its requests, and every way it can fail."""

import json
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from app.config import load_settings
from app.domain.errors import SettingError
from app.domain.models import Candidate, Passage, Reranked
from app.domain.proxies import DIRECT
from app.search.rerank_service import (
    FAILED,
    LATE,
    MAX_DOCUMENTS,
    PAUSE_S,
    PAUSED,
    HttpReranker,
    make_client,
    make_reranker,
)
from tests.fakes.openai_script import Reply
from tests.fakes.openai_server import FakeOpenAI


class BuiltIn:
    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        return Reranked(tuple(candidates))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def service() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as service:
        yield service


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=None) as client:
        yield client


def candidate(name: str, text: str = "", *, score: float = 1.0) -> Candidate:
    passage = Passage(name, "s", "Tea", "document", 0, text or name, heading="Steeping")
    return Candidate(passage, score=score, cosine=0.5, bm25=2.0, coverage=0.5)


def reranker(
    service: FakeOpenAI, client: httpx.AsyncClient, *, clock: Clock, timeout_s: float = 20
) -> HttpReranker:
    return HttpReranker(
        BuiltIn(),
        client,
        base_url=service.base_url,
        model="m",
        clock=clock,
        timeout_s=timeout_s,
    )


def saying(body: object) -> httpx.AsyncClient:
    """A client of a service that answers so."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=content))
    return httpx.AsyncClient(transport=transport)


def order(reranked: Reranked) -> list[str]:
    return [one.passage.passage_id for one in reranked.candidates]


FOUND = (candidate("a", "milk in tea"), candidate("b", "how long green tea steeps"))


async def test_the_service_settles_the_order(service: FakeOpenAI) -> None:
    settings = load_settings(
        llm_provider="extractive",
        rerank_base_url=service.base_url,
        rerank_model="cross-encoder",
        rerank_api_key="secret",
    )
    client = make_client(settings.reranking, proxies=DIRECT)
    assert client is not None
    async with client:
        made = make_reranker(settings.reranking, BuiltIn(), client=client, clock=Clock())
        reranked = await made.rerank("how long does green tea steep", FOUND)
    assert order(reranked) == ["b", "a"]
    assert reranked.note is None
    first, second = reranked.candidates
    assert first.score > second.score
    assert (first.cosine, first.bm25) == (0.5, 2.0)
    (request,) = service.requests
    assert request.headers["authorization"] == "Bearer secret"
    documents = ["Tea\nSteeping\nmilk in tea", "Tea\nSteeping\nhow long green tea steeps"]
    assert request.body == {
        "model": "cross-encoder",
        "query": "how long does green tea steep",
        "documents": documents,
        "top_n": 2,
    }


async def test_what_is_not_sent_or_not_scored_stays_behind_in_its_order() -> None:
    found = [candidate(f"p{n}") for n in range(MAX_DOCUMENTS + 2)]
    client = saying({"results": [{"index": n, "relevance_score": n / 9} for n in (7, 9)]})
    made = HttpReranker(BuiltIn(), client, base_url="http://x/v1/", model="m", clock=Clock())
    reranked = await made.rerank("q", found)
    others = [f"p{n}" for n in range(MAX_DOCUMENTS + 2) if n not in (7, 9)]
    assert order(reranked) == ["p9", "p7", *others]
    scores = [one.score for one in reranked.candidates]
    assert scores == sorted(scores, reverse=True)
    assert await made.rerank("q", ()) == Reranked(())


@pytest.mark.parametrize(
    "reply",
    [
        Reply(status=500),
        Reply(status=401),
        Reply(malformed_at=0),
        Reply(cut_after=0, cut="reset"),
    ],
)
async def test_a_service_that_fails_leaves_the_built_in_order_and_a_note(
    service: FakeOpenAI,
    client: httpx.AsyncClient,
    reply: Reply,
    caplog: pytest.LogCaptureFixture,
) -> None:
    service.script(reply, route="rerank")
    clock = Clock()
    made = reranker(service, client, clock=clock)
    assert await made.rerank("green tea steeps", FOUND) == Reranked(FOUND, FAILED)
    assert "green" not in caplog.text
    assert await made.rerank("green tea steeps", FOUND) == Reranked(FOUND, PAUSED)
    assert len(service.requests) == 1
    clock.now += PAUSE_S
    assert order(await made.rerank("green tea steeps", FOUND)) == ["b", "a"]


async def test_a_service_that_is_silent_is_not_waited_for(
    service: FakeOpenAI, client: httpx.AsyncClient
) -> None:
    service.script(Reply(stall_after=0), route="rerank")
    made = reranker(service, client, clock=Clock(), timeout_s=0.05)
    assert await made.rerank("q", FOUND) == Reranked(FOUND, LATE)
    await service.wait_until(lambda: service.open_connections == 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        {"results": []},
        {"results": [{"index": 2, "relevance_score": 0.5}]},
        {"results": [{"index": -1, "relevance_score": 0.5}]},
        {"results": [{"index": 0, "relevance_score": None}]},
        b'{"results": [{"index": 0, "relevance_score": NaN}]}',
        {"data": []},
    ],
)
async def test_an_answer_that_is_none_is_a_failure(body: object) -> None:
    made = HttpReranker(BuiltIn(), saying(body), base_url="http://x/v1", model="m", clock=Clock())
    assert await made.rerank("q", FOUND) == Reranked(FOUND, FAILED)


def test_without_a_service_the_order_is_the_built_in_one() -> None:
    built_in = BuiltIn()
    settings = load_settings(llm_provider="extractive")
    assert make_reranker(settings.reranking, built_in, client=None, clock=Clock()) is built_in
    assert make_client(settings.reranking, proxies=DIRECT) is None


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"rerank_model": "m"}, "RERANK_BASE_URL: got nothing, takes"),
        ({"rerank_api_key": "k"}, "RERANK_BASE_URL: got nothing, takes"),
        ({"rerank_base_url": "http://x/v1"}, "RERANK_MODEL: got nothing, takes"),
        (
            {"rerank_base_url": "x/v1", "rerank_model": "m"},
            "RERANK_BASE_URL: got a secret value, takes",
        ),
        (
            {"rerank_base_url": "http://x:y", "rerank_model": "m"},
            "RERANK_BASE_URL: got a secret value",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_one_line(
    given: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SettingError) as raised:
        load_settings(llm_provider="extractive", **given)
    assert str(raised.value).startswith(complaint)
    assert "\n" not in str(raised.value)

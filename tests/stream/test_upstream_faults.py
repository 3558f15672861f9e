"""P7: for every fault of the model service a run ends once, and the next question works."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.embeddings.minilm import MiniLM
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.harness.run_client import asking, http_client, last_answer
from tests.harness.serving import serving
from tests.stream.conftest import QUESTION, app_settings

pytestmark = pytest.mark.faults

TOKENS = ("Common ", "side ", "effects ", "are ", "nausea ", "[1].")
WHOLE = "".join(TOKENS)
ENDINGS = ("end", "close", "drop", "reset")


@dataclass(frozen=True)
class Case:
    """`reply` to every request; `end`: finish reason or code of the error; `text`: what is kept."""

    name: str
    reply: Reply
    end: str
    text: str = ""

    @property
    def failed(self) -> bool:
        return self.end.isupper()


def _reply(**faults: Any) -> Reply:
    return Reply(tokens=TOKENS, **faults)


BEFORE = (
    Case("429", _reply(status=429), "UPSTREAM_RATE_LIMITED"),
    Case("429 for an hour", _reply(status=429, retry_after="3600"), "UPSTREAM_RATE_LIMITED"),
    Case("500", _reply(status=500), "UPSTREAM_UNAVAILABLE"),
    Case("503", _reply(status=503), "UPSTREAM_UNAVAILABLE"),
    Case("401", _reply(status=401), "GENERATION_FAILED"),
    Case("404", _reply(status=404), "GENERATION_FAILED"),
    Case(
        "refused by the filter", _reply(status=400, error_code="content_filter"), "CONTENT_FILTERED"
    ),
    Case("withheld", Reply(tokens=(), finish_reason="content_filter"), "CONTENT_FILTERED"),
    Case("nothing", Reply(tokens=()), "GENERATION_FAILED"),
    Case("only white space", Reply(tokens=(" ", "\n")), "GENERATION_FAILED", " \n"),
    Case("silence before the headers", _reply(headers_delay_s=60), "TIMEOUT"),
    Case("silence after the headers", _reply(stall_after=0), "TIMEOUT"),
    Case("silence with comments", _reply(stall_after=0, comment_every_s=0.1), "TIMEOUT"),
)
WITHIN = (
    Case("whole", _reply(), "stop", WHOLE),
    Case("at its length", _reply(finish_reason="length"), "length", WHOLE),
    Case("filtered at the end", _reply(finish_reason="content_filter"), "content_filter", WHOLE),
    Case("no [DONE]", _reply(done=False), "stop", WHOLE),
    Case("no end", _reply(finish_reason=None, done=False), "UPSTREAM_TRUNCATED", WHOLE),
    Case("[DONE] alone", _reply(finish_reason=None), "stop", WHOLE),
    Case("a reason that is an object", _reply(finish_reason={"type": "stop"}), "stop", WHOLE),
    Case(
        "a reason on every chunk", _reply(finish_each="stop", pause_after=(2, 0.5)), "stop", WHOLE
    ),
    Case(
        "a reset after a reason",
        _reply(finish_each="stop", cut_after=3, cut="reset"),
        "UPSTREAM_TRUNCATED",
        "".join(TOKENS[:3]),
    ),
    Case("no usage", _reply(usage=False), "stop", WHOLE),
    Case("empty choices", _reply(empty_choices=3), "stop", WHOLE),
    Case("one byte at a time", _reply(trickle=1), "stop", WHOLE),
    Case("all in one chunk", _reply(frames_per_chunk=100), "stop", WHOLE),
    Case("CRLF", _reply(newline="\r\n"), "stop", WHOLE),
    Case("parts", _reply(content_parts=True), "stop", WHOLE),
    Case("slow", _reply(pace_s=0.1), "stop", WHOLE),
    *(
        Case(f"silence after {n}", _reply(stall_after=n), "TIMEOUT", "".join(TOKENS[:n]))
        for n in (1, 4)
    ),
    *(
        Case(f"garbage at {n}", _reply(malformed_at=n), "GENERATION_FAILED", "".join(TOKENS[:n]))
        for n in (1, 4)
    ),
    *(
        Case(f"an error frame at {n}", _reply(error_at=n), "GENERATION_FAILED", "".join(TOKENS[:n]))
        for n in (1, 4)
    ),
)
CUTS = tuple(
    Case(
        f"{how} after {n}", _reply(cut_after=n, cut=how), "UPSTREAM_TRUNCATED", "".join(TOKENS[:n])
    )
    for how in ENDINGS
    for n in range(1, len(TOKENS) + 1)
)


@pytest.fixture
async def impatient(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> AsyncIterator[httpx.AsyncClient]:
    """A server that waits for its model a second."""
    settings = app_settings(
        stocked_dsn, upstream, tmp_path, first_token_timeout_s=2.0, idle_timeout_s=1.0
    )
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        yield http


async def play(case: Case, http: httpx.AsyncClient, upstream: FakeOpenAI, session_id: str) -> None:
    """Ask, check the terminal event, then ask again in the same conversation."""
    upstream.clear()
    upstream.always(case.reply)
    async with asking(http, QUESTION, session_id=session_id) as asked:
        terminal = await asked.rest()
    ends = [frame.type for frame in asked.seen if frame.type in {"done", "error"}]
    cited = [frame.type for frame in asked.seen if frame.type == "citations"]
    assert ends == ["error" if case.failed else "done"]
    assert len(cited) == (0 if case.failed and not case.text else 1)
    end = terminal.content.get("code" if case.failed else "finish_reason")
    assert end == case.end, terminal.content
    assert asked.viewer.text == case.text
    answer = await last_answer(http, session_id)
    assert answer["content"] == case.text
    assert answer["status"] == ("error" if case.failed else "complete")
    if case.failed:
        assert terminal.content["partial"] is bool(case.text)
        assert terminal.content["saved"] is True
        assert answer["error"]["code"] == case.end
        assert "scripted" not in terminal.content["message"]
    upstream.clear()
    upstream.always(Reply(tokens=["Nausea [1]."]))
    async with asking(http, QUESTION, session_id=session_id) as asked:
        assert (await asked.rest()).content["finish_reason"] == "stop"
    assert upstream.requests[-1].prompt.count(QUESTION) == 2


# The SDK's models expect text where some services send parts; it warns and passes them on.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
@pytest.mark.parametrize("cases", [WITHIN, CUTS], ids=["within", "cuts"])
async def test_once_the_answer_has_begun(
    cases: tuple[Case, ...],
    impatient: httpx.AsyncClient,
    upstream: FakeOpenAI,
    subtests: pytest.Subtests,
) -> None:
    for number, case in enumerate(cases):
        with subtests.test(case.name):
            await play(case, impatient, upstream, f"s{number}")


async def test_before_the_answer_has_begun(
    impatient: httpx.AsyncClient, upstream: FakeOpenAI, subtests: pytest.Subtests
) -> None:
    for number, case in enumerate(BEFORE):
        with subtests.test(case.name):
            await play(case, impatient, upstream, f"s{number}")


async def test_a_failure_that_passes_is_not_seen(
    client: httpx.AsyncClient, upstream: FakeOpenAI, subtests: pytest.Subtests
) -> None:
    passing = (
        Reply(status=500),
        Reply(status=429, retry_after="0"),
        Reply(cut_after=0, cut="reset"),
        Reply(cut_after=0, cut="end"),
        Reply(tokens=()),
    )
    for number, reply in enumerate(passing):
        upstream.clear()
        upstream.script(reply, Reply(tokens=TOKENS))
        with subtests.test(str(number)):
            async with asking(client, QUESTION, session_id=f"s{number}") as asked:
                assert (await asked.rest()).content["finish_reason"] == "stop"
            assert asked.viewer.text == WHOLE
            assert len(upstream.requests) == 2


async def test_a_run_that_never_ends_is_ended(
    stocked_dsn: str, upstream: FakeOpenAI, embedder: MiniLM, tmp_path: Path
) -> None:
    upstream.script(Reply(tokens=["word "] * 10_000, pace_s=0.02))
    settings = app_settings(stocked_dsn, upstream, tmp_path, run_timeout_s=2.0)
    async with serving(settings, embedder) as server, http_client(server.url) as http:
        async with asking(http, QUESTION, session_id="s1") as asked:
            assert (await asked.rest()).content["code"] == "TIMEOUT"
        assert (await last_answer(http, "s1"))["content"] == asked.viewer.text != ""
    assert upstream.requests[0].closed_by_client_at is not None


async def test_json_says_what_failed_and_what_there_is(
    impatient: httpx.AsyncClient, upstream: FakeOpenAI
) -> None:
    for reply, status, code, partial in (
        (_reply(cut_after=2, cut="reset"), 502, "UPSTREAM_TRUNCATED", "Common side "),
        (_reply(stall_after=2), 504, "TIMEOUT", "Common side "),
        (_reply(status=401), 502, "GENERATION_FAILED", ""),
    ):
        upstream.clear()
        upstream.always(reply)
        response = await impatient.post(
            "/chat", json={"message": QUESTION}, headers={"Accept": "application/json"}
        )
        body = response.json()
        assert (response.status_code, body["error"]["code"]) == (status, code)
        assert body["partial"] == partial

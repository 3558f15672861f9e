"""The answering policy against a real server with every fault: retries, limits, endings."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypedDict

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from langgraph.graph import END, START, StateGraph
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import RunFailure
from app.domain.models import Passage, Usage
from app.llm.answer_model import AnswerModel
from app.llm.answering import AnswerLimits, CallResult, answer_text, ask, stream_answer
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply, closed_port

PROMPT = [("system", "Cite."), ("human", "Do cats sleep?")]
PASSAGES = [Passage("p", "s", "Cats", "document", 0, "Cats sleep a lot. They hunt at dawn.")]
LIMITS = AnswerLimits(first_token_s=5, idle_s=5, backoff_s=0.001)
TOKENS = ["Cats", " sleep", " [1]", "."]
Make = Callable[[str], AnswerModel]


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        server.always(Reply(tokens=TOKENS))
        yield server


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    made: list[AnswerModel] = []

    def make_model(base_url: str) -> AnswerModel:
        settings = Settings(
            llm_provider="openai",
            openai_api_key=SecretStr("k"),
            llm_model="fake",
            openai_base_url=base_url,
        )
        made.append(make_answer_model(settings.answer_model))
        return made[-1]

    yield make_model
    for model in made:
        await model.aclose()


@pytest.fixture
def model(upstream: FakeOpenAI, make: Make) -> AnswerModel:
    return make(upstream.base_url)


async def answer(model: AnswerModel, limits: AnswerLimits = LIMITS) -> CallResult:
    return await stream_answer(
        model, PROMPT, passages=PASSAGES, question="Do cats sleep?", limits=limits, jitter=lambda: 0
    )


async def failure(model: AnswerModel, limits: AnswerLimits = LIMITS) -> RunFailure:
    with pytest.raises(RunFailure) as caught:
        await answer(model, limits)
    return caught.value


async def test_a_whole_answer_is_streamed_with_its_usage(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    end = await answer(model)
    usage = Usage(input_tokens=4, output_tokens=4, estimated=False)
    assert end == CallResult("stop", usage, streamed=True, text="Cats sleep [1].")
    [request] = upstream.requests
    assert request.stream
    assert request.prompt == "Cite.\nDo cats sleep?"


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_a_shortened_answer_says_why(
    upstream: FakeOpenAI, model: AnswerModel, reason: str
) -> None:
    upstream.script(Reply(tokens=TOKENS, finish_reason=reason))
    assert (await answer(model)).finish_reason == reason


@pytest.mark.parametrize("reason", ["stop", "eos", "end_turn"])
async def test_every_other_reason_is_the_usual_end(
    upstream: FakeOpenAI, model: AnswerModel, reason: str
) -> None:
    upstream.script(Reply(tokens=TOKENS, finish_reason=reason))
    assert (await answer(model)).finish_reason == "stop"


BEFORE_THE_FIRST_TOKEN = [
    pytest.param(Reply(status=500), id="500"),
    pytest.param(Reply(status=503), id="503"),
    pytest.param(Reply(status=429, retry_after="0.01"), id="429"),
    pytest.param(Reply(cut_after=0, cut="reset"), id="reset"),
    pytest.param(Reply(cut_after=0, cut="drop"), id="drop"),
    pytest.param(Reply(cut_after=0, cut="end"), id="clean end"),
    pytest.param(Reply(tokens=TOKENS, malformed_at=0), id="malformed"),
    pytest.param(Reply(tokens=TOKENS, error_at=0), id="error frame"),
    pytest.param(Reply(tokens=[]), id="nothing"),
    pytest.param(Reply(reasoning=["hm"], tokens=["a"], cut_after=0), id="cut before"),
]


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_TOKEN)
async def test_a_failed_start_is_tried_again(
    upstream: FakeOpenAI, model: AnswerModel, fault: Reply
) -> None:
    upstream.script(fault, fault)
    end = await answer(model)
    assert (end.text, end.streamed) == ("Cats sleep [1].", True)
    assert [r.stream for r in upstream.requests] == [True, True, True]


async def test_a_refusal_counts_more_than_the_silence_of_the_retry(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(status=503), Reply(tokens=TOKENS, stall_after=0))
    failed = await failure(model, AnswerLimits(first_token_s=0.3, idle_s=5, backoff_s=0.001))
    assert failed.code == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_TOKEN)
async def test_a_start_that_keeps_failing_is_tried_once_without_streaming(
    upstream: FakeOpenAI, model: AnswerModel, fault: Reply
) -> None:
    upstream.script(fault, fault, fault)
    end = await answer(model)
    assert (end.text, end.streamed) == ("Cats sleep [1].", False)
    assert end.usage is not None
    assert [r.stream for r in upstream.requests] == [True, True, True, False]


async def test_a_service_that_refuses_streaming_is_asked_without_at_once(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(Reply(tokens=TOKENS, refuse_stream=True))
    end = await answer(model)
    assert (end.text, end.streamed, end.finish_reason) == ("Cats sleep [1].", False, "stop")
    assert [r.stream for r in upstream.requests] == [True, False]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Reply(status=500), "UPSTREAM_UNAVAILABLE"),
        (Reply(status=429), "UPSTREAM_RATE_LIMITED"),
        (Reply(status=400), "GENERATION_FAILED"),
        (Reply(tokens=TOKENS, malformed_at=0), "GENERATION_FAILED"),
        (Reply(tokens=[]), "GENERATION_FAILED"),
        (Reply(tokens=[], finish_reason="content_filter"), "CONTENT_FILTERED"),
        (Reply(tokens=[], finish_reason="length"), "GENERATION_FAILED"),
    ],
)
async def test_a_fault_that_stays_fails_the_run(
    upstream: FakeOpenAI, model: AnswerModel, fault: Reply, code: str
) -> None:
    upstream.always(fault)
    assert (await failure(model)).code == code


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_no_retry_mends_is_not_retried(
    upstream: FakeOpenAI, model: AnswerModel, status: int
) -> None:
    upstream.always(Reply(status=status, error_message="your key sk-123 is wrong"))
    failed = await failure(model)
    assert (failed.code, failed.retryable) == ("GENERATION_FAILED", False)
    assert "sk-123" not in failed.message
    assert len(upstream.requests) == 1


async def test_nobody_listens(make: Make) -> None:
    with closed_port() as port:
        failed = await failure(make(f"http://127.0.0.1:{port}/v1"))
    assert failed.code == "UPSTREAM_UNAVAILABLE"


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        (Reply(tokens=TOKENS, cut_after=2, cut="end"), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, cut_after=2, cut="close"), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, cut_after=2, cut="drop"), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, cut_after=2, cut="reset"), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, finish_reason=None, done=False), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, finish_reason="null", done=False), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, finish_reason="error"), "UPSTREAM_TRUNCATED"),
        (Reply(tokens=TOKENS, malformed_at=2), "GENERATION_FAILED"),
        (Reply(tokens=TOKENS, error_at=2), "GENERATION_FAILED"),
        (Reply(tokens=TOKENS, stall_after=2), "TIMEOUT"),
    ],
)
async def test_after_the_first_token_a_failure_ends_the_run(
    upstream: FakeOpenAI, model: AnswerModel, fault: Reply, code: str
) -> None:
    upstream.script(fault)
    limits = AnswerLimits(first_token_s=5, idle_s=0.1 if code == "TIMEOUT" else 5)
    assert (await failure(model, limits)).code == code
    assert len(upstream.requests) == 1


async def serve_and_hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Sends a whole text and its finish reason, then hangs up in the middle of the body."""
    await reader.readuntil(b"\r\n\r\n")
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9999\r\n\r\n"
    writer.write(head)
    for delta, reason in (({"content": "Cats."}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        writer.write(f"data: {json.dumps({**chunk, 'choices': [choice]})}\n\n".encode())
    await writer.drain()
    writer.close()


async def test_what_fails_after_the_finish_reason_does_no_harm(make: Make) -> None:
    async with await asyncio.start_server(serve_and_hang_up, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        end = await answer(make(f"http://127.0.0.1:{port}/v1"))
    assert (end.finish_reason, end.text, end.usage) == ("stop", "Cats.", None)


async def test_silence_before_the_first_frame_ends_within_the_budget(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(Reply(stall_after=0))
    failed = await failure(model, AnswerLimits(first_token_s=0.1, idle_s=5))
    assert failed.code == "TIMEOUT"
    assert "0.1 seconds" in failed.message
    assert len(upstream.requests) == 1
    await upstream.wait_until(lambda: upstream.open_connections == 0)


async def test_reasoning_is_a_sign_of_life_but_no_answer(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    # 40 frames at 50 ms: far longer than either limit alone would allow without frames.
    upstream.script(Reply(reasoning=["hm"] * 40, tokens=TOKENS, pace_s=0.05))
    end = await answer(model, AnswerLimits(first_token_s=1, idle_s=1))
    assert end.text == "Cats sleep [1]."


async def test_keep_alive_comments_are_no_sign_of_life(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(tokens=TOKENS, stall_after=1, comment_every_s=0.02))
    failed = await failure(model, AnswerLimits(first_token_s=5, idle_s=0.15))
    assert failed.code == "TIMEOUT"


async def test_retry_after_beyond_the_budget_is_not_waited_for(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(Reply(status=429, retry_after="60"))
    assert (await failure(model)).code == "UPSTREAM_RATE_LIMITED"
    assert len(upstream.requests) == 1


async def test_retry_after_within_the_budget_is_kept(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(status=429, retry_after="0.2"))
    await answer(model)
    first, second = upstream.requests
    assert second.started_at - first.started_at >= 0.2


# The OpenAI SDK types content as text and warns about the lists that some services send.
@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
async def test_content_in_parts_is_joined(upstream: FakeOpenAI, model: AnswerModel) -> None:
    upstream.script(Reply(tokens=TOKENS, content_parts=True))
    assert (await answer(model)).text == "Cats sleep [1]."


def test_only_answer_text_counts() -> None:
    parts: list[str | dict[str, object]] = [
        {"type": "reasoning", "text": "hm", "summary": []},
        {"type": "text", "text": "Cats"},
        " sleep",
        {"type": "output_text", "text": "."},
        {"type": "text"},
    ]
    assert answer_text(AIMessage(content=parts)) == "Cats sleep."
    assert answer_text(AIMessageChunk(content="plain")) == "plain"


async def test_cancelling_closes_the_socket(upstream: FakeOpenAI, model: AnswerModel) -> None:
    upstream.script(Reply(tokens=TOKENS, stall_after=2))
    task = asyncio.create_task(answer(model))
    await upstream.wait_for(lambda r: r.tokens_sent == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.wait_for(lambda r: r.closed_by_client_at is not None)


async def test_an_internal_question_is_never_streamed(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    assert await ask(model, PROMPT, timeout_s=5) == "Cats sleep [1]."
    assert not upstream.requests[0].stream
    upstream.script(Reply(status=500))
    assert await ask(model, PROMPT, timeout_s=5) is None
    upstream.script(Reply(stall_after=0))
    assert await ask(model, PROMPT, timeout_s=0.05) is None


class State(TypedDict):
    end: CallResult | None


class Node(Protocol):
    async def __call__(self, state: State) -> State: ...


async def graph_events(node: Node) -> tuple[str, list[CallResult]]:
    """The streamed text and the nodes' outputs of a graph of one node."""
    builder = StateGraph(State)
    builder.add_node("generate", node)
    builder.add_edge(START, "generate")
    builder.add_edge("generate", END)
    streamed, ends = "", []
    async for event in builder.compile().astream_events({"end": None}, version="v2"):
        if event["event"] == "on_chat_model_stream":
            streamed += answer_text(event["data"]["chunk"])
        if event["event"] == "on_chain_end" and event["name"] == "generate":
            ends.append(event["data"]["output"]["end"])
    return streamed, ends


@pytest.mark.parametrize("refuses", [False, True])
async def test_inside_a_graph_tokens_surface_unless_the_answer_was_not_streamed(
    upstream: FakeOpenAI, model: AnswerModel, refuses: bool
) -> None:
    upstream.always(Reply(tokens=TOKENS, refuse_stream=refuses))
    upstream.script(Reply(status=500))

    async def generate(state: State) -> State:
        assert await ask(model, PROMPT, timeout_s=5) is None
        return {"end": await answer(model)}

    streamed, [end] = await graph_events(generate)
    assert end.text == "Cats sleep [1]."
    assert streamed == ("" if refuses else end.text)


async def test_inside_a_graph_quoting_mode_streams_its_bound_passages() -> None:
    quoting = make_answer_model(
        Settings(llm_provider="extractive", extractive_tokens_per_s=0).answer_model
    )

    async def generate(state: State) -> State:
        return {"end": await answer(quoting)}

    streamed, [end] = await graph_events(generate)
    assert streamed == end.text == "Cats sleep a lot. [1]"
    assert (end.finish_reason, end.streamed) == ("stop", True)

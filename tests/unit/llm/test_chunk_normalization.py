"""How real services deviate from the format: ends, reasoning and malformed chunks."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import RunFailure
from app.domain.models import Passage
from app.domain.ports import REASONING
from app.llm.answer_model import AnswerModel
from app.llm.answering import AnswerLimits, CallResult, ask, stream_answer
from app.llm.completions import Completions
from app.llm.finish_reasons import Reason, meaning
from app.llm.registry import make_answer_model
from tests.fakes.openai_server import FakeOpenAI, Reply

PROMPT = [("system", "Cite."), ("human", "Do cats sleep?")]
PASSAGES = [Passage("p", "s", "Cats", "document", 0, "Cats sleep a lot. They hunt at dawn.")]
LIMITS = AnswerLimits(first_token_s=5, idle_s=5, backoff_s=0.001)
TOKENS = ["Cats", " sleep", " [1]", "."]
WHOLE = "Cats sleep [1]."


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


@pytest.fixture(params=[True, False], ids=["fast", "stock"])
async def model(request: pytest.FixtureRequest, upstream: FakeOpenAI) -> AsyncIterator[AnswerModel]:
    made = make_answer_model(
        Settings(
            llm_fast_path=request.param,
            llm_provider="openai",
            openai_api_key=SecretStr("k"),
            llm_model="fake",
            openai_base_url=upstream.base_url,
        ).answer_model
    )
    yield made
    await made.aclose()


async def answer(model: AnswerModel, limits: AnswerLimits = LIMITS) -> CallResult:
    return await stream_answer(
        model, PROMPT, passages=PASSAGES, question="Do cats sleep?", limits=limits, jitter=lambda: 0
    )


async def failure(model: AnswerModel, limits: AnswerLimits = LIMITS) -> RunFailure:
    with pytest.raises(RunFailure) as caught:
        await answer(model, limits)
    return caught.value


# Ends


MEANINGS: dict[Reason | None, list[Any]] = {
    "stop": ["stop", "STOP", "eos", "end_turn", "tool_calls", {"type": "stop"}, {"odd": 1}, 1],
    "length": [
        *("length", "model_length", "max_tokens", "MAX_TOKENS", "FINISH_REASON_MAX_TOKENS"),
        *({"reason": "length"}, 2),
    ],
    "content_filter": [
        *("SAFETY", "content_filter: hate", "RECITATION", "refusal", "Content Filter"),
        {"type": "safety"},
    ],
    "error": [
        *("insufficient_system_resource", "cancelled", "timeout", "error", "abort"),
        *("network_error", "rate_limit"),
    ],
    None: [None, "", "null", "None", "FINISH_REASON_UNSPECIFIED", 0, {}],
}


@pytest.mark.parametrize("meant", MEANINGS)
def test_a_finish_reason_is_read_by_its_meaning(meant: Reason | None) -> None:
    told = MEANINGS[meant]
    assert [meaning(reason) for reason in told] == [meant] * len(told)


@pytest.mark.parametrize(
    ("reason", "meant"),
    [("model_length", "length"), ("SAFETY", "content_filter"), ({"type": "stop"}, "stop")],
)
@pytest.mark.parametrize("refuse_stream", [False, True])
async def test_reasons_in_other_words(
    upstream: FakeOpenAI, model: AnswerModel, reason: object, meant: str, refuse_stream: bool
) -> None:
    upstream.always(Reply(tokens=TOKENS, finish_reason=reason, refuse_stream=refuse_stream))
    end = await answer(model)
    assert (end.text, end.finish_reason) == (WHOLE, meant)


@pytest.mark.parametrize("reason", ["stop", "null"])
async def test_an_answer_with_a_reason_on_every_chunk_is_waited_for(
    upstream: FakeOpenAI, model: AnswerModel, reason: str
) -> None:
    # Longer than the wait after a reason that counts.
    upstream.script(Reply(tokens=TOKENS, finish_each=reason, pause_after=(2, 2.5)))
    end = await answer(model)
    assert (end.text, end.finish_reason) == (WHOLE, "stop")


@pytest.mark.parametrize("reason", ["stop", "null"])
@pytest.mark.parametrize("cut", ["reset", "drop"])
@pytest.mark.parametrize("after", [1, 3])
async def test_a_cut_after_a_reason_that_proves_nothing_is_a_truncation(
    upstream: FakeOpenAI, model: AnswerModel, reason: str, cut: Any, after: int
) -> None:
    upstream.script(Reply(tokens=TOKENS, finish_each=reason, cut_after=after, cut=cut))
    assert (await failure(model)).code == "UPSTREAM_TRUNCATED"
    assert len(upstream.requests) == 1


async def test_text_after_a_reason_takes_it_back(upstream: FakeOpenAI, model: AnswerModel) -> None:
    early = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    broken = Reply(tokens=TOKENS, odd={2: early}, finish_reason=None, done=False)
    upstream.script(broken, Reply(tokens=TOKENS, odd={2: early}))
    assert (await failure(model)).code == "UPSTREAM_TRUNCATED"
    assert (await answer(model)).text == WHOLE


async def test_a_reason_that_came_alone_needs_no_more(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    upstream.script(Reply(tokens=TOKENS, odd={3: last}, stall_after=3))
    limits = AnswerLimits(first_token_s=60, idle_s=60)
    assert (await answer(model, limits)).finish_reason == "stop"


async def test_the_word_done_is_an_end(upstream: FakeOpenAI, model: AnswerModel) -> None:
    upstream.script(Reply(tokens=TOKENS, finish_reason=None))
    end = await answer(model)
    assert (end.text, end.finish_reason, end.streamed) == (WHOLE, "stop", True)


# Bugs of ours


async def test_a_mistake_of_ours_is_no_answer_of_the_service(
    upstream: FakeOpenAI,
    model: AnswerModel,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def mistaken(*args: object, **kwargs: object) -> object:
        raise KeyError("no such key")

    monkeypatch.setattr(Completions, "create", mistaken)
    with pytest.raises(KeyError):
        await answer(model)
    with caplog.at_level(logging.ERROR):
        assert await ask(model, PROMPT, timeout_s=5) is None
    [logged] = [record for record in caplog.records if record.exc_info]
    assert logged.exc_info is not None
    assert isinstance(logged.exc_info[1], KeyError)
    assert upstream.requests == []


# Reasoning


THOUGHTS = "Let me see, [2] says so.\nOr not?"
BLOCKS = [
    f"<think>\n{THOUGHTS}\n</think>\n\n{WHOLE}",
    f"<thinking>{THOUGHTS}</thinking>{WHOLE}",
    f"{THOUGHTS}\n</think>\n\n{WHOLE}",
    f"[THINK]{THOUGHTS}[/THINK]{WHOLE}",
    f"<think></think>\n\n{WHOLE}",
    f"</think>{WHOLE}",
    f"Cats <think>{THOUGHTS}</think>sleep [1].",
]


async def spoken(model: AnswerModel) -> tuple[str, str]:
    """Text and reasoning as a reader of the stream has them at the end."""
    text, thoughts = list[str](), list[str]()
    async for chunk in model.chat.astream(PROMPT):
        if "retracted" in chunk.response_metadata:
            thoughts, text = thoughts + text, []
        thoughts.append(chunk.additional_kwargs.get(REASONING, ""))
        text.append(str(chunk.content))
    return "".join(text), "".join(thoughts)


@pytest.mark.parametrize("size", [1, 3, 7, 1000])
@pytest.mark.parametrize("block", BLOCKS)
async def test_thoughts_are_no_answer_wherever_they_are_cut(
    upstream: FakeOpenAI, model: AnswerModel, block: str, size: int
) -> None:
    pieces = [block[at : at + size] for at in range(0, len(block), size)]
    upstream.always(Reply(tokens=pieces))
    for _ in range(2):  # the second time it is known how this service thinks
        end = await answer(model)
        assert (end.text, end.streamed) == (WHOLE, True)
        text, thoughts = await spoken(model)
        assert text == WHOLE
        assert thoughts.strip() == (THOUGHTS if THOUGHTS in block else "")


@pytest.mark.parametrize("block", BLOCKS)
async def test_thoughts_are_no_answer_without_a_stream_either(
    upstream: FakeOpenAI, model: AnswerModel, block: str
) -> None:
    upstream.always(Reply(tokens=[block], refuse_stream=True))
    end = await answer(model)
    assert (end.text, end.streamed) == (WHOLE, False)
    assert await ask(model, PROMPT, timeout_s=5) == WHOLE


async def test_an_answer_that_is_all_thoughts_is_none(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(Reply(tokens=["<think>", "for ever"], finish_reason="length"))
    assert "used up its length" in (await failure(model)).message


@pytest.mark.parametrize(
    "text",
    [
        "Write `<think>` and `</think>` around it.",
        "If a < b and c > d, <b>bold</b>.",
        "It ends with <th",
        "```\n<think>x</think>\n```\n",
        "An open <think> tag.",
    ],
)
async def test_what_only_looks_like_thoughts_is_kept(
    upstream: FakeOpenAI, model: AnswerModel, text: str
) -> None:
    upstream.always(Reply(tokens=list(text)))
    assert (await answer(model)).text == text


async def test_a_service_that_stops_thinking_is_read_as_it_comes_again(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(tokens=["hm", "</think>", *TOKENS]), Reply(tokens=TOKENS))
    assert [(await answer(model)).text for _ in range(2)] == [WHOLE, WHOLE]
    permits = asyncio.Semaphore(1)
    upstream.script(Reply(tokens=TOKENS, permits=permits))
    pieces: list[object] = []
    async for chunk in model.chat.astream(PROMPT):
        if chunk.content:
            pieces.append(chunk.content)
            permits.release()
    assert pieces == TOKENS


# Chunks


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, **fields}]}


FILTERED = {"content_filter_results": {"hate": {"filtered": False}}, "finish_reason": None}
CALL = {"index": 0, "id": "c", "type": "function", "function": None}
ODD = [
    pytest.param(choice(**FILTERED), id="no delta"),
    pytest.param(choice(delta=None), id="delta null"),
    pytest.param(choice(delta=None, finish_reason=None), id="delta and reason null"),
    pytest.param(choice(delta="odd"), id="delta text"),
    pytest.param(choice(delta={"tool_calls": [CALL]}), id="function null"),
    pytest.param(choice(delta={"tool_calls": [None]}), id="call null"),
    pytest.param(choice(delta={"function_call": None}), id="function call null"),
    pytest.param(choice(delta={"role": "model"}), id="unknown role"),
    pytest.param(choice(delta={"role": 7, "content": ""}), id="numeric role"),
    pytest.param(choice(delta={"content": None}), id="content null"),
    pytest.param(choice(delta={"content": True}), id="content true"),
    pytest.param(choice(delta={"content": [None, {"type": "odd"}]}), id="odd parts"),
    pytest.param(choice(delta={"content": {"type": "image"}}), id="odd part"),
    pytest.param(choice(delta={}, logprobs="odd"), id="odd logprobs"),
    pytest.param({"choices": None}, id="choices null"),
    pytest.param({"choices": [None]}, id="choice null"),
    pytest.param({"choices": {}}, id="choices object"),
    pytest.param({"choices": [], "usage": {"prompt_tokens": None}}, id="usage null"),
    pytest.param({"choices": [], "usage": {"prompt_tokens": "a"}}, id="usage text"),
    pytest.param({"choices": [], "usage": 7}, id="usage number"),
    pytest.param(None, id="null"),
    pytest.param(7, id="number"),
    pytest.param([], id="list"),
    pytest.param(b'{"comment": "\xff\xfe"}', id="invalid UTF-8"),
]


@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("odd", ODD)
async def test_one_odd_chunk_costs_nothing(
    upstream: FakeOpenAI, model: AnswerModel, odd: object, at: int
) -> None:
    upstream.script(Reply(tokens=TOKENS, odd={at: odd}))
    end = await answer(model)
    assert (end.text, end.finish_reason, end.streamed) == (WHOLE, "stop", True)
    assert len(upstream.requests) == 1


@pytest.mark.parametrize("fields", [{}, {"delta": None}, {"delta": "odd"}])
async def test_the_reason_of_an_odd_chunk_counts(
    upstream: FakeOpenAI, model: AnswerModel, fields: dict[str, Any]
) -> None:
    last = choice(**fields, finish_reason="length")
    upstream.script(Reply(tokens=TOKENS, odd={4: last}, finish_reason=None, done=False))
    end = await answer(model)
    assert (end.text, end.finish_reason) == (WHOLE, "length")


@pytest.mark.parametrize(
    ("delta", "text"),
    [
        ({"content": 7}, "7"),
        ({"content": 0.5}, "0.5"),
        ({"role": "model", "content": "x"}, "x"),
        ({"role": "user", "content": "x"}, "x"),
        ({"content": [{"type": "text", "text": "x"}, {"type": "odd"}]}, "x"),
        ({"content": {"type": "text", "text": "x"}}, "x"),
        ({"content": "x", "tool_calls": [CALL]}, "x"),
        ({"refusal": "I cannot."}, "I cannot."),
        ({"content": None, "refusal": "I cannot."}, "I cannot."),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]}, ""),
        ({"content": [{"type": "reasoning", "summary": [{"text": "hm"}]}]}, ""),
        ({"reasoning": "hm", "content": ""}, ""),
    ],
)
async def test_the_text_of_an_odd_delta_is_kept(
    upstream: FakeOpenAI, model: AnswerModel, delta: dict[str, Any], text: str
) -> None:
    upstream.always(Reply(tokens=TOKENS, odd={3: choice(delta=delta)}))
    assert (await answer(model)).text == f"Cats sleep [1]{text}."
    said, thoughts = await spoken(model)
    assert said == f"Cats sleep [1]{text}."
    assert thoughts == ("hm" if not text else "")


async def test_broken_bytes_within_text_are_replaced(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    broken = b'{"choices":[{"index":0,"delta":{"content":" \xe2\x82 "}}]}'
    upstream.script(Reply(tokens=TOKENS, odd={2: broken}))
    assert (await answer(model)).text == "Cats sleep \ufffd  [1]."


@pytest.mark.parametrize(
    "pieces",
    [
        ["Hi ", "\\ud83d", "\\ude00", " there"],
        ["Hi \\ud83d", "\\ude00 there"],
        ["Hi \\ud83d", "\\ude00 there \\ud83d", "\\ude80!"],
    ],
)
@pytest.mark.parametrize("frames_per_chunk", [1, 10])
async def test_two_halves_are_one_character(
    upstream: FakeOpenAI, model: AnswerModel, pieces: list[str], frames_per_chunk: int
) -> None:
    frames = {
        at: b'{"choices":[{"index":0,"delta":{"content":"%b"}}]}' % piece.encode()
        for at, piece in enumerate(pieces)
    }
    upstream.script(Reply(tokens=[""] * len(pieces), odd=frames, frames_per_chunk=frames_per_chunk))
    said = (await answer(model)).text
    expected = "".join(pieces).encode().decode("unicode_escape")
    joined = expected.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    assert said == joined


async def test_half_a_character_without_its_other_half_is_not_lost(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    half = b'{"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}'
    upstream.script(Reply(tokens=TOKENS, odd={2: half, 4: half}))
    assert (await answer(model)).text == "Cats sleep\ud83d [1].\ud83d"


# Beginnings and ends of the body


@pytest.mark.parametrize("prefix", ["\ufeff", "\ufeff\n\n", "\n\n\n", ": hello\n\n"])
@pytest.mark.parametrize("trickle", [0, 1])
async def test_what_stands_before_the_first_frame_costs_no_word(
    upstream: FakeOpenAI, model: AnswerModel, prefix: str, trickle: int
) -> None:
    upstream.script(Reply(tokens=TOKENS, prefix=prefix, trickle=trickle))
    assert (await answer(model)).text == WHOLE


@pytest.mark.parametrize("last", [{"done": False}, {"usage": False, "done": False}, {}])
async def test_the_last_frame_may_lack_its_blank_line(
    upstream: FakeOpenAI, model: AnswerModel, last: dict[str, Any]
) -> None:
    upstream.script(Reply(tokens=TOKENS, last_blank=False, **last))
    end = await answer(model)
    assert (end.text, end.finish_reason) == (WHOLE, "stop")


async def test_a_whole_answer_in_place_of_a_stream_is_taken(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    body = '{"choices":[{"message":{"role":"assistant","content":"<think>hm</think>Cats [1]."}}]}'
    upstream.script(Reply(body=body))
    end = await answer(model)
    assert (end.text, end.finish_reason, len(upstream.requests)) == ("Cats [1].", "stop", 1)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<!doctype html><title>Sign in</title>", "a web page"),
        ('{"detail": "Method not allowed"}', "not an answer"),
        ('{"error": {"message": "no such deployment"}}', "reported an error"),
        ('{"object": "error", "message": "no"}', "reported an error"),
        ("[]", "not an answer"),
    ],
)
async def test_a_success_without_an_answer_is_not_asked_again(
    upstream: FakeOpenAI, model: AnswerModel, body: str, says: str
) -> None:
    kind = "text/html" if body.startswith("<") else "application/json"
    upstream.always(Reply(body=body, content_type=kind))
    assert says in (await failure(model)).message
    assert len(upstream.requests) == 1
    assert await ask(model, PROMPT, timeout_s=5) is None


async def test_long_headers_are_read(upstream: FakeOpenAI, model: AnswerModel) -> None:
    upstream.script(Reply(tokens=TOKENS, headers={"x-trace": "t" * 12_000}))
    assert (await answer(model)).text == WHOLE


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_keeps_the_question(
    upstream: FakeOpenAI, model: AnswerModel, status: int
) -> None:
    there = {"location": f"{upstream.base_url}/chat/completions"}
    upstream.script(Reply(status=status, body="", headers=there), Reply(tokens=TOKENS))
    assert (await answer(model)).text == WHOLE
    assert [request.stream for request in upstream.requests] == [True, True]


async def test_cancelling_while_text_is_held_closes_the_socket(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.script(Reply(tokens=["<think>", "hm"], stall_after=2))
    task = asyncio.create_task(answer(model))
    await upstream.wait_for(lambda r: r.tokens_sent == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await upstream.wait_for(lambda r: r.closed_by_client_at is not None)

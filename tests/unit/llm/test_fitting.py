"""Services that refuse part of a request, have a small window, or are still loading."""

import time
from collections.abc import AsyncIterator, Sequence

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import SecretStr

from app.config import Settings
from app.domain.errors import RunFailure
from app.domain.models import Passage
from app.domain.token_estimate import cut_to_tokens, estimated_tokens
from app.llm.answer_model import AnswerModel
from app.llm.answering import AnswerLimits, CallResult, ask, stream_answer
from app.llm.fitting import fitted, prompt_tokens, without_oldest_turn
from app.llm.registry import make_answer_model
from tests.fakes.openai_script import Record
from tests.fakes.openai_server import FakeOpenAI, Reply

PASSAGES = [Passage("p", "s", "Cats", "document", 0, "Cats sleep a lot.")]
LIMITS = AnswerLimits(first_token_s=5, idle_s=5, backoff_s=0.001)
TOKENS = ["Cats", " sleep", " [1]", "."]
WHOLE = "Cats sleep [1]."
INSTRUCTIONS, QUESTION = SystemMessage("Cite."), HumanMessage("Passages: …\n\nDo cats sleep?")


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        server.always(Reply(tokens=TOKENS))
        yield server


@pytest.fixture
async def model(upstream: FakeOpenAI) -> AsyncIterator[AnswerModel]:
    made = make_answer_model(
        Settings(
            llm_provider="openai",
            openai_api_key=SecretStr("k"),
            llm_model="fake",
            openai_base_url=upstream.base_url,
        ).answer_model
    )
    yield made
    await made.aclose()


def turns(count: int, *, question: str = "Why?", answer: str = "So.") -> list[BaseMessage]:
    pairs = ((HumanMessage(f"{question} {n}"), AIMessage(f"{answer} {n}")) for n in range(count))
    return [message for pair in pairs for message in pair]


async def answer(
    model: AnswerModel,
    earlier: Sequence[BaseMessage] = (),
    limits: AnswerLimits = LIMITS,
) -> CallResult:
    return await stream_answer(
        model,
        [INSTRUCTIONS, *earlier, QUESTION],
        passages=PASSAGES,
        question="Do cats sleep?",
        limits=limits,
        jitter=lambda: 0,
    )


# The window


def true_tokens(text: str) -> int:
    """As a tokenizer of 2026 counts: a token per ideograph, one per four letters."""
    wide = sum(not character.isascii() for character in text)
    return wide + (len(text) - wide) // 4


def window(most: int, wording: str) -> Reply:
    def refuse(record: Record) -> str | None:
        asked = true_tokens(record.prompt)
        return wording.format(most=most, asked=asked) if asked > most else None

    return Reply(tokens=TOKENS, refuse=refuse)


WORDINGS = [
    "This model's maximum context length is {most} tokens. However, you requested {asked} tokens.",
    "the request exceeds the available context size. try increasing the context size",
    "Prompt contains {asked} tokens, too large for model with {most} maximum context length",
    "The number of tokens to keep from the initial prompt is greater than the context length.",
    "The input token count ({asked}) exceeds the maximum number of tokens allowed ({most}).",
]
LONG = [
    pytest.param({"answer": "猫はよく眠る。" * 430}, id="Japanese answers"),
    pytest.param({"question": "why do cats sleep " * 390}, id="long questions"),
]


@pytest.mark.parametrize("wording", WORDINGS)
@pytest.mark.parametrize("long", LONG)
async def test_a_conversation_beyond_the_window_goes_on_without_its_oldest_turns(
    upstream: FakeOpenAI, model: AnswerModel, wording: str, long: dict[str, str]
) -> None:
    upstream.always(window(8192, wording))
    for count in range(7):
        assert (await answer(model, turns(count, **long))).text == WHOLE
    bodies = [str(request.body["messages"]) for request in upstream.requests]
    assert len(set(bodies)) == len(bodies)  # never the same twice
    for request in upstream.requests:
        assert request.messages[0]["content"] == INSTRUCTIONS.content
        assert request.messages[-1]["content"] == QUESTION.content
        roles = [message["role"] for message in request.messages[1:]]
        assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]
    # The learned limit is used: the last conversation is shortened before it is sent.
    refused = [request.status for request in upstream.requests[-2:]].count(400)
    assert refused == 0


@pytest.mark.parametrize("refuse_stream", [False, True])
async def test_what_is_too_long_by_itself_is_asked_once(
    upstream: FakeOpenAI, model: AnswerModel, refuse_stream: bool
) -> None:
    upstream.always(Reply(status=400, error_message=WORDINGS[1], error_code=None))
    with pytest.raises(RunFailure) as caught:
        await answer(model)
    assert "too long" in caught.value.message
    assert len(upstream.requests) == 1
    assert await ask(model, [("human", "Why?")], timeout_s=5) is None


async def test_an_internal_question_is_shortened_too(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(window(100, WORDINGS[0]))
    asked = [INSTRUCTIONS, *turns(4, answer="So it is. " * 20), QUESTION]
    assert await ask(model, asked, timeout_s=5) == WHOLE


async def test_an_answer_without_a_stream_is_shortened_too(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    def refuse(record: Record) -> str | None:
        if record.stream:
            return "Streaming is not supported by this model."
        return WORDINGS[1] if true_tokens(record.prompt) > 100 else None

    upstream.always(Reply(tokens=TOKENS, refuse=refuse))
    end = await answer(model, turns(4, answer="So it is. " * 20))
    assert (end.text, end.streamed) == (WHOLE, False)


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("Common side effects include nausea and headache.", 8, 16),
        ("猫はよく眠る。" * 100, 700, 1_000),
        ("고양이는 많이 잔다. " * 50, 400, 800),
        ("Коты много спят. " * 50, 250, 800),
        ('{"a": [1, 2, {"b": "c"}]}' * 20, 180, 400),
        ("😀" * 100, 100, 300),
    ],
)
def test_tokens_are_estimated_on_the_safe_side(text: str, least: int, most: int) -> None:
    assert least <= estimated_tokens(text) <= most
    assert estimated_tokens(cut_to_tokens(text, 50)) <= 50


def test_only_the_oldest_turns_go() -> None:
    messages = [INSTRUCTIONS, *turns(3), QUESTION]
    assert without_oldest_turn(messages) == [messages[0], *messages[3:]]
    assert fitted(messages, 10_000) == messages
    assert fitted(messages, prompt_tokens(messages) - 1) == [messages[0], *messages[3:]]
    assert fitted(messages, 0) == [INSTRUCTIONS, QUESTION]
    assert without_oldest_turn([("system", "a"), ("human", "b")]) == [
        ("system", "a"),
        ("human", "b"),
    ]


# Refused parts of a request


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "message",
    [
        "Unrecognized request argument supplied: stream_options",
        "body.stream_options: Extra inputs are not permitted",
        "Bad Request",
    ],
)
async def test_options_that_are_refused_are_left_out_from_then_on(
    upstream: FakeOpenAI, model: AnswerModel, status: int, message: str
) -> None:
    refuse = lambda record: message if "stream_options" in record.body else None  # noqa: E731
    upstream.always(Reply(tokens=TOKENS, refuse=refuse, status=status))
    for _ in range(2):
        end = await answer(model)
        assert (end.text, end.streamed, end.usage) == (WHOLE, True, None)
    assert ["stream_options" in request.body for request in upstream.requests] == [
        True,
        False,
        False,
    ]
    assert "stream_options" in model.quirks.notes()[0]


async def test_a_wrong_guess_is_not_remembered(upstream: FakeOpenAI, model: AnswerModel) -> None:
    upstream.always(Reply(status=400, error_message="Bad Request"))
    with pytest.raises(RunFailure):
        await answer(model)
    assert not model.quirks.no_stream_options


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "System role not supported"),
        (500, "Jinja Exception: System role not supported"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/..."),
        (400, "Developer instruction is not enabled for models/gemma-3-27b-it"),
        (422, "Template error: only user and assistant roles are supported"),
    ],
)
async def test_a_model_without_a_system_role_gets_its_instructions_with_the_question(
    upstream: FakeOpenAI, model: AnswerModel, status: int, message: str
) -> None:
    def refuse(record: Record) -> str | None:
        roles = [one["role"] for one in record.messages]
        alternates = roles == (["user", "assistant"] * len(roles))[: len(roles)]
        return None if alternates else message

    upstream.always(Reply(tokens=TOKENS, refuse=refuse, status=status))
    for _ in range(2):
        end = await answer(model, turns(2))
        assert (end.text, end.streamed) == (WHOLE, True)
    assert await ask(model, [INSTRUCTIONS, QUESTION], timeout_s=5) == WHOLE
    assert [request.status for request in upstream.requests] == [status, 200, 200, 200]
    first = str(upstream.requests[-2].messages[0]["content"])
    assert first.startswith("Cite.\n\nWhy?")


# Loading


async def test_a_model_that_is_being_loaded_is_waited_for_as_long_as_there_is_time(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    began = time.monotonic()

    def refuse(record: Record) -> str | None:
        return "Loading model" if record.started_at - began < 1.2 else None

    upstream.always(Reply(tokens=TOKENS, refuse=refuse, status=503))
    end = await answer(model)
    assert (end.text, end.streamed) == (WHOLE, True)
    assert len(upstream.requests) > 3  # more than a failed start is tried


async def test_a_load_that_takes_too_long_is_told_as_one(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    upstream.always(Reply(status=503, error_message="Loading model"))
    with pytest.raises(RunFailure) as caught:
        await answer(model, limits=AnswerLimits(first_token_s=2.5, idle_s=5))
    assert "still being loaded" in caught.value.message
    assert caught.value.retryable


async def test_an_internal_question_waits_for_a_load_in_words_and_in_silence(
    upstream: FakeOpenAI, model: AnswerModel
) -> None:
    loading = Reply(status=503, error_message="Loading model")
    upstream.script(loading, loading)
    assert await ask(model, [QUESTION], timeout_s=0.2, load_s=5) == WHOLE
    model.quirks.answered_at = None
    upstream.script(Reply(tokens=TOKENS, headers_delay_s=0.6))
    assert await ask(model, [QUESTION], timeout_s=0.2, load_s=5) == WHOLE
    # It is loaded now: silence is silence.
    upstream.script(Reply(tokens=TOKENS, headers_delay_s=5))
    assert await ask(model, [QUESTION], timeout_s=0.2, load_s=5) is None

"""Prompts fit the model's window and report omissions; 200 turns fit into 8k tokens."""

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import pytest
from langchain_core.messages import BaseMessage

from app.config import Settings
from app.domain.errors import RunFailure
from app.domain.events import GenerationStartEvent, Omitted, Token
from app.domain.models import Candidate, Passage, Turn
from app.graph.engine import GraphEngine
from app.graph.prompt_fitting import SUMMARY_TOKENS, fit_prompt
from app.graph.prompts import answer_messages
from app.llm.answer_model import AnswerModel
from app.llm.answering import AnswerLimits, stream_answer
from app.llm.fitting import prompt_tokens
from app.llm.registry import make_answer_model
from app.runs.ports import EngineResult, Evidence, Question
from tests.fakes.openai_script import Record
from tests.fakes.openai_server import FakeOpenAI, Reply
from tests.unit.graph.test_build import QUESTION, FixedSearch, engine

WINDOW = 8_192
LONG = "The committee approved the budget for the harbour after a long debate. " * 40


def kept(count: int, *, text: str = "Nausea is common. " * 60) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            Passage(f"p{n}", "s", "Aripiprazole", "document", n, text),
            score=0.9,
            cosine=0.8,
            bm25=3.0,
            coverage=0.9,
        )
        for n in range(count)
    )


def turns(count: int, *, answer: str = LONG) -> tuple[Turn, ...]:
    return tuple(
        Turn(f"What was decided in meeting {n}?", answer, interrupted=False) for n in range(count)
    )


def asked(count: int, *, answer: str = LONG) -> Question:
    every = turns(count, answer=answer)
    return replace(QUESTION, history=every[-20:], older=every[:-20])


def size(question: Question, passages: Sequence[Candidate], most: int | None) -> int:
    fitted = fit_prompt(question, passages, most)
    return prompt_tokens(answer_messages(fitted.question, fitted.kept, fitted.notes))


@pytest.mark.parametrize("most", [1_000, 2_000, 4_000, 6_144, 30_000])
@pytest.mark.parametrize("count", [0, 1, 7, 60, 400])
def test_it_fits_whatever_was_said(most: int, count: int) -> None:
    question = asked(count)
    fitted = fit_prompt(question, kept(8), most)
    assert size(question, kept(8), most) <= most
    assert fitted.kept
    assert fitted.kept == kept(8)[: len(fitted.kept)]
    whole = len(fitted.question.history)
    omitted = fitted.omitted or Omitted(turns=0, summarized_turns=0, passages=0)
    assert omitted.turns + omitted.summarized_turns + whole == count
    assert omitted.summarized_turns == len(fitted.notes)
    assert omitted.passages == 8 - len(fitted.kept)


def test_what_fits_is_sent_whole_and_nothing_is_said() -> None:
    question = asked(3, answer="Yes.")
    fitted = fit_prompt(question, kept(8), 30_000)
    assert (fitted.question.history, fitted.notes, fitted.omitted) == (question.history, (), None)
    assert fit_prompt(QUESTION, kept(8), None).omitted is None


def test_older_turns_become_a_line_each() -> None:
    question = asked(60, answer="The harbour was approved. Nobody objected. " * 30)
    fitted = fit_prompt(question, kept(2), 6_144)
    assert fitted.notes[-1].endswith("? The harbour was approved.")
    prompt = str(answer_messages(fitted.question, fitted.kept, fitted.notes)[-1].content)
    assert prompt.index(fitted.notes[0]) < prompt.index("Passages:")
    assert "Nobody objected" not in "".join(fitted.notes)


def test_refusals_and_talk_are_no_part_of_the_summary() -> None:
    every = tuple(replace(turn, answered=n % 2 == 0) for n, turn in enumerate(turns(40)))
    question = replace(QUESTION, history=every[-20:], older=every[:-20])
    notes = fit_prompt(question, kept(1), 6_144).notes
    assert notes
    assert not [note for note in notes if int(note.split("meeting ")[1].split("?")[0]) % 2]


def test_the_summary_has_its_bound_where_the_window_has_none() -> None:
    fitted = fit_prompt(asked(400), kept(8), None)
    assert len(fitted.kept) == 8
    assert prompt_tokens([("human", "\n".join(fitted.notes))]) <= SUMMARY_TOKENS + 10
    assert fitted.omitted is not None
    assert fitted.omitted.turns > 0


# Against a model


@pytest.fixture
async def upstream() -> AsyncIterator[FakeOpenAI]:
    async with FakeOpenAI() as server:
        yield server


def model_of(base_url: str) -> AnswerModel:
    return make_answer_model(
        Settings.model_validate(
            {"llm_provider": "openai", "llm_model": "m", "openai_base_url": base_url}
        ).answer_model
    )


def engine_of(model: AnswerModel, passages: Sequence[Candidate]) -> GraphEngine:
    async def answer(
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        end = await stream_answer(
            model,
            messages,
            passages=passages,
            question=question.text,
            limits=AnswerLimits(first_token_s=20, idle_s=20),
            drops_turns=False,
        )
        return EngineResult(end.finish_reason, end.usage), "" if end.streamed else end.text

    return engine(
        FixedSearch(passages), answerer=answer, max_prompt_tokens=lambda: model.max_prompt_tokens
    )


async def ask(made: GraphEngine, question: Question) -> tuple[str, list[Omitted | None], list[int]]:
    """The text, the omissions of each `generation_start`, and the number of its passages."""
    evidence = Evidence()
    text = ""
    omitted: list[Omitted | None] = []
    passages: list[int] = []
    async with aclosing(made.answer(question, evidence)) as items:
        async for item in items:
            if isinstance(item, Token):
                text += item.content
            elif isinstance(item, GenerationStartEvent):
                assert not text
                omitted.append(item.content.omitted)
                passages.append(len(item.content.passages))
    assert len(evidence.passages) == passages[-1]
    return text, omitted, passages


def refusing(most: int, wording: str) -> Reply:
    def refuse(record: Record) -> str | None:
        tokens = len(record.prompt) // 3  # less thrifty than most tokenizers
        return wording.format(most=most, asked=tokens) if tokens > most else None

    return Reply(tokens=["Nausea", " [1]", "."], refuse=refuse)


WORDINGS = [
    "This model's maximum context length is {most} tokens. However, you requested {asked} tokens.",
    "the request exceeds the available context size. try increasing the context size",
]


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("wording", "turns"), [(WORDINGS[0], 200), (WORDINGS[1], 60)])
async def test_two_hundred_turns_are_answered_in_8k_tokens(
    upstream: FakeOpenAI, wording: str, turns: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    upstream.always(refusing(WINDOW, wording))
    model = model_of(upstream.base_url)
    made = engine_of(model, kept(8, text="Aripiprazole can cause nausea. " * 30))
    every: tuple[Turn, ...] = ()
    last: Omitted | None = None
    for number in range(turns):
        question = replace(
            QUESTION,
            text=f"What are the side effects of aripiprazole, part {number}?",
            history=every[-20:],
            older=every[:-20],
        )
        text, omitted, passages = await ask(made, question)
        assert text == "Nausea [1]."
        assert passages[-1] >= 1
        last = omitted[-1]
        every = (*every, Turn(question.text, LONG, interrupted=False))
    await model.aclose()
    assert last is not None
    assert last.turns + last.summarized_turns > turns * 3 // 4
    refused = [record.status for record in upstream.requests].count(400)
    assert refused <= 3  # learned, not retried each time
    prompt = str(upstream.requests[-1].messages[-1]["content"])
    assert "Notes on the earlier part" in prompt
    roles = [one["role"] for one in upstream.requests[-1].messages[1:]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"]


async def test_passages_are_left_out_of_a_small_window_and_that_is_said(
    upstream: FakeOpenAI,
) -> None:
    upstream.always(refusing(900, WORDINGS[0]))
    model = model_of(upstream.base_url)
    text, omitted, passages = await ask(engine_of(model, kept(8)), QUESTION)
    await model.aclose()
    assert text == "Nausea [1]."
    assert omitted[0] is None
    assert omitted[-1] == Omitted(turns=0, summarized_turns=0, passages=passages[0] - passages[-1])
    assert 1 <= passages[-1] < passages[0]


async def test_a_prompt_that_cannot_be_shortened_fails_once(upstream: FakeOpenAI) -> None:
    upstream.always(Reply(status=400, error_message=WORDINGS[1]))
    model = model_of(upstream.base_url)
    with pytest.raises(RunFailure, match="too long for this model"):
        await ask(engine_of(model, kept(1)), QUESTION)
    await model.aclose()
    assert len(upstream.requests) <= 2


def test_a_window_that_is_configured_leaves_room_for_the_answer() -> None:
    base = model_of("http://localhost:1/v1")
    assert base.max_prompt_tokens is None
    assert replace(base, context_window=8_192).max_prompt_tokens == 6_144
    assert replace(base, context_window=131_072).max_prompt_tokens == 131_072 - 4_096

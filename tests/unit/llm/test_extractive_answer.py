"""Quoting mode: verbatim, cited, in order, word by word."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.domain.models import Cue, Passage
from app.llm.answering import answer_text, usage_of
from app.llm.extractive import ExtractiveChatModel
from app.llm.extractive_answer import NOTHING, quote_answer
from app.text.citations import cite

DOCUMENTS = Path("app/ingest/samples/documents")
SIDE_EFFECTS = "What are the side effects of aripiprazole?"


def library(*names: str) -> list[Passage]:
    """The sections of sample documents, in order."""
    passages: list[Passage] = []
    for name in names:
        text = (DOCUMENTS / name).read_text(encoding="utf-8")
        title, *sections = re.split(r"\n## ", text)
        for position, section in enumerate(sections):
            heading, _, body = section.partition("\n")
            passages.append(
                Passage(
                    f"{name}-{position}", name, title.splitlines()[0].lstrip("# "), "document",
                    position, body.strip(), heading=heading,
                )
            )  # fmt: skip
    return passages


def passage(text: str) -> Passage:
    return Passage("p", "s", "Title", "document", 0, text)


def quoted(answer: str) -> list[tuple[str, int]]:
    """The sentences and list items of an answer with their markers."""
    return [
        (text.removeprefix("- ").strip(), int(number))
        for text, number in re.findall(r"(.+?) \[(\d+)\](?=\s|$)", answer)
    ]


async def stream(
    model: ExtractiveChatModel, passages: Sequence[Passage], question: str, prefix: str = ""
) -> list[str]:
    bound = model.bind(passages=passages, question=question, prefix=prefix)
    return [answer_text(chunk) async for chunk in bound.astream("ignored")]


def test_the_side_effects_of_aripiprazole() -> None:
    passages = library("aripiprazole.md")
    answer = quote_answer(SIDE_EFFECTS, passages)
    for effect in (
        "nausea",
        "akathisia",
        "insomnia",
        "neuroleptic malignant",
        "tardive",
        "seizures",
    ):
        assert effect in answer
    assert "breast milk" not in answer
    assert len(answer) < 2_000
    for text, number in quoted(answer):
        assert text in passages[number - 1].text
    citations = cite(answer, passages)
    assert citations
    assert all(c.verified for c in citations)


@pytest.mark.parametrize(
    ("question", "document", "says"),
    [
        ("How long are daily backups kept?", "backup-policy.md", "35 days"),
        ("What is the maximum dose of aripiprazole?", "aripiprazole.md", "30 mg a day"),
        ("Does aripiprazole interact with fluoxetine?", "aripiprazole.md", "CYP2D6"),
        ("What is metformin?", "metformin.md", "Metformin is "),
        (
            "How many days of annual leave do full-time employees have?",
            "leave-policy.md",
            "28 days",
        ),
    ],
)
def test_answers_from_the_sample_library(question: str, document: str, says: str) -> None:
    passages = library(document, "sertraline.md")
    answer = quote_answer(question, passages)
    assert says in answer
    for text, number in quoted(answer):
        assert text.splitlines()[-1].removeprefix("- ") in passages[number - 1].text
    assert all(c.verified for c in cite(answer, passages))


def test_sentences_come_in_reading_order_and_once() -> None:
    passages = [
        passage("Cats sleep a lot. Cats hunt mice at dawn. Dogs bark."),
        passage("Cats hunt mice at dawn. Kittens hunt cats' toys and mice."),
    ]
    answer = quote_answer("When do cats hunt mice?", passages)
    assert answer.count("Cats hunt mice at dawn.") == 1
    assert "Dogs bark" not in answer


def test_a_sentence_that_leans_on_the_one_before_brings_it() -> None:
    answer = quote_answer(
        "How much does the heron weigh?",
        [passage("The grey heron is a tall bird. It can weigh 2 kilos. Rain is wet.")],
    )
    assert answer == "The grey heron is a tall bird. [1] It can weigh 2 kilos. [1]"


def test_a_list_keeps_what_introduces_it() -> None:
    text = "Rain is wet.\n\nThe heron eats:\n\n- fish and frogs;\n- mice. Also voles.\n\nIt sleeps."
    answer = quote_answer("What does the heron eat?", [passage(text)])
    assert answer == "The heron eats:\n\n- fish and frogs; [1]\n- mice. Also voles. [1]"


def test_a_long_list_is_whole_or_says_how_much_is_missing() -> None:
    text = "The kit must contain:\n\n" + "\n".join(f"- thing {n}" for n in range(1, 13))
    answer = quote_answer("What must the kit contain?", [passage(text)])
    assert [item for item, _ in quoted(answer)][-1] == "thing 12"
    text = "The kit must contain:\n\n" + "\n".join(f"- thing {n}" for n in range(1, 51))
    answer = quote_answer("What must the kit contain?", [passage(text)])
    assert answer.endswith("- thing 40 [1]\n- … 10 more in the source [1]")


def test_steps_keep_their_numbers() -> None:
    text = "To restart the pump:\n\n1. Close valve V1.\n2. Wait 30 seconds.\n3. Open valve V1."
    answer = quote_answer("How do I restart the pump?", [passage(text)])
    assert answer == (
        "To restart the pump:\n\n1. Close valve V1. [1]\n2. Wait 30 seconds. [1]\n"
        "3. Open valve V1. [1]"
    )
    alone = "1. Close valve V1.\n2. Wait 30 seconds, then restart the pump.\n3. Open valve V1."
    answer = quote_answer("How do I restart the pump?", [passage(alone)])
    assert "2. Wait 30 seconds, then restart the pump. [1]" in answer


@pytest.mark.parametrize(
    "text",
    [
        "Registration closes on 4 May",
        "Customer: North Mill\nTotal due: 450",
        "Item: Pump; Cost: 12",
    ],
)
def test_headings_forms_and_rows_can_be_quoted(text: str) -> None:
    assert quote_answer("What is due, costs or closes?", [passage(text)]) != NOTHING


def test_what_follows_a_colon_belongs_to_what_introduces_it() -> None:
    text = "The vault code is as follows:\n\n9917-QX\n\nThe vault is on the second floor."
    answer = quote_answer("What is the vault code?", [passage(text)])
    assert answer.startswith("The vault code is as follows:\n\n- 9917-QX [1]")


def test_a_short_label_with_its_value_is_an_answer() -> None:
    here = passage("- Site name: Orlestone Quay\n- Opening date: 2019-08-23\n- Berths: 40")
    there = passage("- Site name: Gannet Quay\n- Opening date: 23 August 2020\n- Berths: 12")
    answer = quote_answer("What is the opening date of Orlestone Quay?", [here, there])
    assert "- Opening date: 2019-08-23 [1]" in answer


def test_a_recording_is_quoted_without_names_and_not_by_its_questions() -> None:
    lines = ["Dana: How long does it stay in the body?", "Priya: Its half-life is 75 hours."]
    text = "\n".join(lines)
    cues = (
        Cue(0, len(lines[0]), 0.0, 4.0, "Dana"),
        Cue(len(lines[0]) + 1, len(text), 4.0, 8.0, "Priya"),
    )
    talk = replace(passage(text), kind="recording", cues=cues)
    answer = quote_answer("How long does it stay in the body?", [talk])
    assert "Its half-life is 75 hours. [1]" in answer
    assert "Priya:" not in answer


def test_markers_and_code_of_the_source_cannot_pose_as_ours() -> None:
    answer = quote_answer("What do herons eat?", [passage("Herons eat fish[7][8]. Herons `eat.")])
    assert answer == "Herons eat fish. [1]"


@pytest.mark.parametrize("passages", [[], [passage("###")], [passage("| a | b |")]])
def test_nothing_to_quote(passages: list[Passage]) -> None:
    assert quote_answer("What?", passages) == NOTHING


async def test_it_streams_word_by_word_and_says_how_it_ended() -> None:
    bound = ExtractiveChatModel().bind(passages=library("aripiprazole.md"), question=SIDE_EFFECTS)
    chunks = [chunk async for chunk in bound.astream("ignored")]
    pieces = [answer_text(chunk) for chunk in chunks]
    assert "".join(pieces) == quote_answer(SIDE_EFFECTS, library("aripiprazole.md"))
    assert all(len(piece.split()) <= 1 for piece in pieces)
    reasons = [c.response_metadata["finish_reason"] for c in chunks if c.response_metadata]
    assert reasons == ["stop"]
    usage = usage_of(chunks[-1])
    assert usage is not None
    assert usage.output_tokens == len("".join(pieces).split())


async def test_without_streaming_it_says_the_same() -> None:
    passages = library("aripiprazole.md")
    bound = ExtractiveChatModel().bind(passages=passages, question=SIDE_EFFECTS)
    message = await bound.ainvoke("ignored", stream=False)
    assert message.text == quote_answer(SIDE_EFFECTS, passages)
    assert message.response_metadata["finish_reason"] == "stop"


async def test_it_goes_on_after_what_was_said() -> None:
    passages = library("aripiprazole.md")
    whole = "".join(await stream(ExtractiveChatModel(), passages, SIDE_EFFECTS))
    said = whole[:100]
    rest = "".join(await stream(ExtractiveChatModel(), passages, SIDE_EFFECTS, said))
    assert said + rest == whole


async def test_it_keeps_its_pace() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    pieces = await stream(
        ExtractiveChatModel(tokens_per_s=100), [passage("Cats sleep well.")], "Cats"
    )
    words = len([piece for piece in pieces if piece])
    assert loop.time() - began >= (words - 1) / 100


async def test_it_is_cancelled_at_once_and_lets_others_run() -> None:
    model = ExtractiveChatModel(tokens_per_s=0)
    long = [passage(" ".join(f"Cats sleep {n} hours{n}." for n in range(200)))]
    bound = model.bind(passages=long, question="cats")
    seen = 0

    async def read() -> None:
        nonlocal seen
        async for _ in bound.astream("ignored"):
            seen += 1

    task = asyncio.create_task(read())
    while seen < 3:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen < 10

"""Reasoning and answer are separated the same way wherever the text is cut."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.text.reasoning_blocks import Piece, ReasoningSplitter, split_reasoning, without_reasoning

TEXT = st.lists(
    st.sampled_from(
        [
            *("a", "word ", "\n", "<think>", "</think>", "<Thinking>", "</thinking>", "<", "</th"),
            *("`", "[2]", "[THINK]", "[/THINK]", "◁think▷", "Okay, ", "< b", "```\n", "x" * 300),
        ]
    ),
    max_size=12,
).map("".join)
CUTS = st.lists(st.integers(0, 2_000), max_size=12)


def read(pieces: list[str], splitter: ReasoningSplitter) -> tuple[str, str]:
    """Reasoning and answer as a reader has them at the end."""
    reasoning, answer = list[str](), list[str]()

    def take(decided: list[Piece]) -> None:
        nonlocal reasoning, answer
        for kind, text in decided:
            if kind == "retract":
                reasoning, answer = reasoning + answer, []
            else:
                (answer if kind == "text" else reasoning).append(text)

    for piece in pieces:
        take([Piece("text", piece)] if splitter.passes_through(piece) else splitter.feed(piece))
    take(splitter.close())
    return "".join(reasoning), "".join(answer)


@given(TEXT, CUTS)
def test_a_text_that_is_cut_anywhere_is_split_the_same(text: str, cuts: list[int]) -> None:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    whole = split_reasoning(text)
    assert read(pieces, ReasoningSplitter()) == (whole.reasoning, whole.answer)
    assert without_reasoning(text) == whole.answer


@pytest.mark.parametrize("cut", range(18))
def test_what_opened_a_block_that_is_not_in_the_text_may_be_any(cut: int) -> None:
    text = "Okay, </thinking>Yes"
    assert read([text[:cut], text[cut:]], ReasoningSplitter()) == ("Okay, ", "Yes")


@pytest.mark.parametrize("cut", range(17))
def test_a_block_that_turns_out_to_be_text_stays_as_it_was_written(cut: int) -> None:
    text = "Okay, <Thinking>"
    assert read([text[:cut], text[cut:]], ReasoningSplitter()) == ("", text)


@pytest.mark.parametrize("unit", ["\n", "<think>a</think>b", "</think>", "<", "<think", "okay "])
def test_work_grows_with_the_text(unit: str) -> None:
    """Eight times the text takes eight times as long, whole or in pieces; squared work 64 times."""

    def seconds(pieces: list[str]) -> float:
        took = []
        for _ in range(3):
            splitter, began = ReasoningSplitter(), time.thread_time()
            read(pieces, splitter)
            took.append(time.thread_time() - began)
        return min(took)

    for pieces in (lambda n: [unit * n], lambda n: [unit] * n):
        assert seconds(pieces(16_000)) <= 24 * max(0.001, seconds(pieces(2_000)))


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Okay, they ask [2].\n</think>\n\nYes [1].", "Yes [1]."),
        ("Okay. Yes [1].", "Okay. Yes [1]."),
        ("<think>a</think>\n<think>b</think>\nYes", "Yes"),
        ("<think>never closed [2]", ""),
        ("<|channel|>analysis<|message|>hm<|end|><|channel|>final<|message|>Yes", "Yes"),
        ("", ""),
    ],
)
def test_answers(text: str, answer: str) -> None:
    assert without_reasoning(text) == answer


def test_what_begins_as_thoughts_do_is_not_held_for_ever() -> None:
    splitter = ReasoningSplitter()
    shown = [splitter.feed(word) for word in ["Okay, ", *["word "] * 400]]
    held = shown.index(next(decided for decided in shown if decided))
    assert held < 130
    assert all(splitter.passes_through("word ") for _ in range(3))


def test_an_answer_that_begins_otherwise_is_not_held() -> None:
    splitter = ReasoningSplitter()
    pieces = [splitter.feed("According"), splitter.feed(" to")]
    assert pieces == [[Piece("text", "According")], [Piece("text", " to")]]


@pytest.mark.parametrize("piece", ["<", "</think", "<think>", "`<", "a<thi"])
def test_the_work_grows_with_the_text(piece: str) -> None:
    def steps(count: int) -> int:
        splitter, seen = ReasoningSplitter(), 0
        for _ in range(count):
            splitter.feed(piece)
            seen += len(splitter._pending)
        return seen

    assert steps(2_000) < 3 * steps(1_000) + 1_000

"""Runaway answers: the cost of citing stays linear and has a time limit."""

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Final

import pytest

from app.domain.models import Passage
from app.runs.citation_check import (
    LONG_ANSWER,
    MAX_CITATION_CHECK_S,
    cite_within_limit,
    find_citations,
)
from app.text.citations import MAX_CLAIM_WORDS, MAX_QUOTE_LENGTH, cite
from app.text.markers import code_spans, find_markers
from app.text.sentences import split_sentences
from app.text.tokens import norm, words

TEXT: Final = (
    "The grey heron is a tall bird. It weighs up to 2 kg, eats fish and is not afraid of water. "
    "Herons nest in trees from March.\n\n- They winter in Spain.\n- Young herons fly after 50 days."
)
PASSAGES: Final = tuple(
    Passage(f"p{number}", "s1", "Herons", "document", number, TEXT) for number in range(6)
)

RUNAWAYS: Final[dict[str, Callable[[int], str]]] = {
    "dots": lambda n: "." * n + "a [1]",
    "markers": lambda n: "[1]" * n,
    "markers with blanks": lambda n: "[1] " * n,
    "markers on lines": lambda n: "[1]\n" * n,
    "markers after a word": lambda n: "Herons [1] " * n,
    "markers after some words": lambda n: "herons nest in trees [1] and " * n,
    "a sentence again and again": lambda n: "Herons nest in trees. [1] " * n,
    "sentences of their own": lambda n: "".join(f"Herons weigh {i} kg. [1]\n" for i in range(n)),
    "every number": lambda n: "".join(f"Herons weigh {i} kg [{i % 9}]. " for i in range(n)),
    "a list of numbers": lambda n: "Herons nest [1" + ",1" * n + "]. ",
    "a list without an end": lambda n: "[1," * n,
    "one word": lambda n: "a" * 50 * n + " [1]",
    "a word again and again": lambda n: "herons " * n + "[1]",
    "negations": lambda n: "not " * min(n, MAX_CLAIM_WORDS - 1) + "a [1]. " * n,
    "a sentence without an end": lambda n: "the grey heron is a bird " * n + "[1]",
    "lines": lambda n: "\n" * 10 * n + "a [1]",
    "blanks": lambda n: " " * 10 * n + "a [1]",
    "initials": lambda n: "A. " * n + "[1]",
    "titles": lambda n: "Dr. Heron " * n + "[1]",
    "letters and dots": lambda n: "a." * n + " [1]",
    "a fence that is not closed": lambda n: "```\n" + "a [1]\n" * n,
    "fences": lambda n: "~~~\n```\n" * n + "a [1]",
    "backticks": lambda n: "".join("`" * (i % 200 + 1) + " " for i in range(n)) + "[1]",
    "quotations in quotations": lambda n: ">" * n + " a [1]",
    "lists in lists": lambda n: "- " * n + "a [1]",
    "brackets in brackets": lambda n: "[" * n + "1" + "]" * n,
    "stars": lambda n: "**_" * n + "a [1]",
}


MEASURABLE_S: Final = 0.001


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Looking for garbage takes as long as there are objects in other tests."""
    gc.disable()
    yield
    gc.enable()


def read(answer: str) -> None:
    """Everything but the comparisons, which are counted below."""
    left = len(find_markers(answer))
    asked = count()
    cite(answer, PASSAGES, time_left=lambda: next(asked) < left)


def processor_s(work: Callable[[str], object], answer: str) -> float:
    """The minimum of three tries: load can only make a measurement longer."""
    took = []
    for _ in range(3):
        began = time.thread_time()
        work(answer)
        took.append(time.thread_time() - began)
    return min(took)


@pytest.mark.parametrize("name", RUNAWAYS)
@pytest.mark.usefixtures("no_collector")
def test_reading_grows_with_the_answer(name: str) -> None:
    """Eight times the answer takes eight times as long; quadratic work takes 64 times."""
    make, size = RUNAWAYS[name], 1_000
    once = processor_s(read, make(size))
    assert processor_s(read, make(8 * size)) <= 24 * max(once, MEASURABLE_S)


@pytest.mark.parametrize("name", RUNAWAYS)
def test_comparisons_grow_with_the_answer(name: str) -> None:
    def steps(size: int) -> int:
        asked = count()
        cite(RUNAWAYS[name](size), PASSAGES, time_left=lambda: next(asked) >= 0)
        return next(asked)

    assert steps(400) <= 2 * steps(200) + 200


def test_what_is_said_again_is_compared_once() -> None:
    assert steps_of("Herons nest in trees from March. [1] " * 500) < 500 + 20


def steps_of(answer: str) -> int:
    asked = count()
    cite(answer, PASSAGES, time_left=lambda: next(asked) >= 0)
    return next(asked)


def seconds(*readings: float) -> Callable[[], float]:
    """A clock that returns these readings, and then the last one forever."""
    left: Iterator[float] = iter(readings)
    last = [0.0]

    def read() -> float:
        last[0] = next(left, last[0])
        return last[0]

    return read


ANSWER: Final = "Herons nest in trees from March. [1] Young herons fly after 50 days. [2] Yes. [9]"


def test_without_time_everything_is_quoted_and_nothing_checked() -> None:
    first, second, unknown = cite_within_limit(
        ANSWER, PASSAGES, clock=seconds(0, MAX_CITATION_CHECK_S)
    )
    for citation in (first, second):
        assert (citation.verified, citation.support) == (False, None)
        assert citation.quote == TEXT[citation.quote_start : citation.quote_end]
        assert 0 < len(citation.quote or "") <= MAX_QUOTE_LENGTH
    assert (unknown.passage_id, unknown.support) == (None, "no passage has this number")


def test_with_time_everything_is_checked() -> None:
    citations = cite_within_limit(ANSWER, PASSAGES, clock=seconds(0, MAX_CITATION_CHECK_S / 2))
    assert [c.verified for c in citations] == [True, True, False]


@pytest.mark.parametrize("steps", range(30))
def test_time_may_end_at_any_step(steps: int) -> None:
    """A citation is verified or refuted only by comparisons that were made."""
    whole = {c.marker: c for c in cite(ANSWER, PASSAGES)}
    asked = count()
    for citation in cite(ANSWER, PASSAGES, time_left=lambda: next(asked) < steps):
        if citation.support is None:
            assert not citation.verified
            assert citation.quote
        else:
            assert citation == whole[citation.marker]


def test_what_was_found_unsupported_stays_so_when_the_time_ends() -> None:
    answer = "Young herons fly after 9 days. [1] Herons nest in trees from March. [1]"
    enough = 2 + len(split_sentences(TEXT)) * 8
    asked = count()
    [citation] = cite(answer, PASSAGES, time_left=lambda: next(asked) < enough)
    assert "9" in (citation.support or "")


def test_a_sentence_that_is_too_long_to_compare_is_quoted_and_not_checked() -> None:
    answer = "herons " * (MAX_CLAIM_WORDS + 1) + "[1]. Herons nest in trees from March [2]."
    long, short = cite(answer, PASSAGES)
    assert (long.verified, long.support) == (False, None)
    assert short.verified


def test_long_words_are_not_kept() -> None:
    kept = norm.cache_info().currsize
    assert words("heron" * 40_000)[0].norm == "heron" * 40_000
    assert norm.cache_info().currsize == kept


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("a `b` c", ["`b`"]),
        ("`` a ` b `` c `d`", ["`` a ` b ``", "`d`"]),
        ("` a `` b", []),
        ("` `` ` ``", ["` `` `"]),
    ],
)
def test_inline_code_is_closed_by_the_next_run_of_its_length(text: str, spans: list[str]) -> None:
    assert [text[start:end] for start, end in code_spans(text)] == spans
    assert find_markers("[1] " + text.replace("b", "[2]"))[0].numbers == (1,)


async def test_a_long_answer_is_cited_beside_the_others() -> None:
    """Not before them, and never by more than one thread: neither holds the event loop."""
    release = threading.Event()
    threads: list[str] = []

    def slow(text: str, passages: tuple[Passage, ...]) -> tuple[()]:
        threads.append(threading.current_thread().name)
        if len(text) >= LONG_ANSWER:
            release.wait(30)
        return ()

    runaways = [
        asyncio.ensure_future(find_citations(slow, "a" * LONG_ANSWER, PASSAGES)) for _ in range(3)
    ]
    assert await find_citations(slow, "Herons.", PASSAGES) == ()
    assert not any(task.done() for task in runaways)
    release.set()
    await asyncio.gather(*runaways)
    assert len(set(threads)) == 2


def test_the_limit_counts_the_time_of_its_own_thread() -> None:
    """A busy machine changes no verdict."""
    began = time.thread_time()
    time.sleep(0.01)
    assert time.thread_time() - began < 0.01
    assert cite_within_limit.__kwdefaults__ == {"clock": time.thread_time}

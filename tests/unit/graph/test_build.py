"""FR-005, FR-009, M10, M12: grading, follow-ups, markers, refusals and the graph as a whole."""

import gc
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.language_models import FakeListChatModel
from langchain_core.messages import BaseMessage

from app.domain.conversation_models import StageRecord
from app.domain.events import Stage, Token
from app.domain.models import (
    Candidate,
    Correction,
    Filters,
    Passage,
    Reading,
    Reranked,
    SearchResult,
    Turn,
)
from app.domain.ports import Reranker, Upstream, current_upstream
from app.domain.principals import LOCAL, Principal
from app.domain.token_estimate import estimated_tokens
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.grading import (
    MAX_BONUS,
    NO_BONUS,
    SMALL_LIBRARY_PASSAGES,
    Bonus,
    by_model,
    by_score,
    by_score_of_each,
    confidence,
    probability,
    size_bonus,
)
from app.graph.marker_buffer import MarkerBuffer
from app.graph.model_replies import relevant_numbers
from app.graph.model_replies import search_query as rewritten_query
from app.graph.nodes.generate import Answerer
from app.graph.nodes.plan import Planner
from app.graph.prompts import EARLIER_ANSWER_TOKENS, EARLIER_TOKENS, INTERRUPTED, answer_messages
from app.graph.query_contextualization import is_follow_up
from app.graph.refusal import refusal
from app.graph.state import Judge
from app.llm.answering import answer_text
from app.runs.ports import EngineResult, Evidence, Question
from tests.fakes.word_lookup import FixedWords
from tests.harness.memory_library import MemoryLibrary, no_similarity

NOW = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
QUESTION = Question(
    run_id="r",
    session_id="s",
    message_id="m",
    principal=LOCAL,
    text="What are the side effects of aripiprazole?",
    filters=Filters(),
)


def candidate(name: str = "p1", *, cosine: float = 0.7, coverage: float = 0.9) -> Candidate:
    passage = Passage(
        passage_id=name,
        source_id="src",
        title="Aripiprazole",
        kind="document",
        position=0,
        text="Common side effects include nausea.",
    )
    return Candidate(passage, score=0.8, cosine=cosine, bm25=3.0, coverage=coverage)


def reranked_as(
    found: Candidate, *, proximity: float = 0.5, maxsim: float = 0.5, mean_cosine: float = 0.25
) -> Candidate:
    return replace(
        found,
        proximity=proximity,
        maxsim=maxsim,
        rare_maxsim=maxsim,
        token_similarity=maxsim,
        mean_cosine=mean_cosine,
    )


CLEAR = candidate("clear")
GREY = candidate("grey", cosine=0.45, coverage=0.55)
POOR = candidate("poor", cosine=0.4, coverage=0.3)
OFF = candidate("off", cosine=0.1, coverage=0.0)


class FixedSearch:
    """A library that answers each search with the next result."""

    def __init__(self, *results: Sequence[Candidate]) -> None:
        self.results = list(results)
        self.queries: list[str] = []
        self.reading: Reading | None = None
        self.passages = 1_200
        self.corrected: tuple[Correction, ...] = ()
        self.unknown: tuple[str, ...] = ()

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        self.queries.append(query)
        found = self.results.pop(0) if len(self.results) > 1 else self.results[0]
        return SearchResult(
            tuple(found),
            searched_passages=self.passages,
            searched_sources=3,
            reading=self.reading,
            corrected=self.corrected,
            unknown=self.unknown,
        )


class SameOrder:
    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        return Reranked(tuple(candidates))


def engine(
    search: FixedSearch,
    *,
    judge: Judge | None = None,
    reply: str = "Nausea [1].",
    reranker: Reranker | None = None,
    expect: Callable[[str], None] = lambda text: None,
    words: FixedWords | None = None,
    answerer: Answerer | None = None,
    normalize_markers: bool = True,
    library: MemoryLibrary | None = None,
    max_prompt_tokens: Callable[[], int | None] = lambda: None,
) -> GraphEngine:
    model = FakeListChatModel(responses=[reply])

    async def answer(
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        async for _ in model.astream(list(messages)):
            pass
        return EngineResult("stop", None), ""

    ticks = iter(range(10_000))
    graph = build_graph(
        planner=Planner(
            library=library or MemoryLibrary(),
            search=search,
            similarity=no_similarity,
            quotes_only=judge is None,
            answers_by="Answers are quoted.",
            clock=lambda: float(next(ticks)),
        ),
        search=search,
        words=words or FixedWords(),
        reranker=reranker or SameOrder(),
        answerer=answerer or answer,
        judge=judge,
        clock=lambda: float(next(ticks)),
    )
    return GraphEngine(
        graph,
        model_name="fake",
        now=lambda: NOW,
        text_of=answer_text,
        expect=expect,
        normalize_markers=normalize_markers,
        max_prompt_tokens=max_prompt_tokens,
    )


async def run(
    made: GraphEngine, question: Question = QUESTION
) -> tuple[list[Stage | Token], EngineResult, Evidence]:
    evidence = Evidence()
    items: list[Stage | Token] = []
    ended: EngineResult | None = None
    async with aclosing(made.answer(question, evidence)) as answer:
        async for item in answer:
            if isinstance(item, EngineResult):
                ended = item
            else:
                items.append(item)
    assert ended is not None
    return items, ended, evidence


def types(items: Sequence[Stage | Token]) -> list[str]:
    return list(dict.fromkeys(item.type for item in items))


def text_of(items: Sequence[Stage | Token]) -> str:
    return "".join(item.content for item in items if isinstance(item, Token))


async def test_clear_evidence_is_answered_without_asking_the_judge() -> None:
    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        raise AssertionError("asked")

    upstream = Upstream()
    current_upstream.set(upstream)
    items, ended, evidence = await run(engine(FixedSearch([CLEAR, GREY, OFF]), judge=judge))
    assert types(items) == [
        *("retrieval_start", "retrieval_complete", "reranking_start", "reranking_complete"),
        *("grading_start", "grading_complete", "generation_start", "token"),
    ]
    assert text_of(items) == "Nausea [1]."
    assert ended == EngineResult("stop", None)
    assert [p.passage_id for p in evidence.passages] == ["clear", "grey"]
    assert upstream.deltas == len("Nausea [1].")  # this fake streams characters


def test_only_what_will_be_searched_as_it_is_asked_is_expected() -> None:
    expected: list[str] = []
    made = engine(FixedSearch([CLEAR]), expect=expected.append)
    made.expect("What are the side effects of aripiprazole?")
    made.expect("And how often?")
    made.expect("what is the dose of warfarin and who must not take it?")
    assert expected == [
        "What are the side effects of aripiprazole?",
        "What is the dose of warfarin?",
    ]


async def test_what_is_not_used_is_let_go_while_the_answer_streams() -> None:
    others = [candidate(f"other {number}", cosine=0.1, coverage=0.0) for number in range(40)]
    made = engine(FixedSearch([candidate("used"), *others], []))
    del others
    async with aclosing(made.answer(QUESTION, Evidence())) as items:
        async for item in items:
            if isinstance(item, Token):
                break
        held = [one for one in gc.get_objects() if isinstance(one, Candidate)]
    names = {one.passage.passage_id for one in held}
    assert "used" in names
    assert not [name for name in names if name.startswith("other")]


async def test_nothing_but_off_topic_passages_is_refused_in_tokens() -> None:
    items, ended, evidence = await run(engine(FixedSearch([OFF])))
    assert ended.finish_reason == "no_evidence"
    assert "1,200 passages from 3 sources" in text_of(items)
    assert "The nearest passages are in “Aripiprazole”." in text_of(items)
    assert evidence.passages == ()


async def test_doubtful_evidence_is_judged_and_the_judge_never_speaks_in_the_answer() -> None:
    asked: list[str] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        asked.append(str(messages[-1].content))
        return 'Sure! {"relevant": [2], "answerable": true}'

    items, _, evidence = await run(engine(FixedSearch([POOR, GREY]), judge=judge))
    assert len(asked) == 1
    assert [p.passage_id for p in evidence.passages] == ["grey"]
    assert "relevant" not in text_of(items)


async def test_evidence_that_the_judge_rejects_is_searched_again_at_most_twice() -> None:
    replies = ['{"relevant": []}', "aripiprazole adverse effects", '{"relevant": []}']
    replies += ["abilify nausea", '{"relevant": []}']

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return replies.pop(0)

    search = FixedSearch([GREY])
    items, ended, _ = await run(engine(search, judge=judge))
    assert search.queries == [QUESTION.text, "aripiprazole adverse effects", "abilify nausea"]
    assert ended.finish_reason == "no_evidence"
    rewritten = [item.content.query for item in items if item.type == "rewriting_complete"]
    assert rewritten == search.queries[1:]


@pytest.mark.parametrize("reply", [None, "I think so", '{"relevant": "all"}'])
async def test_a_judge_that_cannot_be_understood_leaves_it_to_the_scores(
    reply: str | None,
) -> None:
    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return reply

    items, _, evidence = await run(engine(FixedSearch([GREY, POOR]), judge=judge))
    assert [p.passage_id for p in evidence.passages] == ["grey", "poor"]
    assert "rewriting_start" not in types(items)


async def test_a_continued_answer_begins_with_its_text_and_keeps_its_numbers() -> None:
    first, _, _ = await run(engine(FixedSearch([CLEAR])))
    stored = tuple(
        StageRecord(item.type, item.content.model_dump(mode="json"))
        for item in first
        if not isinstance(item, Token)
    )
    question = replace(QUESTION, continues="Nausea is", reused_evidence=stored)
    search = FixedSearch([OFF])
    items, ended, evidence = await run(engine(search, reply=" common [1]."), question)
    assert text_of(items) == "Nausea is common [1]."
    assert [p.passage_id for p in evidence.passages] == ["clear"]
    assert search.queries == []
    assert ended.finish_reason == "stop"


def test_an_interrupted_turn_enters_the_prompt_once_and_is_marked() -> None:
    turn = Turn("First question?", "Half an ans", interrupted=True)
    prompt = "\n".join(
        str(message.content)
        for message in answer_messages(replace(QUESTION, history=(turn,)), [CLEAR])
    )
    assert prompt.count("First question?") == 1
    assert prompt.count("Half an ans") == 1
    assert prompt.count(INTERRUPTED) == 1


def test_a_long_earlier_answer_is_cut() -> None:
    turn = Turn("First question?", "a" * 50_000, interrupted=False)
    messages = answer_messages(replace(QUESTION, history=(turn,)), [CLEAR])
    assert len(str(messages[2].content)) == 4 * EARLIER_ANSWER_TOKENS + 2


@pytest.mark.parametrize(
    ("question", "leans"),
    [
        ("And in children?", True),
        ("What about its dose?", True),
        ("Why?", True),
        ("What are the side effects of aripiprazole?", False),
        ("Which company was chosen for the extension of the battery bank?", False),
        ("Is there insulin in the emergency kit?", False),
    ],
)
def test_follow_ups_are_recognised(question: str, leans: bool) -> None:
    assert is_follow_up(question) is leans


ASKED_BEFORE = (
    Turn("What are the side effects of aripiprazole?", "Nausea [1].", interrupted=False),
)


async def test_search_judge_and_quotes_get_the_question_in_full_words() -> None:
    prompts: list[str] = []
    asked: list[str] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        prompts.append(str(messages[-1].content))
        return '{"relevant": [1]}'

    async def written(
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        asked.append(question.text)
        return EngineResult("stop", None), "Quoted [1]."

    search, words = FixedSearch([GREY]), FixedWords()
    question = replace(QUESTION, text="And of sertraline?", history=ASKED_BEFORE)
    await run(engine(search, judge=judge, words=words, answerer=written), question)
    whole = "What are the side effects of sertraline?"
    assert search.queries == [whole]
    assert asked == [whole]
    assert prompts[-1].endswith(f"Question: {whole}")
    assert words.lookups == [
        (["sertraline", "side", "effects", "aripiprazole"], ["side", "effects", "aripiprazole"])
    ]


async def test_a_complete_question_looks_nothing_up_and_asks_no_model() -> None:
    prompts: list[str] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        prompts.append(str(messages[-1].content))
        return None

    search, words = FixedSearch([CLEAR]), FixedWords()
    question = replace(
        QUESTION, text="How is warfarin therapy monitored in large hospitals?", history=ASKED_BEFORE
    )
    await run(engine(search, judge=judge, words=words), question)
    assert search.queries == [question.text]
    assert (words.lookups, prompts) == ([], [])


@pytest.mark.parametrize(
    ("reply", "query"),
    [
        ("Who decided on the side effects?", "Who decided on the side effects?"),
        (None, "Who decided that: What are the side effects of aripiprazole?"),
        ("", "Who decided that: What are the side effects of aripiprazole?"),
    ],
)
async def test_the_model_is_asked_once_where_the_rules_have_to_guess(
    reply: str | None, query: str
) -> None:
    prompts: list[str] = []

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        prompts.append(str(messages[-1].content))
        return reply

    search = FixedSearch([CLEAR])
    await run(
        engine(search, judge=judge),
        replace(QUESTION, text="Who decided that?", history=ASKED_BEFORE),
    )
    assert search.queries == [query]
    assert prompts == ["Follow-up question: Who decided that?"]


async def test_a_continued_quote_answers_the_same_question() -> None:
    asked: list[str] = []

    async def written(
        messages: Sequence[BaseMessage],
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        asked.append(question.text)
        return EngineResult("stop", None), "Quoted [1]."

    first = replace(QUESTION, text="And of sertraline?", history=ASKED_BEFORE)
    items, _, _ = await run(engine(FixedSearch([CLEAR]), answerer=written), first)
    stored = tuple(
        StageRecord(item.type, item.content.model_dump(mode="json"))
        for item in items
        if not isinstance(item, Token)
    )
    again = replace(first, continues="Quoted", reused_evidence=stored)
    await run(engine(FixedSearch([OFF]), answerer=written), again)
    assert asked == ["What are the side effects of sertraline?"] * 2


async def test_corrections_are_said_and_kept_for_the_next_nodes() -> None:
    search = FixedSearch([CLEAR])
    search.corrected = (Correction(typed="aripiprazol", searched="aripiprazole"),)
    question = replace(QUESTION, text="side effects of aripiprazol in adults and children")
    items, _, _ = await run(engine(search), question)
    [found] = [item for item in items if item.type == "retrieval_complete"]
    assert found.content.corrected == search.corrected
    assert found.content.query == "side effects of aripiprazole in adults and children"
    plain, _, _ = await run(engine(FixedSearch([CLEAR])))
    [found] = [item for item in plain if item.type == "retrieval_complete"]
    assert "corrected" not in found.content.model_dump(mode="json")


def test_a_closer_look_decides_between_candidates_that_look_the_same() -> None:
    said = reranked_as(GREY, proximity=1.0, maxsim=0.7)
    scattered = reranked_as(GREY, proximity=0.2, maxsim=0.3)
    assert probability(said) > 0.9 > 0.2 > probability(scattered)
    assert probability(scattered) < probability(GREY) < probability(said)
    assert confidence([scattered, said]) == probability(said)
    assert confidence([]) == 0
    assert by_score([said, scattered], force=True).decision == "answer"
    assert by_score([scattered], force=True).decision == "refuse"


def test_a_library_that_speaks_of_such_things_and_a_recording_make_evidence_likelier() -> None:
    document = reranked_as(GREY)
    assert probability(reranked_as(GREY, mean_cosine=0.35)) > probability(document)
    recording = replace(document, passage=replace(document.passage, kind="recording"))
    assert probability(recording) > probability(document)


def test_a_name_that_no_passage_resembles_is_refused_unless_a_model_finds_otherwise() -> None:
    near = reranked_as(CLEAR, maxsim=0.46)
    lacks = replace(near, missing_share=0.4)
    assert by_score([near], force=True).decision == "answer"
    assert probability(replace(near, missing_share=0.3)) == probability(near)
    assert by_score([lacks, lacks], force=True).decision == "refuse"
    assert by_score([lacks], force=False).decision == "unsure"  # never refused unread by a model
    assert probability(lacks, Bonus(4.0, is_filtered=True)) == pytest.approx(
        probability(near)
    )  # of a source that was chosen
    best = reranked_as(CLEAR, proximity=1.0, maxsim=0.7)
    assert by_score([replace(best, missing_share=0.4)], force=True).decision == "answer"
    graded = by_score([lacks], force=True).graded
    assert graded[0].reason.endswith("a rare word of it is nowhere near")
    assert probability(replace(OFF, missing_share=0.4)) == probability(OFF)


async def test_what_names_a_thing_that_no_source_has_is_refused_unless_a_model_answers() -> None:
    search = FixedSearch([CLEAR])
    search.unknown = ("Clozapine",)
    items, ended, _ = await run(engine(search))
    assert ended.finish_reason == "no_evidence"
    assert "The nearest passages are in “Aripiprazole”." in text_of(items)
    reason = by_score([CLEAR], force=True, unknown=search.unknown).graded[0].reason
    assert reason == "no source has “Clozapine”"
    assert by_score([CLEAR], force=False, unknown=search.unknown).decision == "unsure"
    several = by_score_of_each(
        [CLEAR, GREY], [[CLEAR], [GREY]], unknown=[search.unknown, ()], force=True
    )
    assert [one.passage.passage_id for one in several.kept] == ["grey"]


@pytest.mark.parametrize(
    ("ranked", "decision", "kept"),
    [
        ([CLEAR, POOR, OFF], "answer", ["clear", "poor"]),
        ([GREY, POOR, OFF], "answer", ["grey", "poor"]),
        ([POOR], "refuse", []),
        ([OFF], "refuse", []),
        ([], "refuse", []),
    ],
)
def test_grades_by_score(ranked: list[Candidate], decision: str, kept: list[str]) -> None:
    grade = by_score(ranked, force=True)
    assert grade.decision == decision
    assert [c.passage.passage_id for c in grade.kept] == kept
    assert len(grade.graded) == len(ranked)


def test_a_filter_that_leaves_few_passages_leans_towards_an_answer() -> None:
    chosen = Filters(source_ids=("src",))
    odds = [size_bonus(chosen, count).odds for count in (50, 500, 5_000)]
    assert odds == sorted(odds, reverse=True)
    assert odds[-1] == 0
    assert size_bonus(chosen, 1) == size_bonus(chosen, 2) == Bonus(MAX_BONUS, is_filtered=True)
    assert size_bonus(chosen, 0) == NO_BONUS


def test_a_small_library_leans_towards_an_answer_but_not_to_foreign_topics() -> None:
    odds = [size_bonus(Filters(), count).odds for count in (20, 50, SMALL_LIBRARY_PASSAGES)]
    assert odds == sorted(odds, reverse=True)
    assert odds[-1] == size_bonus(Filters(), 10_000).odds == 0
    small = size_bonus(Filters(), 20)
    near = reranked_as(GREY)
    assert probability(near, small) > probability(near)
    good = replace(reranked_as(CLEAR, maxsim=0.46), missing_share=0.4)
    assert probability(good, small) > probability(good)
    poor = reranked_as(GREY, maxsim=0.4)
    for foreign in (replace(poor, missing_share=0.4), replace(OFF, missing_share=0.4)):
        assert probability(foreign, small) == probability(foreign)


async def test_a_source_that_was_chosen_answers_what_a_library_would_refuse() -> None:
    everything, _, _ = await run(engine(FixedSearch([POOR])))
    assert "found nothing that answers the question" in text_of(everything)
    chosen = replace(QUESTION, filters=Filters(source_ids=("src",)))
    search = FixedSearch([POOR])
    search.passages = 12
    _, ended, evidence = await run(engine(search), chosen)
    assert (ended.finish_reason, len(evidence.passages)) == ("stop", 1)
    _, ended, _ = await run(engine(FixedSearch([OFF])), chosen)
    assert ended.finish_reason == "no_evidence"


def test_only_a_grey_band_leaves_room_for_a_judge() -> None:
    assert by_score([GREY], force=False).decision == "unsure"
    assert by_score([CLEAR], force=False).decision == "answer"
    assert by_score([OFF], force=False).decision == "refuse"
    assert by_model([GREY], "no list here") is None


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        (Filters(), "nothing that answers"),
        (Filters(source_ids=("a",)), "1 chosen source"),
        (Filters(tags=("x",)), "to sources tagged x,"),
        (Filters(kinds=("recording",), tags=("x", "y")), "recordings, tagged x or y"),
        (
            Filters(after=date(2026, 11, 1), before=date(2026, 11, 21)),
            "sources added since 2026-11-01 and before 2026-11-21",
        ),
    ],
)
def test_a_refusal_names_what_was_searched(filters: Filters, words: str) -> None:
    found = SearchResult((), searched_passages=1, searched_sources=1)
    text = refusal(found, filters)
    assert words in text
    assert "1 passage from 1 source" in text


async def test_a_refusal_under_a_filter_says_how_much_it_hides() -> None:
    filtered = replace(QUESTION, filters=Filters(kinds=("recording",)))
    items, ended, _ = await run(engine(FixedSearch([OFF], [CLEAR, GREY, OFF])), filtered)
    graded = next(item for item in items if item.type == "grading_complete")
    assert graded.content.outside_filter == 2
    assert "Outside that filter 2 passages may" in text_of(items)
    assert ended.finish_reason == "no_evidence"
    items, _, _ = await run(engine(FixedSearch([OFF])), filtered)
    assert "found nothing either" in text_of(items)


async def test_a_note_about_the_order_is_told() -> None:
    class Failing:
        async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
            return Reranked(tuple(candidates), note="the built-in order holds")

    items, _, _ = await run(engine(FixedSearch([CLEAR]), reranker=Failing()))
    told = next(item for item in items if item.type == "reranking_complete")
    assert told.content.model_dump()["note"] == "the built-in order holds"
    items, _, _ = await run(engine(FixedSearch([CLEAR])))
    told = next(item for item in items if item.type == "reranking_complete")
    assert "note" not in told.content.model_dump()


async def test_what_the_judge_refused_does_not_count_as_hidden() -> None:
    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return '{"relevant": []}'

    search = FixedSearch([GREY], [GREY], [GREY], [GREY, CLEAR])
    search.passages = 5_000  # in which nothing is looked for more leniently
    filtered = replace(QUESTION, filters=Filters(after=date(2026, 11, 1)))
    items, _, _ = await run(engine(search, judge=judge), filtered)
    graded = [item for item in items if item.type == "grading_complete"]
    assert graded[-1].content.outside_filter == 1


READING = Reading(done=7, total=19)
STILL_READING = (
    "Your library is still being read: 7 of 19 files so far. Ask again when it is complete."
)


async def test_an_answer_says_that_the_library_is_still_being_read() -> None:
    search = FixedSearch([CLEAR])
    search.reading = READING
    items, _, _ = await run(engine(search, reply="Nausea [1"))
    assert text_of(items) == f"Nausea [1\n\n{STILL_READING}"
    found = next(item for item in items if item.type == "retrieval_complete")
    assert found.content.model_dump()["reading"] == {"done": 7, "total": 19}
    chosen = replace(QUESTION, filters=Filters(source_ids=("src",)))
    items, _, _ = await run(engine(search), chosen)
    assert text_of(items) == "Nausea [1]."


async def test_a_library_that_is_complete_is_not_spoken_of() -> None:
    items, _, _ = await run(engine(FixedSearch([CLEAR])))
    assert text_of(items) == "Nausea [1]."
    found = next(item for item in items if item.type == "retrieval_complete")
    assert "reading" not in found.content.model_dump()


async def test_a_refusal_says_that_the_library_is_still_being_read() -> None:
    search = FixedSearch([OFF])
    search.reading = READING
    items, ended, _ = await run(engine(search))
    assert ended.finish_reason == "no_evidence"
    assert text_of(items) == (
        "I searched 1,200 passages from 3 sources and found nothing that answers the question. "
        f"The nearest passages are in “Aripiprazole”. {STILL_READING}"
    )


def test_an_empty_library_that_is_being_read_is_not_said_to_be_empty() -> None:
    nothing = SearchResult((), searched_passages=0, searched_sources=0, reading=READING)
    text = refusal(nothing, Filters())
    assert text == f"I can't answer that yet: no source has been read so far. {STILL_READING}"
    filtered = refusal(nothing, Filters(kinds=("recording",)))
    assert "nothing in your library that has been read so far matches" in filtered
    assert filtered.endswith(STILL_READING)


def test_an_empty_library_says_so() -> None:
    nothing = SearchResult((), searched_passages=0, searched_sources=0)
    assert "no sources in your library" in refusal(nothing, Filters())
    assert "matches the filter" in refusal(nothing, Filters(kinds=("recording",)))


@given(st.lists(st.text(alphabet="ab [123]`\n", max_size=6), max_size=20))
def test_markers_are_withheld_but_never_changed(pieces: list[str]) -> None:
    hold = MarkerBuffer()
    shown = [hold.feed(piece) for piece in pieces]
    shown.append(hold.flush())
    assert "".join(shown) == "".join(pieces)


@pytest.mark.parametrize(
    ("pieces", "shown"),
    [
        (["a [", "1", "] b"], ["a ", "", "[1] b"]),
        (["a [12", "3", "4"], ["a ", "", "[1234"]),
        (["`a [", "1]`"], ["`a [", "1]`"]),
        (["plain"], ["plain"]),
    ],
)
def test_only_an_unfinished_marker_outside_code_waits(pieces: list[str], shown: list[str]) -> None:
    hold = MarkerBuffer()
    assert [hold.feed(piece) for piece in pieces] == shown


@pytest.mark.parametrize(
    ("reply", "numbers"),
    [
        ('<think>{"relevant": [1]}?</think>{"relevant": [2]}', {2}),
        ('{"relevant": [1]}\nNo, wait.\n{"relevant": [2]}', {2}),
        ('Let me see: {"relevant": [1]}\n</think>\n\n{"relevant": [2]}', {2}),
        ('```json\n{\n  "relevant": [\n    1,\n    2\n  ],\n  "answerable": true\n}\n```', {1, 2}),
        ('{"relevant": ["1", "2"]}', {1, 2}),
        ('{"relevant": ["passage 2"]}', {2}),
        ("{'relevant': [1]}", {1}),
        ('{"relevant": [1], "irrelevant": [2]}', {1}),
        ('{"relevant_passages": [1]}', {1}),
        ("**Relevant**: [1]", {1}),
        ("[1, 2]", {1, 2}),
        ("```json\n[2]\n```", {2}),
        ('{"relevant": 2}', {2}),
        ('{"relevant": [ ]}', set()),
        ('{"relevant": null}', set()),
        ('{"relevant": [7]}', None),
        ('{"relevant": "all"}', None),
        ('<think>{"relevant": [1]}', None),
        ("Passage [1] speaks of it.", None),
        ("", None),
    ],
)
def test_a_verdict_is_read_however_it_is_dressed(reply: str, numbers: set[int] | None) -> None:
    assert relevant_numbers(reply, passages=2) == numbers


@pytest.mark.parametrize(
    "reply",
    [
        "abilify nausea",
        '"abilify nausea"',
        "<think>\nThey mean [2].\n</think>\n\nabilify nausea",
        "Okay, a query.\n</think>\nabilify nausea",
        "Here is the query:\nabilify nausea",
        "Here is the query: abilify nausea",
        "Sure! Here's a search query for it:\n\n**abilify nausea**\n\nIt adds a synonym.",
        "Query: abilify nausea",
        "**Search query:** `abilify nausea`",
        "I should name the drug.\nSearch query: abilify nausea",
        "```\nabilify nausea\n```",
        '```json\n{"query": "abilify nausea"}\n```',
        "1. abilify nausea\n2. aripiprazole",
        "- abilify nausea",
    ],
)
def test_a_query_is_read_however_it_is_dressed(reply: str) -> None:
    assert rewritten_query(reply) == "abilify nausea"


@pytest.mark.parametrize("reply", ["", "<think>", "<think>and so on", "Here it is:", "x" * 501])
def test_what_is_no_query_is_none(reply: str) -> None:
    assert rewritten_query(reply) == ""


async def test_a_rewrite_that_finds_nothing_replaces_nothing() -> None:
    replies = ['{"relevant": []}', "something else", '{"relevant": []}', "other", "[]"]

    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return replies.pop(0)

    for found in ([OFF], [], [POOR]):
        items, ended, evidence = await run(engine(FixedSearch([GREY, POOR], found), judge=judge))
        replies[:0] = ['{"relevant": []}', "something else", '{"relevant": []}', "other", "[]"]
        assert ended.finish_reason == "stop", found
        assert [p.passage_id for p in evidence.passages] == ["grey", "poor"]
        graded = [item for item in items if item.type == "grading_complete"]
        assert (graded[-1].content.decision, graded[-1].content.judge) == ("answer", "score")


async def test_a_judge_that_does_not_answer_refuses_nothing() -> None:
    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return None

    items, ended, evidence = await run(engine(FixedSearch([POOR, OFF]), judge=judge))
    assert ended.finish_reason == "stop"
    assert [p.passage_id for p in evidence.passages] == ["poor"]
    assert "rewriting_start" not in types(items)


def test_roles_alternate_in_every_prompt() -> None:
    history = (Turn("One?", "", interrupted=True), Turn("Two?", "", interrupted=False))
    for continues in (None, "Nausea is"):
        question = replace(QUESTION, history=history, continues=continues)
        messages = answer_messages(question, [CLEAR])
        assert [m.type for m in messages] == ["system", *["human", "ai"] * 2, "human"]
        assert all(str(message.content).strip() for message in messages)
        assert QUESTION.text in str(messages[-1].content)
        assert (continues or "") in str(messages[-1].content)


def test_earlier_turns_are_counted_in_tokens_and_the_oldest_go_first() -> None:
    history = tuple(Turn(f"{n} 質問" * 900, "答え。" * 900, interrupted=False) for n in range(6))
    messages = answer_messages(replace(QUESTION, history=history), [CLEAR])
    earlier = [str(message.content) for message in messages[1:-1]]
    assert sum(map(estimated_tokens, earlier)) <= EARLIER_TOKENS
    assert earlier[-2] == history[-1].question
    assert len(earlier) == 4


async def test_a_first_result_that_found_nothing_is_not_brought_back() -> None:
    async def judge(messages: Sequence[BaseMessage]) -> str | None:
        return '{"relevant": []}'

    _, ended, _ = await run(engine(FixedSearch([POOR], [OFF]), judge=judge))
    assert ended.finish_reason == "no_evidence"


def test_thoughts_of_earlier_answers_stay_out_of_the_prompt() -> None:
    turn = Turn(
        "First question?", "<think>perhaps [2]</think>\n\nAn answer [1].", interrupted=False
    )
    prompt = [str(m.content) for m in answer_messages(replace(QUESTION, history=(turn,)), [CLEAR])]
    assert prompt[2] == "An answer [1]."


FORMS = {
    "a 【1】 b": "a [1] b",
    "a【1†source】.": "a[1].",
    "a 【1:0†source】": "a [1]",
    "a ［1］": "a [1]",
    "a [１]": "a [1]",
    "a [1-3].": "a [1][2][3].",
    "a [1–2]": "a [1][2]",
    "a [1; 2]": "a [1][2]",
    "a [1, 2]": "a [1][2]",
    "a [1,3]": "a [1][3]",
    "a [1 and 2]": "a [1][2]",
    "a[^1] b": "a[1] b",
    "a [^1^]": "a [1]",
    "a [citation:1]": "a [1]",
    "a [citation: 1, 3]": "a [1][3]",
    "a [Source 1, Source 2]": "a [1][2]",
    "a [ 1 ]": "a [1]",
    "a 【1】【2】": "a [1][2]",
    # Unchanged: out of range, in code, links, notes, and what is no marker.
    "a [9]": "a [9]",
    "a [1, 9]": "a [1, 9]",
    "a [2019-2021]": "a [2019-2021]",
    "a [3-1]": "a [3-1]",
    "`x[1-3]` [^2]": "`x[1-3]` [2]",
    "[ 1 ](https://a.example)": "[ 1 ](https://a.example)",
    "a\n[^1]: A note.": "a\n[^1]: A note.",
    "\\[1-2\\]": "\\[1-2\\]",
    "a [citation needed]": "a [citation needed]",
    "a [x] b [ ] c [": "a [x] b [ ] c [",
}


@pytest.mark.parametrize(("written", "shown"), FORMS.items())
def test_markers_in_other_forms_become_one_wherever_they_are_cut(written: str, shown: str) -> None:
    for size in range(1, len(written) + 1):
        hold = MarkerBuffer(3)
        pieces = [written[at : at + size] for at in range(0, len(written), size)]
        said = "".join(hold.feed(piece) for piece in pieces)
        assert hold.withheld == (rest := hold.flush())
        assert said + rest == shown, pieces


@given(
    st.text(alphabet="[]【】†1 2,;-^a`\\\n:(", max_size=30),
    st.lists(st.integers(0, 30), max_size=8),
)
def test_a_text_that_is_cut_anywhere_has_the_same_markers(text: str, cuts: list[int]) -> None:
    places = sorted({cut % (len(text) + 1) for cut in cuts})
    whole, cut = MarkerBuffer(2), MarkerBuffer(2)
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    expected = whole.feed(text) + whole.flush()
    assert "".join(map(cut.feed, pieces)) + cut.flush() == expected


async def test_quotes_keep_the_brackets_of_their_source() -> None:
    made = engine(
        FixedSearch([CLEAR, GREY]), reply="Nausea [1-2] and [^1] [1].", normalize_markers=False
    )
    items, _, _ = await run(made)
    assert text_of(items) == "Nausea [1-2] and [^1] [1]."
    items, _, _ = await run(engine(FixedSearch([CLEAR, GREY]), reply="Nausea [1-2] and [^1]."))
    assert text_of(items) == "Nausea [1][2] and [1]."

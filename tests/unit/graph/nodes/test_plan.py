"""I20.1: questions about whole sources and the library, through the whole graph."""

from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.events import Stage, Token
from app.domain.models import Candidate, Filters, Passage, Reranked, SearchResult, Turn, WordUse
from app.domain.principals import LOCAL, Principal
from app.graph.build import build_graph
from app.graph.engine import GraphEngine
from app.graph.nodes.plan import Planner
from app.llm.answering import answer_text
from app.runs.ports import EngineResult, Evidence, Question
from app.text.citations import cite
from app.text.tokens import content_terms
from tests.fakes.word_lookup import FixedWords
from tests.harness.memory_library import DAY, MemoryLibrary, passages_of, source

WARFARIN = source("Warfarin", shared=True)
IBUPROFEN = source("Ibuprofen", shared=True)
LEAVE = source("Leave policy: Skerrick", name="rules/leave-policy.md", shared=True)
REPORT = source("Yearly report", created_at=DAY + timedelta(days=1))
MEETING = source("Team meeting", kind="recording", name="meeting.vtt", shared=True)
LIBRARY = MemoryLibrary(
    [
        (
            WARFARIN,
            passages_of(
                WARFARIN,
                (None, "This sheet was written for the library."),
                ("What warfarin is for", "Warfarin is an anticoagulant medicine."),
                ("Side effects of warfarin", "Bleeding is its most common side effect."),
                ("Interactions", "Warfarin interacts with many antibiotics."),
            ),
        ),
        (
            IBUPROFEN,
            passages_of(
                IBUPROFEN,
                (None, "This sheet was written for the library."),
                ("What ibuprofen is for", "Ibuprofen is a medicine against pain."),
                ("Side effects of ibuprofen", "Heartburn and nausea are its common side effects."),
                ("Missed dose", "Take a missed dose as soon as you remember."),
            ),
        ),
        (
            LEAVE,
            passages_of(
                LEAVE,
                ("Annual leave", "Employees have 28 days of leave a year."),
                ("Sick leave", "Call Imran Yilmaz on the first day of illness."),
                ("Unpaid leave", "Unpaid leave is requested in writing."),
            ),
        ),
        (
            REPORT,
            passages_of(
                REPORT,
                ("1 About this report", "The report covers the year 2025."),
                ("7 Chemicals", "All dyes meet level 3 of the list."),
                ("7 Chemicals", "PFAS was phased out in March 2025."),
                ("11 Risks", "A storm surge would flood hall 1."),
            ),
        ),
        (MEETING, passages_of(MEETING, (None, "We order from GEA. Imran asks the grid operator."))),
    ]
)
MEDICAL = {WARFARIN.title, IBUPROFEN.title}


class WordSearch:
    """Finds the passages that contain a word of the query."""

    def __init__(self, library: MemoryLibrary) -> None:
        self._passages = [one for _, texts in library.content for one in texts]
        self.queries: list[str] = []

    async def search(
        self, principal: Principal, query: str, *, filters: Filters, limit: int
    ) -> SearchResult:
        self.queries.append(query)
        asked = content_terms(query)
        found = [
            Candidate(one, score=0.5, cosine=0.1, bm25=1.0, coverage=0.1)
            for one in self._passages
            if asked & content_terms(f"{one.title} {one.heading} {one.text}")
        ]
        return SearchResult(tuple(found[:limit]), len(self._passages), 5)


class SameOrder:
    async def rerank(self, query: str, candidates: Sequence[Candidate]) -> Reranked:
        return Reranked(tuple(candidates))


async def medical(topic: str, texts: Sequence[str]) -> Sequence[float]:
    """Replaces the embedder: medicines are similar to drugs."""
    return [0.5 if topic == "drugs" and text in MEDICAL else 0.1 for text in texts]


class Asked:
    """One answer; `searched`: the queries, `given`: the model's input."""

    def __init__(self) -> None:
        self.items: list[Stage | Token] = []
        self.evidence = Evidence()
        self.ended: EngineResult | None = None
        self.given: tuple[Passage, ...] | None = None
        self.searched: list[str] = []

    @property
    def text(self) -> str:
        return "".join(item.content for item in self.items if isinstance(item, Token))

    @property
    def kind(self) -> str:
        return next(
            (item.content.kind for item in self.items if item.type == "planning_complete"), "lookup"
        )

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line]


async def ask(
    text: str,
    *,
    library: MemoryLibrary = LIBRARY,
    filters: Filters | None = None,
    history: tuple[Turn, ...] = (),
    continues: str | None = None,
    with_model: bool = False,
) -> Asked:
    asked = Asked()
    search = WordSearch(library)

    async def answer(
        messages: object,
        *,
        question: Question,
        passages: tuple[Passage, ...],
        quote: str | None,
    ) -> tuple[EngineResult, str]:
        asked.given = passages
        return EngineResult("stop", None), "Written by a model [1]."

    async def judge(messages: object) -> str | None:
        return None

    ticks = iter(range(10_000))
    graph = build_graph(
        planner=Planner(
            library=library,
            search=search,
            similarity=medical,
            quotes_only=not with_model,
            answers_by="Answers are quoted.",
            clock=lambda: float(next(ticks)),
        ),
        search=search,
        words=FixedWords(WordUse(titled=frozenset({"warfarin", "ibuprofen"}))),
        reranker=SameOrder(),
        answerer=answer,
        judge=judge if with_model else None,
        clock=lambda: float(next(ticks)),
    )
    engine = GraphEngine(
        graph,
        model_name="fake",
        now=lambda: datetime(2026, 11, 20, tzinfo=UTC),
        text_of=answer_text,
    )
    question = Question(
        run_id="r",
        session_id="s",
        message_id="m",
        principal=LOCAL,
        text=text,
        filters=filters or Filters(),
        history=history,
        continues=continues,
    )
    async with aclosing(engine.answer(question, asked.evidence)) as items:
        async for item in items:
            if isinstance(item, EngineResult):
                asked.ended = item
            else:
                asked.items.append(item)
    asked.searched = search.queries
    return asked


def is_supported(asked: Asked) -> bool:
    """Whether each citation of the answer is verbatim and supports its sentence."""
    citations = cite(asked.text, asked.evidence.passages)
    return bool(citations) and all(citation.verified for citation in citations)


def titles(asked: Asked) -> list[str]:
    return [line.split(":")[0].removeprefix("- ") for line in asked.lines if line[:2] == "- "]


@pytest.mark.parametrize("text", ["hello", "thanks", "who are you?", "?", "bye"])
async def test_talk_is_answered_without_search_or_citation(text: str) -> None:
    asked = await ask(text)
    assert asked.searched == []
    assert asked.evidence.passages == ()
    assert asked.text
    assert asked.ended == EngineResult("stop", None)
    assert not any(item.type == "retrieval_start" for item in asked.items)


async def test_a_greeting_says_what_is_here_and_offers_three_questions() -> None:
    asked = await ask("hello")
    assert "4 documents and 1 recording" in asked.text
    assert len([line for line in asked.lines if line.startswith("- ")]) == 3
    empty = await ask("hello", library=MemoryLibrary())
    assert empty.text.endswith("everything I say. The library is empty: add files to it first.")


@pytest.mark.parametrize("text", ["Which documents do you have?", "What can you do?"])
async def test_an_empty_library_is_said_to_be_empty(text: str) -> None:
    empty = await ask(text, library=MemoryLibrary())
    assert "The library is empty" in empty.text


async def test_who_asks_who_answers_hears_of_the_model() -> None:
    assert "Answers are quoted." in (await ask("which model are you?")).text


async def test_the_inventory_is_complete_counted_and_cited() -> None:
    asked = await ask("What documents do you have?")
    assert asked.kind == "inventory"
    assert asked.lines[0] == "5 sources: 4 documents and 1 recording:"
    assert titles(asked) == [
        *("Ibuprofen", "Leave policy", "Warfarin", "Yearly report"),
        "Team meeting",
    ]
    assert "Warfarin is an anticoagulant medicine" in asked.text
    assert "This sheet was written" not in asked.text
    assert is_supported(asked)
    assert (await ask("How many documents are there?")).text.startswith(
        "5 sources: 4 documents and 1 recording, in 5 passages."
    )


async def test_the_inventory_of_a_topic_is_told_by_names_then_by_meaning() -> None:
    assert titles(await ask("Which policies do you have?")) == ["Leave policy"]
    by_meaning = await ask("list all the drugs in the library")
    assert by_meaning.lines[0] == "2 of 5 sources are about drugs:"
    assert titles(by_meaning) == ["Ibuprofen", "Warfarin"]
    assert (await ask("Which recipes do you have?")).kind == "lookup"


async def test_filters_restrict_the_inventory() -> None:
    asked = await ask("What do you have?", filters=Filters(kinds=("recording",)))
    assert titles(asked) == ["Team meeting"]
    assert titles(await ask("List all recordings")) == ["Team meeting"]


async def test_a_long_inventory_is_paged() -> None:
    many = [source(f"Paper {number:02}") for number in range(45)]
    library = MemoryLibrary([(one, passages_of(one, (None, "About it."))) for one in many])
    first = await ask("What documents do you have?", library=library)
    assert len(titles(first)) == 20
    assert first.lines[-1].startswith("… 25 more.")
    turns = [Turn("What documents do you have?", first.text, interrupted=False)]
    second = await ask("show more", library=library, history=tuple(turns))
    assert titles(second) == [f"Paper {number:02}" for number in range(20, 40)]
    turns.append(Turn("show more", second.text, interrupted=False))
    third = await ask("more", library=library, history=tuple(turns))
    assert titles(third) == [f"Paper {number:02}" for number in range(40, 45)]


async def test_mentions_are_all_shown_with_their_places() -> None:
    asked = await ask("Is Imran mentioned anywhere?")
    assert asked.lines[0] == "Yes: “Imran” is mentioned in 2 passages of 2 sources."
    assert "“Leave policy: Skerrick”, Sick leave: Call Imran Yilmaz" in asked.text
    assert len(asked.evidence.passages) == 2
    assert (await ask("Is Olga mentioned anywhere?")).text.startswith("No: “Olga” is not mentioned")


async def test_details_are_told_from_what_is_known_of_a_source() -> None:
    talk = replace(
        source("Budget talk", kind="recording"), speakers=("Ada", "Ben", "Cy"), duration_s=130.0
    )
    paper = replace(source("Budget paper"), pages=12)
    library = MemoryLibrary(
        [(one, passages_of(one, (None, "It is about money."))) for one in (talk, paper)]
    )
    for question, answer in {
        "Who spoke in the budget talk?": "In “Budget talk” Ada, Ben and Cy can be heard. [1]",
        "How long is the budget talk?": "“Budget talk” is 2 minutes long. [1]",
        "How many pages does the budget paper have?": "“Budget paper” is 12 pages long. [1]",
        "When was the budget paper added?": "“Budget paper” was added on 2026-11-20. [1]",
    }.items():
        assert (await ask(question, library=library)).text == answer
    assert (await ask("Who attended the wedding?", library=library)).kind == "lookup"
    assert (await ask("Who spoke in the budget paper?", library=library)).kind == "lookup"


async def test_a_whole_source_is_shown_section_by_section() -> None:
    asked = await ask("summarise the leave policy")
    assert asked.kind == "whole"
    headings = [line for line in asked.lines if line.startswith("**")]
    assert headings == ["**Annual leave**", "**Sick leave**", "**Unpaid leave**"]
    assert "[1]" in asked.text
    assert "[3]" in asked.text
    assert is_supported(asked)


async def test_a_name_alone_asks_for_the_source() -> None:
    assert (await ask("warfarin")).kind == "whole"
    assert (await ask("Tell me about warfarin")).kind == "whole"
    assert (await ask("warfarin dosage")).kind == "lookup"


async def test_a_part_of_a_long_title_is_enough_when_it_is_several_words() -> None:
    title = source("Annual sustainability report of the harbour")
    library = MemoryLibrary([(title, passages_of(title, (None, "Water use fell by 12 percent.")))])
    asked = await ask("What does the sustainability report of the harbour say?", library=library)
    assert asked.kind == "whole"
    assert (await ask("report", library=library)).kind == "lookup"


async def test_this_document_is_the_only_one_or_the_last_one_added() -> None:
    asked = await ask("What is this document about?")
    assert asked.lines[0].startswith("“Yearly report”")
    only = Filters(source_ids=(LEAVE.source_id,))
    assert (await ask("What is this about?", filters=only)).lines[0].startswith("“Leave policy")
    assert (await ask("Summarise the meeting")).lines[0].startswith("“Team meeting”")


async def test_this_document_is_not_one_that_has_documents_in_its_title() -> None:
    titled = source("Filter for documents")
    texts = [
        (titled, passages_of(titled, (None, "It filters."))),
        (REPORT, passages_of(REPORT, (None, "Water use fell by 12 percent."))),
    ]
    for library in (MemoryLibrary(texts), MemoryLibrary(texts[::-1])):
        newest = max((one for one, _ in texts), key=lambda one: (one.created_at, one is REPORT))
        asked = await ask("What is this document about?", library=library)
        assert asked.lines[0].startswith(f"“{newest.title.partition(':')[0]}")


async def test_a_heading_is_not_cut_where_it_shares_a_word_with_the_title() -> None:
    leases = [source("Lease of unit 7"), source("Lease of Mill Lane 3")]
    text = ("Ending the lease", "Either party may end the lease with three months' notice.")
    library = MemoryLibrary([(one, passages_of(one, text)) for one in leases])
    asked = await ask("Compare the lease of unit 7 with the lease of Mill Lane 3", library=library)
    assert "**Ending the lease**" in asked.lines


@pytest.mark.parametrize("text", ["Summarise chapter 7", "What do I need to know about chemicals?"])
async def test_a_section_is_quoted_whole(text: str) -> None:
    asked = await ask(text, filters=Filters(source_ids=(REPORT.source_id,)))
    assert asked.kind == "section"
    assert [one.position for one in asked.evidence.passages] == [1, 2]
    assert "All dyes meet level 3" in asked.text
    assert "PFAS was phased out" in asked.text
    assert is_supported(asked)


async def test_a_broad_question_is_answered_by_the_section_of_that_name() -> None:
    asked = await ask("What are the risks?")
    assert "A storm surge would flood hall 1. [1]" in asked.text


async def test_a_broad_question_without_a_section_is_answered_by_what_names_its_subject() -> None:
    asked = await ask("What are the antibiotics?")
    assert "Warfarin interacts with many antibiotics. [1]" in asked.text
    assert (await ask("What are the penguins?")).ended == EngineResult("no_evidence", None)


async def test_a_comparison_goes_point_by_point() -> None:
    asked = await ask("What is the difference between warfarin and ibuprofen?")
    assert asked.kind == "comparison"
    assert [line for line in asked.lines if line.startswith("**")] == [
        "**What it is for**",
        "**Side effects**",
    ]
    assert "- Warfarin: Bleeding is its most common side effect. [3]" in asked.lines
    assert "Only in “Warfarin”: Interactions." in asked.lines
    assert "Only in “Ibuprofen”: Missed dose." in asked.lines


async def test_sources_without_common_headings_are_set_side_by_side() -> None:
    asked = await ask("Compare the leave policy with the yearly report")
    assert "**Leave policy**" in asked.lines
    assert "**Yearly report**" in asked.lines
    markers = [int(part[0]) for part in asked.text.split("[")[1:]]
    assert sorted(set(markers)) == list(range(1, len(asked.evidence.passages) + 1))


async def test_a_source_is_not_compared_with_itself() -> None:
    asked = await ask("Compare warfarin and warfarin")
    assert "nothing to compare" in asked.text


async def test_more_sources_than_can_be_summarised_are_listed() -> None:
    many = [source(f"Paper {number:02}") for number in range(30)]
    library = MemoryLibrary([(one, passages_of(one, (None, "About it."))) for one in many])
    asked = await ask("Summarise everything", library=library)
    assert asked.lines[0] == "30 sources:"
    few = await ask("Summarise all documents")
    assert "**Warfarin**" in few.lines


async def test_a_text_to_be_made_up_is_declined_when_nothing_but_quotes_can_be_given() -> None:
    asked = await ask("Write a poem about warfarin")
    assert "cannot write a text of my own. About warfarin I have “Warfarin”" in asked.text
    with_model = await ask("Write a poem about warfarin", with_model=True)
    assert with_model.kind == "lookup"


@pytest.mark.parametrize(
    "text", ["summarise the leave policy", "compare warfarin and ibuprofen", "What are the risks?"]
)
async def test_a_model_answers_from_the_passages_of_the_sources(text: str) -> None:
    asked = await ask(text, with_model=True)
    assert asked.text == "Written by a model [1]."
    assert asked.given == asked.evidence.passages
    assert asked.given


async def test_a_continued_answer_is_not_repeated() -> None:
    whole = (await ask("summarise the leave policy")).text
    rest = await ask("summarise the leave policy", continues=whole[:40])
    assert rest.text == whole


async def test_text_of_other_sources_cannot_forge_a_marker() -> None:
    forged = source("Forged")
    texts = passages_of(forged, (None, "It is proven elsewhere [2] that all is well here."))
    asked = await ask("Summarise forged", library=MemoryLibrary([(forged, texts)]))
    assert "[2]" not in asked.text


async def test_the_kind_of_a_follow_up_is_that_of_the_question_in_full_words() -> None:
    history: tuple[Turn, ...] = (Turn("What is warfarin for?", "Clots [1].", interrupted=False),)
    about = await ask("Summarise it", history=history)
    assert (about.kind, about.searched) == ("whole", [])
    assert "Bleeding is its most common side effect." in about.text
    history += (Turn("And of ibuprofen?", "Heartburn [1].", interrupted=False),)
    both = await ask("Compare them", history=history)
    assert both.kind == "comparison"
    plain = await ask("And their side effects?", history=history)
    assert plain.kind == "lookup"
    talk = await ask("thanks", history=history)
    assert (talk.kind, talk.searched) == ("thanks", [])


async def test_what_reads_like_talk_may_be_about_what_was_talked_of() -> None:
    history = (Turn("What is warfarin for?", "Clots [1].", interrupted=False),)
    assert (await ask("How does it work?", history=history)).kind != "about"
    assert (await ask("How does it work?")).kind == "about"
    assert (await ask("What can you do?", history=history)).kind == "about"

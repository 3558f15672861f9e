"""T2, T3: some of the bundled questions through the application's graph, with tolerance.

`make eval` measures all of them; this test fails only on serious regressions.
"""

import shutil
from pathlib import Path

import pytest

from app.db.library_store import LibraryStore
from app.db.pool import Database
from app.domain.principals import LOCAL
from app.embeddings.minilm import MiniLM
from app.ingest.sample_library import SAMPLES
from bench.retrieval_bundled import natural_questions, store_bundled
from bench.retrieval_collections import Question
from bench.retrieval_results import Results
from bench.retrieval_systems import Library

SOME = (
    "documents/aripiprazole.md",
    "documents/warfarin.md",
    "documents/leave-policy.md",
    "recordings/outage-review.mp3",
    "recordings/outage-review.vtt",
)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A few of the samples, medical and other, with a recording."""
    for name in SOME:
        (tmp_path / "samples" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(SAMPLES / name, tmp_path / "samples" / name)
    return tmp_path / "samples"


async def test_the_bundled_questions_are_answered(
    database: Database, embedder: MiniLM, samples: Path, tmp_path: Path
) -> None:
    library = Library(database, LibraryStore(database))
    library.wire(embedder)
    collection = await store_bundled(library, embedder, tmp_path / "files", folder=samples)
    results = Results(collection, len(library.stored.passages))
    for question in collection.questions:
        results.add(await library.ask(question))
    record = results.record()
    answers = record["answers"]
    refusals = record["refusals"]["its own unanswerable questions"]

    assert len(collection.judged) >= 20
    assert record["systems"]["reranked"]["nDCG@10"]["mean"] >= 0.85
    assert record["systems"]["reranked"]["recall@5"]["mean"] >= 0.9
    assert answers["expected in the answer"]["mean"] >= 0.8
    assert answers["expected in verified quotes"]["mean"] >= 0.75
    assert answers["false refusals"]["mean"] <= 0.1
    assert answers["verbatim quotes"]["mean"] == 1
    assert refusals["refused"]["mean"] >= 0.7
    assert refusals["AUC"] >= 0.9


async def test_a_refusal_under_a_filter_is_measured_by_what_lies_within_it(
    database: Database, embedder: MiniLM, samples: Path, tmp_path: Path
) -> None:
    """The refusal searches once more, without the filter; that is not the question's search."""
    library = Library(database, LibraryStore(database))
    library.wire(embedder)
    await store_bundled(library, embedder, tmp_path / "files", folder=samples)
    meeting = library.stored.sources["outage-review"]
    within = {
        library.stored.passages[passage.passage_id]
        for passage in await library.store.passages(LOCAL, meeting)
    }
    question = Question("q", "What does the food chain of the ocean rest on?", {}, "outage-review")
    outcome = await library.ask(question)
    assert not outcome.passages
    assert set(outcome.fused) == set(outcome.reranked) == within
    assert outcome.confidence > 0
    assert set((await library.arms(question))["dense alone"]) == within


async def test_natural_questions_are_answered_and_foreign_ones_are_not(
    database: Database, embedder: MiniLM, samples: Path, tmp_path: Path
) -> None:
    """Terse and broad ones too, and of one recording alone as well as of all sources."""
    library = Library(database, LibraryStore(database))
    library.wire(embedder)
    await store_bundled(library, embedder, tmp_path / "files", folder=samples)
    asked = [one for one in natural_questions(library).questions if one.source == "outage-review"]
    refused = [one.text for one in asked if not (await library.ask(one)).passages]
    assert len(asked) >= 4
    assert not refused
    foreign = [
        "What did the group discuss about the Treaty of Westphalia?",
        "Summarize the discussion about oyster farming.",
        "What did the team think about the football world cup?",
        "What are the symptoms of Kawasaki disease?",
        "Which telescope took the deepest picture of the sky?",
    ]
    for number, text in enumerate(foreign):
        question = Question(f"f{number}", text, {}, source="outage-review")
        assert not (await library.ask(question)).passages, text


async def test_what_names_a_thing_that_is_nowhere_is_refused(
    database: Database, embedder: MiniLM, samples: Path, tmp_path: Path
) -> None:
    """Although everything else is there; other word forms and typos do not count as absent."""
    library = Library(database, LibraryStore(database))
    library.wire(embedder)
    await store_bundled(library, embedder, tmp_path / "files", folder=samples)

    async def refused(texts: list[str]) -> list[str]:
        asked = [Question(f"n{number}", text, {}) for number, text in enumerate(texts)]
        return [one.text for one in asked if not (await library.ask(one)).passages]

    nowhere = [
        "What are the side effects of atorvastatin?",
        "Side effects of quetiapine",
        "What should be done about a missed dose of lamotrigine?",
        "What does the leave policy say about sabbaticals?",
        "How does clozapine work?",
        "What did the review decide about the helicopter?",
    ]
    there = [
        "side effects of aripiprazol",
        "wafarin dose",
        "what should I do when I miss a dose of warfarine",
        "bleedings under warfarin",
        "when did the outages happen",
    ]
    assert await refused(nowhere) == nowhere
    assert await refused(there) == []

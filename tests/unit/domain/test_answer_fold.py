"""The one fold of a run's events, from which every form of an answer is built."""

from typing import Final

from app.domain.answer_fold import AnswerFold, Step
from app.domain.conversation_models import StageRecord
from app.domain.encoding import compact_json
from app.domain.events import CitationsPayload, DonePayload, ErrorPayload, ResetPayload
from app.domain.models import Citation, Timings, Usage
from app.domain.stored import stored_step

CITATION: Final = Citation(
    marker=1,
    passage_id="p",
    source_id="s",
    title="Tea",
    kind="document",
    quote="Boil it.",
    quote_start=0,
    quote_end=8,
    page=3,
    start_s=None,
    end_s=None,
    speaker=None,
    url=None,
    verified=True,
    support=None,
)
DONE: Final = DonePayload(
    finish_reason="stop",
    message_id="m",
    saved=True,
    usage=Usage(input_tokens=3, output_tokens=2, estimated=False),
    timings=Timings(retrieval_ms=1, first_token_ms=2, total_ms=3),
)


def folded(*steps: Step) -> AnswerFold:
    fold = AnswerFold()
    for step in steps:
        fold.add(step)
    return fold


def stored(kind: str, content: object) -> bytes:
    return compact_json({"type": kind, "content": content, "timestamp": "2026-11-20T10:30:40Z"})


def test_text_citations_stages_and_ending_add_up() -> None:
    start = StageRecord("run_start", {"stage": "run"})
    search = StageRecord("retrieval_start", {"stage": "retrieval", "attempt": 1})
    cited = CitationsPayload(citations=(CITATION,))
    fold = folded(start, search, "Boil ", "it [1].", cited, DONE)
    assert (fold.text, fold.citations, fold.ending) == ("Boil it [1].", (CITATION,), DONE)
    assert fold.evidence == [search], "run_start tells nothing of how the answer was found"


def test_a_reset_replaces_what_there_was_and_tokens_go_on_after_it() -> None:
    reset = ResetPayload(text="Whole ", citations=())
    fold = folded("thoughts", CitationsPayload(citations=(CITATION,)), reset, "answer")
    assert (fold.text, fold.citations) == ("Whole answer", ())


def test_what_a_reset_adds_is_known_only_when_it_begins_with_what_was_sent() -> None:
    fold = AnswerFold()
    assert fold.added_by(ResetPayload(text="Boil it.", citations=())) == "Boil it."
    fold.add("Boil ")
    assert fold.added_by(ResetPayload(text="Boil it.", citations=())) == "it."
    assert fold.added_by(ResetPayload(text="", citations=())) is None


def test_every_event_of_the_answer_is_read_back_as_it_was_written() -> None:
    steps = [
        CitationsPayload(citations=(CITATION,)),
        ResetPayload(text="x", citations=(CITATION,)),
        DONE,
        ErrorPayload(code="TIMEOUT", message="Late.", retryable=True, partial=True, saved=False),
    ]
    kinds = ["citations", "reset", "done", "error"]
    for kind, step in zip(kinds, steps, strict=True):
        assert stored_step(kind, stored(kind, step)) == step


def test_endings_of_a_newer_version_end_the_answer_all_the_same() -> None:
    newer = {"finish_reason": "verified", "usage": {"input_tokens": 1}, "timings": "soon"}
    done = stored_step("done", stored("done", newer))
    assert isinstance(done, DonePayload)
    assert (done.finish_reason, done.saved, done.usage.estimated) == ("stop", True, True)
    failed = stored_step("error", stored("error", {"code": "QUOTA", "message": "Spent."}))
    assert isinstance(failed, ErrorPayload)
    assert (failed.code, failed.message) == ("INTERNAL", "Spent.")
    for content in (None, "odd", [1]):
        assert isinstance(stored_step("done", stored("done", content)), DonePayload)
        assert isinstance(stored_step("error", stored("error", content)), ErrorPayload)
    assert stored_step("hint", stored("hint", "text")) == StageRecord("hint", "text")

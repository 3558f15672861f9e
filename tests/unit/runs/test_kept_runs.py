"""Ended runs are kept for a while, with limits on time and memory."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.events import Token
from app.domain.models import Filters
from app.domain.principals import Principal
from app.runs import kept_runs
from app.runs.active_run import LiveRun
from app.runs.kept_runs import KEEP_LIVE_S, KeptRuns
from app.runs.ports import Evidence, NewRun, new_run_record

AT = "2026-11-20T10:30:40.000Z"


class SetClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


QUESTION = NewRun(
    run_id="run-0",
    principal=Principal("ann"),
    session_id="s",
    route="chat",
    message_id="answer",
    question_id="question",
    question="What is asked?",
    model="quoting",
    filters=Filters(),
    on_disconnect="continue",
    process_id="p",
    created_at=datetime(2026, 11, 20, tzinfo=UTC),
    request_hash="h",
    max_runs_per_owner=None,
)


def ended(number: int, words: int = 10) -> LiveRun:
    question = replace(QUESTION, run_id=f"run-{number}")
    record = new_run_record(question, stop_requested=False)
    run = LiveRun(record, cancel_on_disconnect=False, started_at=0)
    for word in range(words):
        run.append(Token(content=f"w{word} ", timestamp=AT))
    return run


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def kept(clock: SetClock) -> KeptRuns:
    return KeptRuns({}, clock)


def keep(kept: KeptRuns, run: LiveRun) -> None:
    kept.live[run.run_id] = run
    kept.add(run)


async def test_a_run_is_kept_for_its_time(kept: KeptRuns, clock: SetClock) -> None:
    keep(kept, ended(1))
    clock.seconds = KEEP_LIVE_S / 2
    keep(kept, ended(2))
    await kept.expire()
    assert list(kept.live) == ["run-1", "run-2"]
    clock.seconds = KEEP_LIVE_S
    await kept.expire()
    assert list(kept.live) == ["run-2"]
    clock.seconds = 2 * KEEP_LIVE_S
    await kept.expire()
    assert not kept.live


@pytest.mark.parametrize("words", [0, 10, 300])
def test_what_is_kept_does_not_follow_the_rate(
    words: int, kept: KeptRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = ended(0, words).estimated_bytes()
    monkeypatch.setattr(kept_runs, "MAX_KEPT_BYTES", 5 * size + size // 2)
    kept.live["running"] = running = ended(0)
    for number in range(1, 101):
        keep(kept, ended(number, words))
    assert list(kept.live) == ["running", *(f"run-{number}" for number in range(96, 101))]
    assert kept.live["running"] is running


def test_a_run_larger_than_the_bound_is_not_kept(
    kept: KeptRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_runs, "MAX_KEPT_BYTES", 100_000)
    keep(kept, ended(1, words=1_000))
    assert not kept.live
    keep(kept, ended(2))
    assert list(kept.live) == ["run-2"]


def test_the_passages_of_an_ended_run_are_not_kept(kept: KeptRuns) -> None:
    run = ended(1)
    run.evidence.withheld = "["
    keep(kept, run)
    assert run.evidence == Evidence()

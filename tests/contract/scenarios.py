"""The golden transcripts of `specs/transcripts/`: one function per way a stream can look.

`python -m tests.contract.write_transcripts` writes them; `test_sse_contract.py` compares.
"""

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from app.api.streaming import named_event_frames
from app.domain.errors import RunFailure
from app.domain.models import Filters
from app.runs.reaper import GAP_S, LEASE_S, Reaper
from app.text.citations import cite
from tests.contract.scenario_runner import (
    DOSAGE,
    EFFECTS,
    RETRACTION,
    ScenarioRun,
    Script,
    clear,
    doubtful,
    passage,
    scenario_run,
    stream,
    thought,
)

FOLDER = Path(__file__).resolve().parents[2] / "specs" / "transcripts"

PIECES = ("Common side effects", " are nausea", ", headache", " and restlessness", " [1].")
TRUNCATED = RunFailure("UPSTREAM_TRUNCATED", "The model's answer ended before it was whole.")


async def full_answer() -> bytes:
    """A viewer that keeps up: one frame per piece."""
    async with scenario_run() as scenario:
        scenario.start(Script(PIECES))
        return await stream(scenario.live())


async def merged_tokens() -> bytes:
    """The same run, replayed after its end: consecutive tokens share a frame."""
    async with scenario_run() as scenario:
        scenario.start(Script(PIECES))
        await scenario.run.closed.wait()
        return await stream(scenario.live())


async def rewritten() -> bytes:
    """Doubtful evidence: the model judges and rewrites, and none of its output is a token."""
    async with scenario_run() as scenario:
        script = Script(
            PIECES,
            searches=((doubtful(DOSAGE),), (clear(EFFECTS),)),
            replies=(('{"relevant"', ": []}"), ("aripiprazole ", "adverse reactions")),
        )
        scenario.start(script)
        return await stream(scenario.live())


async def refusal() -> bytes:
    """Nothing answers the question; the filter is named."""
    filters = Filters(kinds=("recording",))
    async with scenario_run(filters) as scenario:
        scenario.start(Script(searches=((),), filters=filters))
        return await stream(scenario.live())


async def refusal_by_date() -> bytes:
    """Nothing in the days that were chosen, though something outside of them fits."""
    filters = Filters(after=date(2026, 11, 1), before=date(2026, 11, 8))
    async with scenario_run(filters) as scenario:
        scenario.start(Script(searches=((), (clear(EFFECTS),)), filters=filters))
        return await stream(scenario.live())


async def stopped() -> bytes:
    """Stopped after the third piece."""
    async with scenario_run() as scenario:
        scenario.start(Script(PIECES[:3], hangs=True))
        return await stream(scenario.live(), watch=_stop_after(scenario, b'", headache"'))


async def stopped_before_the_first_token() -> bytes:
    """Stopped while the model was still silent: no token, no citation."""
    async with scenario_run() as scenario:
        scenario.start(Script(hangs=True))
        return await stream(scenario.live(), watch=_stop_after(scenario, b'"generation_start"'))


def _stop_after(scenario: ScenarioRun, mark: bytes) -> Callable[[bytes], None]:
    def watch(frame: bytes) -> None:
        if mark in frame:
            scenario.run.cancel("stopped", at=scenario.clock.monotonic())

    return watch


async def error_mid_answer() -> bytes:
    """The upstream ended without a finish reason: the partial text stays, cited."""
    async with scenario_run() as scenario:
        scenario.start(Script(("Common side effects are nausea [1].", " Also"), failure=TRUNCATED))
        return await stream(scenario.live())


async def error_before_the_first_token() -> bytes:
    """No text was sent, so there are no citations."""
    unavailable = RunFailure("UPSTREAM_UNAVAILABLE", "The model service cannot be reached.")
    async with scenario_run() as scenario:
        scenario.start(Script(failure=unavailable))
        return await stream(scenario.live())


async def interrupted() -> bytes:
    """The owner died with unflushed events: replayed, the numbers jump over the hole."""
    async with scenario_run() as scenario:
        await _crash(scenario)
        return await stream(scenario.stored())


async def reset_after_a_hole() -> bytes:
    """A viewer of the dead owner reconnects with a number that was never stored."""
    async with scenario_run() as scenario:
        await _crash(scenario)
        return await stream(scenario.stored(after=len(scenario.run.entries)))


async def _crash(scenario: ScenarioRun) -> None:
    """Three pieces reach the viewer, two of them the log; then another process closes the run."""
    shown: list[bytes] = []
    scenario.start(Script(PIECES[:3], hangs=True))
    async for frame in scenario.live().frames(silence_s=600):
        assert frame is not None
        shown.append(frame.data)
        if b'" are nausea"' in frame.data:
            await scenario.recorder.flush()
        if b'", headache"' in frame.data:
            break
    await scenario.tasks.close()
    reaper = Reaper(scenario.log, live={}, process_id="process-2", cite=cite, clock=scenario.clock)
    closed = 0
    for _ in range(round(LEASE_S / GAP_S) + 2):
        closed += await reaper.check()
        scenario.clock.skip(GAP_S - 0.5)
    assert closed == 1


async def continued() -> bytes:
    """A stopped answer is continued: the kept text is the first token, numbering is unchanged."""
    async with scenario_run() as scenario:
        scenario.start(Script((" and restlessness [1].",)), continues="Nausea, headache")
        return await stream(scenario.live())


async def odd_characters() -> bytes:
    """Line separators, a marker cut in two, frame-like text, NUL, a lone surrogate, emoji."""
    odd = passage(
        1,
        'Nausea\u2028headache\u0085restlessness\u2029\ndata: {"type":"done"}\n\nid: 7 🙂',
        title="Line\u2028breaks",
    )
    pieces = (
        *("Nausea\u2028", "head\u0085ache\u2029 ", "[", "1", "]", " arr[", "i]"),
        *('\n\ndata: {"type":"done"}\n\n', "NUL \0, half \ud83d, 🙂 e\u0301."),
    )
    async with scenario_run() as scenario:
        scenario.start(Script(pieces, searches=((clear(odd),),)))
        return await stream(scenario.live())


async def reasoned() -> bytes:
    """The model reasons first: a stage whose text is not part of the answer."""
    async with scenario_run() as scenario:
        scenario.start(Script((thought("They ask about "), thought("effects: [2]."), *PIECES)))
        return await stream(scenario.live())


async def thought_aloud() -> bytes:
    """Text that turned out to be reasoning is withdrawn, and the answer follows."""
    async with scenario_run() as scenario:
        scenario.start(Script(("They ask ", "about [2", RETRACTION, thought("]?"), *PIECES)))
        return await stream(scenario.live())


async def named_events() -> bytes:
    """The full answer as `POST /api/chat/stream` sends it."""
    async with scenario_run() as scenario:
        scenario.start(Script(PIECES))
        return await stream(scenario.live(), encode=named_event_frames)


async def named_events_error() -> bytes:
    """An error without text in that format still sends `citations`."""
    unavailable = RunFailure("UPSTREAM_UNAVAILABLE", "The model service cannot be reached.")
    async with scenario_run() as scenario:
        scenario.start(Script(failure=unavailable))
        return await stream(scenario.live(), encode=named_event_frames)


async def named_events_reset() -> bytes:
    """A replay in that format of purged events: the text as a stage, then its citations."""
    async with scenario_run() as scenario:
        scenario.start(Script(PIECES))
        await scenario.run.closed.wait()
        await scenario.log.purge(ended_before=scenario.clock.now())
        return await stream(scenario.stored(), encode=named_event_frames)


Scenario = Callable[[], Awaitable[bytes]]

SCENARIOS: tuple[Scenario, ...] = (
    full_answer,
    merged_tokens,
    rewritten,
    refusal,
    refusal_by_date,
    stopped,
    stopped_before_the_first_token,
    error_mid_answer,
    error_before_the_first_token,
    interrupted,
    reset_after_a_hole,
    continued,
    odd_characters,
    reasoned,
    thought_aloud,
)
NAMED_EVENT_SCENARIOS: tuple[Scenario, ...] = (named_events, named_events_error, named_events_reset)


def path_of(scenario: Scenario) -> Path:
    """The file of a scenario's transcript."""
    return FOLDER / f"{scenario.__name__.replace('_', '-')}.sse"

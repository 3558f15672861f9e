"""One session of the load test, and the results of all sessions."""

import asyncio
import random
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from citestream_client import Answer, Citestream, ClientError, Refused
from citestream_client.events import Error, RunStartEvent, Token

MAX_BUSY_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """The behavior of sessions. `ends_at` is monotonic: no question starts after it."""

    questions: Sequence[str]
    ends_at: float
    pause_s: float  # between the starts of two questions of one session
    stops: float
    cuts: float
    seed: int


@dataclass(slots=True)
class LoadStats:
    """Counters, and durations in seconds by event."""

    asked: int = 0
    reading: int = 0
    finished: int = 0
    stopped: int = 0
    cuts: int = 0
    tokens: int = 0
    compared: int = 0
    differing: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    durations: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def took(self, what: str, since: float) -> None:
        """Record a duration that ends now."""
        self.durations[what].append(time.monotonic() - since)


async def session(
    library: Citestream, number: int, habits: Habits, stats: LoadStats, *, of: int
) -> None:
    """Ask until the time is over. The first questions of `of` sessions are staggered."""
    chance = random.Random(habits.seed * 1_000_003 + number)
    await asyncio.sleep((habits.pause_s or 1.0) * number / of)
    session_id = str(uuid.uuid4())
    while time.monotonic() < habits.ends_at:
        began = time.monotonic()
        try:
            await _ask(library, session_id, habits, stats, chance)
        except Refused as refused:
            stats.errors[f"{refused.status} {refused.code}"] += 1
            await asyncio.sleep(min(refused.retry_after_s or 1.0, MAX_BUSY_S))
        except ClientError as error:
            stats.errors[type(error).__name__] += 1
            await asyncio.sleep(1)
        await asyncio.sleep(max(0.0, began + habits.pause_s - time.monotonic()))


async def _ask(
    library: Citestream, session_id: str, habits: Habits, stats: LoadStats, chance: random.Random
) -> None:
    question = chance.choice(habits.questions)
    stop_at = chance.randint(0, 60) if chance.random() < habits.stops else None
    cut_at = chance.randint(0, 60) if chance.random() < habits.cuts else None
    began = time.monotonic()
    stats.asked += 1
    stats.reading += 1
    try:
        async with library.ask(question, session_id=session_id) as answer:
            stats.took("response begins", began)
            await _read(answer, library, stats, began=began, stop_at=stop_at, cut_at=cut_at)
    finally:
        stats.reading -= 1
    await _compare(library, session_id, answer, stats)


async def _read(
    answer: Answer,
    library: Citestream,
    stats: LoadStats,
    *,
    began: float,
    stop_at: int | None,
    cut_at: int | None,
) -> None:
    """Read to the end; the events at which to stop or disconnect are counted from 0."""
    last: float | None = None
    lost: float | None = None
    seen = 0
    async for event in answer:
        now = time.monotonic()
        if lost is not None:
            stats.took("resumed", lost)
            lost, last = None, None
        if isinstance(event, RunStartEvent):
            stats.took("first event", began)
        elif isinstance(event, Token):
            stats.tokens += 1
            if last is None and seen == 0:
                stats.took("first token", began)
            elif last is not None:
                stats.durations["between tokens"].append(now - last)
            seen, last = seen + 1, now
        if cut_at is not None and seen >= cut_at and answer.ended is None:
            cut_at, lost = None, now
            stats.cuts += 1
            await answer.cut()
        if stop_at is not None and seen >= stop_at and answer.ended is None:
            stop_at = None
            await library.stop(answer.run_id)
            stats.took("stop confirmed", now)
            stats.stopped += 1
    stats.took("whole answer", began)
    if isinstance(answer.ended, Error):
        stats.errors[answer.ended.content.code] += 1
    else:
        stats.finished += 1


async def _compare(library: Citestream, session_id: str, answer: Answer, stats: LoadStats) -> None:
    """Whether the text read equals the stored answer exactly."""
    if answer.ended is None:
        return
    kept = {m["run_id"]: m["content"] for m in await library.messages(session_id)}
    if answer.run_id in kept:
        stats.compared += 1
        stats.differing += kept[answer.run_id] != answer.text

"""M1-M3, M5, M9, M12-M15: the grammar of frames, for any text a model can send."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta

import orjson
from hypothesis import example, given
from hypothesis import strategies as st

from app.api.streaming import named_event_frames, sse_frames
from app.domain.encoding import clean_text, compact_json, timestamp
from app.domain.events import Token, from_json, to_json, token_json
from app.graph.marker_buffer import MarkerBuffer
from app.runs.cursors import MERGE_CHARS, LiveCursor, StoredCursor, merge_tokens
from app.runs.log_entries import LogEntry
from tests.contract.scenario_runner import scenario_run
from tests.harness.sse import Frame, parse

START = datetime(2026, 11, 20, 10, 30, 40, tzinfo=UTC)
FOUR_DIGITS = START.replace(year=1000, tzinfo=None)

# Any Python string, with the characters that break readers more frequent than by chance.
breaking = st.sampled_from(["\n", "\r", "\r\n", "\n\n", "\x85", "\u2028", "\u2029", "\x0b", "\x0c"])
framelike = st.sampled_from(['data: {"type":"done"}', "id: 9", "event: done", ": ping", '"', "\\"])
upstream_text = st.lists(
    st.one_of(st.text(), st.characters(), breaking, framelike), max_size=12
).map("".join)
marked = st.lists(st.sampled_from(["[", "]", "1", "23", "`", "a", " ", "é"]), max_size=24)


def entry(number: int, text: str) -> LogEntry:
    at = timestamp(START + timedelta(milliseconds=number))
    return LogEntry(number, "token", token_json(text, at), text)


def frame_of(one: LogEntry) -> bytes:
    return b"id: %d\ndata: %b\n\n" % (one.seq, one.data)


@given(upstream_text)
@example("\ud83d")
@example("\0")
def test_what_was_said_comes_back_but_for_what_no_store_takes(text: str) -> None:
    cleaned = clean_text(text)
    assert len(cleaned) == len(text)
    assert all(
        now == before or (now == "\ufffd" and (before == "\0" or "\ud800" <= before <= "\udfff"))
        for now, before in zip(cleaned, text, strict=True)
    )
    event = Token(content=cleaned, timestamp=timestamp(START))
    assert from_json(to_json(event)) == event


@given(upstream_text.map(clean_text))
def test_any_token_is_one_frame_of_two_lines(text: str) -> None:
    frame = frame_of(entry(7, text))
    assert parse(frame.removesuffix(b"\n\n")) == Frame(7, "token", text, "2026-11-20T10:30:40.007Z")
    assert frame.count(b"\n\n") == 1
    assert b"\r" not in frame
    # The strictest reader: it splits at eight more characters than the grammar does.
    lines = [line for line in frame.decode().splitlines() if line]
    assert [line.partition(":")[0] for line in lines] == ["id", "data"]


@given(upstream_text.map(clean_text))
def test_the_fast_way_to_write_a_token_is_the_general_one(text: str) -> None:
    token = Token(content=text, timestamp=timestamp(START))
    assert to_json(token) == compact_json(token)
    assert b'{"type":"token","content":' in to_json(token)


@given(
    st.recursive(
        upstream_text.map(clean_text),
        lambda inner: st.dictionaries(
            upstream_text.map(clean_text), inner | st.lists(inner, max_size=3), max_size=3
        ),
        max_leaves=8,
    )
)
def test_json_of_anything_stays_on_its_line(value: object) -> None:
    data = compact_json({"content": value})
    assert len(data.decode().splitlines()) == 1
    assert orjson.loads(data) == {"content": value}


@given(st.datetimes(min_value=FOUR_DIGITS, timezones=st.timezones()))
def test_a_timestamp_is_utc_in_milliseconds(at: datetime) -> None:
    text = timestamp(at)
    assert len(text) == 24
    assert abs(datetime.fromisoformat(text) - at) < timedelta(milliseconds=1)


pieces = st.lists(
    st.one_of(st.text(max_size=8).map(clean_text), st.just("x" * (MERGE_CHARS - 3)), st.none()),
    max_size=30,
)


def entries_of(texts: list[str | None]) -> list[LogEntry]:
    """None stands for a stage event."""
    stage = b'{"type":"grading_start","content":{},"timestamp":""}'
    return [
        LogEntry(number, "grading_start", stage) if text is None else entry(number, text)
        for number, text in enumerate(texts, start=1)
    ]


@given(pieces)
def test_merging_keeps_text_order_and_numbers(texts: list[str | None]) -> None:
    entries = entries_of(texts)
    merged = list(merge_tokens(entries))
    numbers = [one.seq for one in merged]
    assert numbers == sorted(set(numbers))
    assert numbers[-1:] == [one.seq for one in entries[-1:]]
    assert [one for one in merged if one.text is None] == [
        one for one in entries if one.text is None
    ]
    assert "".join(one.text or "" for one in merged) == "".join(text or "" for text in texts)
    for one in merged:
        if one.text is not None:
            event = from_json(one.data)
            last = entries[one.seq - 1]
            assert event.content == one.text
            assert event.timestamp == from_json(last.data).timestamp


@given(pieces, st.integers(0, 30))
def test_a_merged_frame_is_a_position_to_resume_from(texts: list[str | None], at: int) -> None:
    entries = entries_of(texts)
    merged = list(merge_tokens(entries))
    shown = merged[: at % (len(merged) + 1)]
    position = shown[-1].seq if shown else 0
    rest = list(merge_tokens(entries[position:]))
    text = "".join(one.text or "" for one in (*shown, *rest))
    assert text == "".join(text or "" for text in texts)


@given(marked)
def test_holding_back_markers_loses_nothing_and_cuts_none(texts: list[str]) -> None:
    hold = MarkerBuffer()
    shown = [hold.feed(text) for text in texts]
    shown.append(hold.flush())
    assert "".join(shown) == "".join(texts)


@given(st.integers(1, 999), st.integers(1, 4))
def test_a_marker_arrives_whole_however_it_was_cut(number: int, cut: int) -> None:
    marker = f"[{number}]"
    hold = MarkerBuffer()
    shown = [hold.feed(piece) for piece in ("so", marker[:cut], marker[cut:], ".") if piece]
    shown.append(hold.flush())
    assert any(marker in piece for piece in shown)


@given(st.lists(upstream_text.map(clean_text), min_size=1, max_size=8))
def test_a_live_run_is_read_back_from_every_position(texts: list[str]) -> None:
    asyncio.run(_read_from_everywhere(texts))


async def _read_from_everywhere(texts: list[str]) -> None:
    async with scenario_run() as scenario:
        for number, text in enumerate(texts, start=1):
            at = timestamp(START + timedelta(milliseconds=number))
            scenario.run.append(Token(content=text, timestamp=at))
        done = b'{"type":"done","content":{},"timestamp":""}'
        scenario.run.close_with(LogEntry(len(texts) + 1, "done", done))
        for position in range(len(texts) + 1):
            cursor = scenario.live(after=position)
            frames = [parse(f[:-2]) async for f in sse_frames(cursor, heartbeat_s=60)]
            said = "".join(frame.content for frame in frames if frame.type == "token")
            assert said == "".join(texts[position:])
            assert all(frame.id > position for frame in frames)
            assert frames[-1].type == "done"
        named = [frame async for frame in _named(scenario.live())]
        assert all(len(f.decode().splitlines()) <= 4 for f in named)


def _named(cursor: LiveCursor | StoredCursor) -> AsyncGenerator[bytes, None]:
    return named_event_frames(cursor, heartbeat_s=60)


def test_nothing_beyond_the_reservation_is_shown() -> None:
    asyncio.run(_withhold())


async def _withhold() -> None:
    async with scenario_run() as scenario:
        run = scenario.run
        run.reserved = 3
        for number in range(1, 6):
            run.append(Token(content=str(number), timestamp=timestamp(START)))
        assert run.visible == 2
        run.stored(upto=5, reserved=100)
        assert run.visible == 5

"""FR-003, FR-005, M1-M3, M5-M15, M18: golden transcripts, byte for byte and against the schema."""

import re

import orjson
import pytest
from jsonschema import Draft202012Validator

from app.api.streaming import sse_frames
from app.cli.contracts import CONTRACTS
from app.domain.events import EVENT
from tests.contract.scenario_runner import Script, scenario_run
from tests.contract.scenarios import FOLDER, NAMED_EVENT_SCENARIOS, SCENARIOS, Scenario, path_of
from tests.harness.sse import Frame, Viewer, parse, stage_types

FRAME = re.compile(rb"id: [1-9]\d*\ndata: [^\n\r]+\n\n")
NAMED = re.compile(
    rb"(id: [1-9]\d*\n)?event: (stage|token|citations|done|error)\ndata: [^\n\r]+\n\n"
)
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

each = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
each_named_event_scenario = pytest.mark.parametrize(
    "scenario", NAMED_EVENT_SCENARIOS, ids=lambda s: s.__name__
)


def kept(scenario: Scenario) -> bytes:
    return path_of(scenario).read_bytes()


def frames_of(scenario: Scenario) -> list[Frame]:
    return [parse(block) for block in kept(scenario).removesuffix(b"\n\n").split(b"\n\n")]


@pytest.mark.parametrize(
    "scenario", [*SCENARIOS, *NAMED_EVENT_SCENARIOS], ids=lambda scenario: scenario.__name__
)
@pytest.mark.parametrize("fast_path", ["on", "off"])
async def test_the_server_writes_each_transcript_byte_for_byte(
    scenario: Scenario, fast_path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_FAST_PATH", fast_path)
    written = await scenario()
    script = "run python -m tests.contract.write_transcripts and look at the difference"
    assert written.decode() == kept(scenario).decode(), script


def test_every_transcript_has_its_scenario() -> None:
    known = {path_of(scenario) for scenario in (*SCENARIOS, *NAMED_EVENT_SCENARIOS)}
    assert set(FOLDER.iterdir()) == known


@each
def test_frames_are_an_id_a_data_line_and_an_empty_line(scenario: Scenario) -> None:
    assert FRAME.sub(b"", kept(scenario)) == b""


@each
def test_no_line_reader_splits_a_frame(scenario: Scenario) -> None:
    lines = [line for line in kept(scenario).decode().splitlines() if line]
    assert all(line.startswith(("id: ", "data: ")) for line in lines)
    assert len(lines) == 2 * len(frames_of(scenario))


@each
def test_every_event_fits_the_schema_and_is_compact(scenario: Scenario) -> None:
    schema = orjson.loads((CONTRACTS / "events.schema.json").read_bytes())
    validator = Draft202012Validator(schema)
    for block in kept(scenario).removesuffix(b"\n\n").split(b"\n\n"):
        data = block.partition(b"data: ")[2]
        event = orjson.loads(data)
        validator.validate(event)
        assert list(event) == ["type", "content", "timestamp"]
        assert STAMP.fullmatch(event["timestamp"])
        assert data.startswith(b'{"type":"%b","content":' % event["type"].encode())
        assert EVENT.validate_json(data).type == event["type"]


@each
def test_one_terminal_event_comes_last_and_ids_rise(scenario: Scenario) -> None:
    frames = frames_of(scenario)
    viewer = Viewer()
    for frame in frames:
        viewer.take(frame)
    assert viewer.terminal is frames[-1]
    assert frames[0].type in {"run_start", "reset"}


@each
def test_everything_else_says_stage_and_status(scenario: Scenario) -> None:
    for frame in frames_of(scenario):
        if frame.type not in {"token", "done", "error"}:
            assert isinstance(frame.content["stage"], str)
            assert isinstance(frame.content["status"], str)


@each
def test_citations_come_once_after_the_last_token(scenario: Scenario) -> None:
    types = stage_types(frames_of(scenario))
    if types[0] == "reset":  # which brings the citations itself
        assert types == ["reset", "error"]
    elif types[-1] == "done" or "token" in types:
        assert types.count("citations") == 1
        assert types[-2] == "citations"
        assert types[-3] in {"token", "generation_start"}
    else:
        assert "citations" not in types


def text_of(name: str) -> str:
    blocks = (FOLDER / f"{name}.sse").read_bytes().removesuffix(b"\n\n").split(b"\n\n")
    viewer = Viewer()
    for block in blocks:
        viewer.take(parse(block))
    return viewer.text


def test_what_the_transcripts_say() -> None:
    whole = "Common side effects are nausea, headache and restlessness [1]."
    assert text_of("full-answer") == text_of("merged-tokens") == text_of("rewritten") == whole
    assert text_of("stopped") == "Common side effects are nausea, headache"
    assert text_of("continued") == "Nausea, headache and restlessness [1]."
    assert text_of("interrupted") == text_of("reset-after-a-hole")
    assert text_of("stopped-before-the-first-token") == ""
    assert "recordings" in text_of("refusal")


def test_odd_characters_arrive_as_they_were_but_for_nul_and_half_characters() -> None:
    assert text_of("odd-characters") == (
        "Nausea\u2028head\u0085ache\u2029 [1] arr[i]"
        '\n\ndata: {"type":"done"}\n\nNUL \ufffd, half \ufffd, 🙂 e\u0301.'
    )
    tokens = [frame.content for frame in _frames("odd-characters") if frame.type == "token"]
    assert "[1]" in tokens  # a marker is never cut


def test_a_replay_merges_tokens_and_keeps_their_last_number() -> None:
    one_by_one = [f for f in _frames("full-answer") if f.type == "token"]
    (merged,) = (f for f in _frames("merged-tokens") if f.type == "token")
    assert len(one_by_one) == 5
    assert (merged.id, merged.timestamp) == (one_by_one[-1].id, one_by_one[-1].timestamp)


def test_the_numbers_of_a_dead_run_jump_over_the_hole_and_no_other() -> None:
    ids = [frame.id for frame in _frames("interrupted")]
    stored = ids[-3]
    assert ids[-2:] == [stored + 10_000, stored + 10_001]
    assert [frame.id for frame in _frames("full-answer")] == list(range(1, 16))
    assert [frame.id for frame in _frames("reset-after-a-hole")] == ids[-2:]


def test_what_the_judge_says_is_no_token() -> None:
    stream = (FOLDER / "rewritten.sse").read_text()
    assert "rewriting_complete" in stream
    assert stream.count("adverse reactions") == 2  # the new query, and what was searched with it


def _frames(name: str) -> list[Frame]:
    blocks = (FOLDER / f"{name}.sse").read_bytes().removesuffix(b"\n\n").split(b"\n\n")
    return [parse(block) for block in blocks]


@each
def test_a_client_that_only_reads_lines_understands_it(scenario: Scenario) -> None:
    said: list[str] = []
    stages: list[str] = []
    ended = ""
    for line in kept(scenario).decode().splitlines():
        if not line.startswith("data: "):
            continue
        data = orjson.loads(line[6:])
        if data["type"] in {"done", "error"}:
            ended = line
            break
        if data["type"] == "token":
            said.append(data["content"])
        else:
            stages.append(f"{data['content']['stage']} {data['content']['status']}")
    types = [frame.type for frame in frames_of(scenario)]
    assert len(said) == types.count("token")
    assert len(said) + len(stages) == len(types) - 1
    assert ('"type":"done"' in ended) == (types[-1] == "done")


@each_named_event_scenario
def test_the_named_event_format_names_its_events(scenario: Scenario) -> None:
    assert NAMED.sub(b"", kept(scenario)) == b""
    names = re.findall(rb"^event: (\w+)$", kept(scenario), re.MULTILINE)
    assert names[-1] in {b"done", b"error"}
    assert names.count(b"citations") == 1
    assert names[-2] == b"citations"


def test_a_reset_in_the_named_event_format_is_followed_by_its_citations() -> None:
    replayed = (FOLDER / "named-events-reset.sse").read_bytes()
    asked = (FOLDER / "named-events.sse").read_bytes()
    assert b'"status":"reset"' in replayed
    citations = b"event: citations\ndata: " + asked.partition(b"event: citations\ndata: ")[2]
    assert replayed.endswith(b"\n\n" + citations)


async def test_silence_is_a_comment_without_an_id() -> None:
    async with scenario_run() as scenario:
        scenario.start(Script(hangs=True))
        seen: list[bytes] = []
        async for frame in sse_frames(scenario.live(), heartbeat_s=0.02):
            seen.append(frame)
            if frame.startswith(b":"):
                break
    assert seen[-1] == b": ping\n\n"
    assert all(FRAME.fullmatch(frame) for frame in seen[:-1])

"""The Python client as installed: on its own, with models that match the contracts."""

import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final, get_args
from zipfile import ZipFile

import httpx
import orjson
import pytest
from pydantic import BaseModel, ValidationError

from app.domain import events as sent
from app.domain.answer_fold import AnswerFold
from citestream_client import Answer, Event, Filters
from citestream_client.citestream import OnDisconnect
from citestream_client.events import EVENT, Done
from citestream_client.sse import BlockReader
from scripts.client_models import CONTRACT
from tests.unit.server.test_process import IMPORT, STATE

ROOT: Final = Path(__file__).resolve().parents[2]
TRANSCRIPTS: Final = {
    path.stem: path.read_bytes()
    for path in sorted((ROOT / "specs" / "transcripts").glob("*.sse"))
    if not path.name.startswith("named-events")  # a format that it does not ask for
}
ALONE: Final = """
loaded = [name for name in sys.modules if name.partition(".")[0] in {"aiohttp", "app", "orjson"}]
assert loaded == [], loaded
assert citestream_client.__file__.startswith(sys.path[0])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client")
    built_before = shutil.ignore_patterns("build", "*.egg-info")
    copy = shutil.copytree(ROOT / "clients" / "python", folder / "source", ignore=built_before)
    options = ["--no-build-isolation", "--no-deps", "--no-index", f"--wheel-dir={folder}"]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(copy)],
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_one_package_and_depends_on_httpx_and_pydantic(wheel: Path) -> None:
    with ZipFile(wheel) as files:
        names = files.namelist()
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        fields = HeaderParser().parsestr(files.read(metadata).decode())
    packages = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert packages == {"citestream_client"}
    assert "citestream_client/py.typed" in names
    needs = [str(one).partition(">")[0] for one in fields.get_all("Requires-Dist", [])]
    assert needs == ["httpx", "pydantic"]


def test_importing_it_loads_nothing_of_the_server_and_changes_nothing(
    wheel: Path, tmp_path: Path
) -> None:
    program = (
        f"{STATE}\nsys.path.insert(0, {str(wheel)!r})\n"
        f"{IMPORT.format(name='citestream_client')}{ALONE}"
    )
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={},
    )
    assert (ran.returncode, ran.stderr) == (0, "")


def test_its_request_takes_what_the_document_says() -> None:
    document = orjson.loads((CONTRACT.parent / "openapi.json").read_bytes())
    fields = document["components"]["schemas"]["ChatBody"]["properties"]
    assert list(get_args(OnDisconnect)) == fields["on_disconnect"]["enum"]


def _frames(stream: bytes) -> Iterator[dict[str, Any]]:
    for block in BlockReader().feed(stream):
        yield orjson.loads(block.data)


async def _read(stream: bytes) -> tuple[Answer, list[Event]]:
    """The answer and the events that the client reads from a stream."""
    response = httpx.Response(200, content=stream)
    async with httpx.AsyncClient(transport=httpx.MockTransport(lambda _: response)) as http:
        answer = Answer("run", follow=lambda _: http.stream("GET", "http://server/"), stop=_refuse)
        async with answer:
            return answer, [event async for event in answer]


async def _refuse() -> None:
    raise AssertionError("reading a run does not stop it")


@pytest.mark.parametrize("name", TRANSCRIPTS)
async def test_every_event_of_a_transcript_is_read_as_it_was_sent(name: str) -> None:
    answer, events = await _read(TRANSCRIPTS[name])
    fold = AnswerFold()
    for frame, event in zip(_frames(TRANSCRIPTS[name]), events, strict=True):
        expected = EVENT.validate_python(frame)
        assert expected.model_dump(mode="json", exclude_unset=True) == frame
        assert event.model_dump() == expected.model_dump()
        known = sent.EVENT.validate_python(frame)
        if isinstance(known, sent.Token | sent.Citations | sent.Reset | sent.Done | sent.Error):
            fold.add(known.content)
    assert answer.text == fold.text
    assert _plain(answer.citations) == _plain(fold.citations)
    assert answer.ended is events[-1]


async def test_events_of_a_newer_server_are_read() -> None:
    stream = TRANSCRIPTS["stopped"].replace(
        b'"finish_reason":"stopped"', b'"finish_reason":"new","cost":1'
    )
    stream = stream.replace(b'"type":"retrieval_start"', b'"type":"new_start"')
    answer, events = await _read(stream)
    assert isinstance(answer.ended, Done)
    assert answer.ended.content.finish_reason == "new"
    assert "retrieval_start" not in [event.type for event in events]


@pytest.mark.parametrize("wrong", [{"kinds": ["film"]}, {"source_id": ["one"]}])
def test_a_wrong_filter_is_refused_before_it_is_sent(wrong: dict[str, list[str]]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Filters.model_validate(wrong)


def _plain(citations: Iterable[BaseModel]) -> list[dict[str, object]]:
    return [citation.model_dump() for citation in citations]

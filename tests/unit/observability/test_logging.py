"""What the log contains, and what it withholds."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.config import Settings
from app.domain.context import current_request, current_run
from app.domain.errors import SettingError, StoreUnavailable
from app.observability.logging import WITHHELD, configure

SECRET = "my rash after aripiprazole"
log = logging.getLogger("app.test")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    configure(Settings.model_construct())
    for handler in tuple(logging.getLogger().handlers):
        if handler.get_name() == "citestream":
            logging.getLogger().removeHandler(handler)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def to_file(path: Path, **settings: object) -> None:
    configure(Settings.model_validate({"log_format": "json", "log_file": path, **settings}))


def fail_with_text() -> None:
    try:
        raise ValueError(SECRET)
    except ValueError as error:
        raise StoreUnavailable("The database cannot be reached right now.") from error


def test_a_line_names_its_request_and_run(tmp_path: Path) -> None:
    to_file(tmp_path / "log")
    request, run = current_request.set("r-1"), current_run.set("run-1")
    log.warning("Something of %s", "this", extra={"tokens": 3})
    current_request.reset(request)
    current_run.reset(run)
    log.warning("And nothing")
    first, second = lines(tmp_path / "log")
    assert (first["message"], first["request_id"], first["run_id"], first["tokens"]) == (
        "Something of this",
        "r-1",
        "run-1",
        3,
    )
    assert {"time", "level", "logger", "process"} <= set(first)
    assert "run_id" not in second


def test_what_the_line_says_itself_comes_first(tmp_path: Path) -> None:
    to_file(tmp_path / "log")
    token = current_run.set("mine")
    log.warning("Of another run", extra={"run_id": "theirs"})
    current_run.reset(token)
    assert lines(tmp_path / "log")[0]["run_id"] == "theirs"


@pytest.mark.parametrize("shape", ["json", "text"])
def test_the_words_of_foreign_exceptions_are_withheld(tmp_path: Path, shape: str) -> None:
    to_file(tmp_path / "log", log_format=shape)
    try:
        fail_with_text()
    except StoreUnavailable:
        log.exception("Run failed")
    written = (tmp_path / "log").read_text()
    assert SECRET not in written
    assert WITHHELD in written
    assert "ValueError" in written
    assert "fail_with_text" in written
    assert "The database cannot be reached right now." in written


def test_they_are_written_when_asked_for(tmp_path: Path) -> None:
    to_file(tmp_path / "log", log_text=True)
    try:
        fail_with_text()
    except StoreUnavailable:
        log.exception("Run failed")
    assert SECRET in (tmp_path / "log").read_text()


def test_the_access_log_has_no_queries(tmp_path: Path) -> None:
    to_file(tmp_path / "log", log_level="DEBUG")
    form = '%s - "%s %s HTTP/%s" %d'
    path = f"/conversations?q={SECRET}"
    logging.getLogger("uvicorn.access").info(form, "127.0.0.1:1", "GET", path, "1.1", 200)
    assert lines(tmp_path / "log")[0]["message"].endswith('"GET /conversations HTTP/1.1" 200')


def test_a_full_disk_costs_log_lines_and_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    to_file(Path("/dev/full"))
    log.warning("one")
    log.warning("two")
    assert capfd.readouterr().err == "LOG_FILE: No space left on device; log lines are lost\n"


def test_a_line_does_nothing_to_the_terminal_and_makes_no_other(tmp_path: Path) -> None:
    to_file(tmp_path / "log", log_format="text", log_text=True)
    hostile = "\x1b]0;title\x07\x9b31m\u202egnp\r\n12:00:00 ERROR forged"
    log.warning("Read %s of %d: %s", hostile, 3, StoreUnavailable(hostile))
    try:
        raise ValueError(hostile)
    except ValueError:
        log.exception("Run failed\nin two lines")
    written = (tmp_path / "log").read_text()
    assert [c for c in written if not c.isprintable() and c != "\n"] == []
    assert written.splitlines()[0].count(r"\x1b]0;title\x07\x9b31m\u202egnp\r\n12:00:00") == 2
    assert "Run failed\nin two lines" in written


@pytest.mark.parametrize("path", ["/proc/nowhere/log", "/proc", "/dev/null/log"])
def test_a_log_file_that_cannot_be_written_to_is_one_line(path: str) -> None:
    with pytest.raises(SettingError, match=rf"^LOG_FILE: got {path}, which cannot be written to"):
        configure(Settings.model_validate({"log_file": path}))

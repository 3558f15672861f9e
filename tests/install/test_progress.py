"""Progress of an installation: numbers, with and without a terminal."""

import io
import json
from pathlib import Path

from typing_extensions import override

from scripts.page_packages import PagePackages
from scripts.progress import Progress, UvProgress

FRAME = (
    "\x1b[37m⠙\x1b[0m \x1b[2mPreparing packages...\x1b[0m (31/102)     "
    "\x1b[2monnxruntime         \x1b[0m ------------------------------ 10.00 MiB/20.00 MiB     "
    "\x1b[2mnumpy               \x1b[0m ------------------------------ 512.00 KiB/10.00 MiB  \r"
)


class Screen(io.StringIO):
    """A terminal."""

    @override
    def isatty(self) -> bool:
        return True


def test_uv_is_read_as_packages_and_bytes() -> None:
    shown = UvProgress()
    assert shown.measure() == "reading the package index"
    half = len(FRAME) // 2
    assert shown.feed("Resolved 102 packages in 3ms\r\n" + FRAME[:half]) == [
        "Resolved 102 packages in 3ms"
    ]
    assert shown.feed(FRAME[half:]) == []
    assert shown.measure() == "31 of 102 packages, 11 of 31 MB"
    assert shown.feed("Prepared 102 packages in 2s\r\n") == ["Prepared 102 packages in 2s"]
    assert shown.measure() == "102 of 102 packages, 31 of 31 MB"
    assert not shown.installing
    assert shown.feed("░░░░ [0/102] protobuf==7.36.2\r") == []
    assert shown.installing


def test_npm_is_measured_by_what_is_there(tmp_path: Path) -> None:
    packages: dict[str, object] = {"": {}, "node_modules/a": {}, "node_modules/b": {}}
    elsewhere = {"node_modules/c": {"os": ["plan9"]}, "node_modules/d": {"cpu": ["vax"]}}
    (tmp_path / "package-lock.json").write_text(json.dumps({"packages": packages | elsewhere}))
    page = PagePackages(tmp_path)
    assert page.measure() == "0 of 2 packages, 0 MB on disk"
    arrived = tmp_path / "node_modules" / "a"
    arrived.mkdir(parents=True)
    (arrived / "package.json").write_text("{}")
    (arrived / "large.js").write_bytes(bytes(3_000_000))
    assert page.measure() == "1 of 2 packages, 3 MB on disk"
    assert page.measure() == "1 of 2 packages, 3 MB on disk"


def test_without_a_terminal_a_line_is_printed_when_it_says_something_new() -> None:
    out, now = io.StringIO(), [100.0]
    progress = Progress(started=100.0, out=out, clock=lambda: now[0])
    progress.say("1 of 2: packages")
    for seconds, text in ((105, "3 of 9"), (110, "3 of 9"), (115, "9 of 9")):
        now[0] = float(seconds)
        progress.update(text)
    assert out.getvalue().splitlines() == [
        "[   0 s] 1 of 2: packages",
        "[   5 s] 3 of 9",
        "[  15 s] 9 of 9",
    ]


def test_a_terminal_has_one_line_that_is_rewritten() -> None:
    out = Screen()
    progress = Progress(started=0.0, out=out, clock=lambda: 1.0)
    progress.update("3 of 9")
    progress.update("9 of 9")
    progress.say("2 of 2: page")
    assert out.getvalue() == (
        "[   1 s] 3 of 9\r\x1b[2K[   1 s] 9 of 9\r\x1b[2K[   1 s] 2 of 2: page\n"
    )

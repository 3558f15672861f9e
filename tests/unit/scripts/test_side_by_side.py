"""`make check` runs two commands in parallel: the order of output, and the exit code."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "side_by_side.py"
CLOSING = "== 3 passed, 1 warning in 2.10s (0:00:02) =="


def run(first: str, second: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, SCRIPT, "the page", first, second], capture_output=True, text=True
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize(
    ("first", "second", "failed"),
    [("", "", False), ("exit 3", "", True), ("", "exit 4", True), ("exit 3", "exit 4", True)],
)
def test_the_closing_line_is_last_and_any_failure_counts(
    first: str, second: str, failed: bool
) -> None:
    code, shown = run(
        f"echo of the page; {first}", f"echo '=== FAILURES ==='; echo '{CLOSING}'; echo; {second}"
    )
    assert bool(code) is failed
    lines = [line for line in shown.splitlines() if line]
    assert lines[0] == "=== FAILURES ==="
    assert lines[1] == "of the page"
    assert lines[2].startswith("the page failed" if "exit" in first else "the page passed")
    assert lines[-1] == CLOSING


def test_dots_are_shown_as_they_come() -> None:
    command = [sys.executable, str(SCRIPT), "the page", "true", "printf ..; sleep 60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.read(2) == b".."
        process.terminate()


def test_whatever_ends_it_ends_both() -> None:
    command = [sys.executable, str(SCRIPT), "the page", "sleep 61", "echo started; sleep 61"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 130
    while any(child.is_running() and child.status() != "zombie" for child in children):
        time.sleep(0.05)

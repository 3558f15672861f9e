"""Process-wide switches are set by entry points, never by an import."""

import subprocess
import sys

import pytest

STATE = """
import gc, json, logging, os, signal, sys, threading, warnings
def state():
    return [
        sorted(os.environ.items()), gc.get_threshold(), gc.get_freeze_count(), gc.isenabled(),
        sys.getswitchinterval(), sys.getrecursionlimit(), sys.path, len(warnings.filters),
        [str(signal.getsignal(one)) for one in (signal.SIGINT, signal.SIGTERM)],
        threading.active_count(), [str(one) for one in logging.getLogger().handlers],
        str(sys.excepthook),
    ]
"""
IMPORT = """
before = state()
import {name}
after = state()
assert after == before, [pair for pair in zip(before, after) if pair[0] != pair[1]]
"""
AT_NUMPY = """
import os, runpy, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name == "numpy":
            print("numpy is loaded with", os.environ.get("OPENBLAS_NUM_THREADS"))
        if name == "onnxruntime":
            print("telemetry is off:", os.environ.get("ORT_DISABLE_TELEMETRY"))
sys.meta_path.insert(0, Watch())
sys.argv = ["{name}", "--help"]
runpy.run_module("{name}", run_name="__main__", alter_sys=True)
"""


def _run(program: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=env
    )


@pytest.mark.parametrize("name", ["app", "app.server.process"])
def test_importing_changes_nothing_in_the_process(name: str) -> None:
    ran = _run(STATE + IMPORT.format(name=name))
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.parametrize("name", ["app.main", "app.ingest", "app.doctor"])
def test_entry_points_prepare_libraries_before_they_are_loaded(name: str) -> None:
    ran = _run(AT_NUMPY.format(name=name))
    assert "numpy is loaded with 1\n" in ran.stdout, ran.stderr
    assert "telemetry is off: None" not in ran.stdout


def test_a_number_that_was_set_stays() -> None:
    ran = _run(AT_NUMPY.format(name="app.doctor"), OPENBLAS_NUM_THREADS="3")
    assert "numpy is loaded with 3\n" in ran.stdout, ran.stderr

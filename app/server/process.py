"""Switches of the whole process. Entry points set them; importing a package changes nothing."""

import os
import sys
from typing import Final

from app.server.garbage_collection import freeze_imports

SWITCH_S: Final = 0.0005
"""How long a thread that computes may keep the event loop waiting (Python's own choice: 5 ms)."""


def prepare_libraries() -> None:
    """Call it before numpy and onnxruntime are imported: they read variables when they are loaded.

    BLAS threads wait for each other by spinning: a reranking took four times the processor time
    with two of them, and none of it less on the clock. onnxruntime reports to its makers.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def tune_for_serving() -> None:
    """Once everything is imported, in a process that serves."""
    sys.setswitchinterval(SWITCH_S)
    freeze_imports()

"""Process-wide settings. Entry points apply them; importing a package changes nothing."""

import os
import sys
from typing import Final

from app.server.garbage_collection import freeze_imports

SWITCH_S: Final = 0.0005
"""How long a computing thread may keep the event loop waiting, in seconds (default: 5 ms)."""


def prepare_libraries() -> None:
    """Call before importing numpy and onnxruntime, which read these variables on import.

    BLAS threads wait for each other by spinning: with two of them, reranking took four times the
    processor time and was no faster. onnxruntime sends telemetry.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"


def tune_for_serving() -> None:
    """Call once everything is imported, in a process that serves."""
    sys.setswitchinterval(SWITCH_S)
    freeze_imports()

"""Citestream: cited, streaming answers from an organisation's own documents and recordings."""

import os
import sys
from importlib.util import find_spec

__version__ = "0.1.0"

# Read by numpy's BLAS when it is loaded. Its threads wait for each other by spinning: a reranking
# took four times the processor time with two of them, and none of it less on the clock.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - told to a library, not read

# While `python -m app.tokens` looks for its module, this is all of sys.argv that is there.
if sys.argv[:1] == ["-m"] and find_spec("pydantic_settings") is None:
    words = getattr(sys, "orig_argv", ["-m", "app.main"])  # a Python that is too old has none
    module = words[words.index("-m") + 1]
    sys.exit(f"This Python lacks Citestream's packages. Type: .venv/bin/python -m {module}")

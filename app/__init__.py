"""Citestream: cited, streaming answers from an organisation's own documents and recordings."""

import sys
from importlib.util import find_spec

__version__ = "0.1.0"

# While `python -m app.tokens` imports its parent package, sys.argv has only this entry.
if sys.argv[:1] == ["-m"] and find_spec("pydantic_settings") is None:
    words = getattr(sys, "orig_argv", ["-m", "app.main"])  # a Python that is too old has none
    module = words[words.index("-m") + 1]
    sys.exit(f"This Python lacks Citestream's packages. Type: .venv/bin/python -m {module}")

"""Citestream: cited, streaming answers from an organisation's own documents and recordings."""

import os

__version__ = "0.1.0"

# Read by numpy's BLAS when it is loaded. Its threads wait for each other by spinning: a reranking
# took four times the processor time with two of them, and none of it less on the clock.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # noqa: TID251 - told to a library, not read

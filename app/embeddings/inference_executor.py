"""The threads for embedding and reranking questions.

Half of the processors, so that the event loop keeps the others: running streams stay even under
load, and new questions wait for each other.
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Final

INFERENCE_EXECUTOR: Final = ThreadPoolExecutor(max(1, (cpu_count() or 2) // 2), "thinking")
"""One per process; idle threads end with it."""

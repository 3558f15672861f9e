"""The threads that compute for questions: embedding and reranking.

So few that when many ask at once, the event loop keeps half of the processors: answers that have
begun go on evenly, and new ones wait for each other.
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Final

INFERENCE_EXECUTOR: Final = ThreadPoolExecutor(max(1, (cpu_count() or 2) // 2), "thinking")
"""Of the process; idle threads end with it."""

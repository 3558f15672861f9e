"""The threads for embedding and reranking questions.

They use half of the processors and leave the others to the event loop: under load, running streams
keep their pace and new questions queue.
"""

from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Final

INFERENCE_EXECUTOR: Final = ThreadPoolExecutor(max(1, (cpu_count() or 2) // 2), "thinking")
"""One per process."""

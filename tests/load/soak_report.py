"""The counters of a soak test, and whether anything was lost or is growing."""

from collections import Counter
from dataclasses import dataclass, field

import psutil

LOST_MS = 1_000


@dataclass
class Tally:
    """Filled during the test."""

    asked: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    reconnects: int = 0
    resets: int = 0
    stops: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    tokens: int = 0
    wrong: list[str] = field(default_factory=list)
    waited_s: list[float] = field(default_factory=list)  # question to first word
    memory: list[tuple[float, str, float]] = field(default_factory=list)  # second, replica, MB
    files: list[tuple[str, int]] = field(default_factory=list)

    def measure(self, at_s: float, replica: str, pid: int) -> None:
        """Memory and open files of a replica; skipped while it is being replaced."""
        try:
            process = psutil.Process(pid)
            self.memory.append((at_s, replica, process.memory_info().rss / 2**20))
            self.files.append((replica, process.num_fds()))
        except psutil.NoSuchProcess:
            return

    def report(self, seconds: float, connections: tuple[int, int]) -> str:
        """For people, and for docs/measurements.md."""
        waited = sorted(self.waited_s) or [0.0]
        p50, p99 = waited[len(waited) // 2], waited[min(len(waited) - 1, len(waited) * 99 // 100)]
        peak = max((mb for _, _, mb in self.memory), default=0)
        lines = [
            f"soak of {seconds / 60:.1f} minutes, two replicas behind nginx",
            f"  questions      {self.asked} asked, {dict(self.refused)} refused",
            f"  ends           {dict(self.ends)}",
            f"  words          {self.tokens}, each checked against what is stored",
            f"  connections    {self.reconnects} made again after a cut, {self.resets} resets",
            f"  stops          {dict(self.stops)}",
            f"  faults         {dict(self.faults)}",
            f"  first word     p50 {p50 * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms",
            f"  memory         at most {peak:.0f} MB a replica",
            f"  database       {connections[0]} connections before, {connections[1]} after",
            f"  lost or wrong  {len(self.wrong)}",
            *(f"    {line}" for line in self.wrong[:20]),
        ]
        return "\n".join(lines)

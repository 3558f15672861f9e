"""Progress lines of an installation: steps, packages and bytes, on a terminal and without one."""

import codecs
import os
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO, TextIO

Measure = Callable[[], str]

TERMINAL_TICK_S = 0.5
PLAIN_TICK_S = 5.0
MB = 1_000_000
_UNITS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_SPINNER = re.compile("^[\u2800-\u28ff] ")
_INSTALLING = re.compile("^[█░]+ \\[\\d+/\\d+\\]")
_PREPARED = re.compile(r"Preparing packages\.\.\. \((\d+)/(\d+)\)")
_DOWNLOAD = re.compile(r"(\S+) +-* *([\d.]+) (B|KiB|MiB|GiB)/([\d.]+) (B|KiB|MiB|GiB)")


class Progress:
    """Prints a line per step with the seconds since the start, and the current progress.

    On a terminal the last line is rewritten; elsewhere a new line is printed when the text changes.
    """

    def __init__(
        self, *, started: float, out: TextIO = sys.stdout, clock: Callable[[], float] = time.time
    ) -> None:
        self._started = started
        self._out = out
        self._clock = clock
        self._terminal = out.isatty()
        self._shown = ""
        self._printed_at = 0.0
        self.tick_s = TERMINAL_TICK_S if self._terminal else PLAIN_TICK_S

    def say(self, text: str) -> None:
        """Print a permanent line."""
        self.clear()
        print(self._line(text), file=self._out, flush=True)

    def update(self, text: str) -> None:
        """Show the progress of the running step."""
        if self._terminal:
            self.clear()
            self._shown = self._line(text)
            self._out.write(self._shown)
            self._out.flush()
        elif text != self._shown:
            self._shown = text
            print(self._line(text), file=self._out, flush=True)

    def _line(self, text: str) -> str:
        return f"[{self._clock() - self._started:4.0f} s] {text}"

    def clear(self) -> None:
        """Clear the progress line of `update`."""
        if self._terminal and self._shown:
            self._out.write("\r\x1b[2K")
        self._shown = ""


@dataclass
class UvProgress:
    """Parses uv's terminal output: packages prepared and bytes downloaded.

    The format is that of the uv in `requirements-uv.lock`; a test runs that version.
    """

    packages: tuple[int, int] = (0, 0)
    downloads: dict[str, tuple[float, float]] = field(default_factory=dict)
    installing: bool = False
    _rest: str = ""

    def feed(self, text: str) -> list[str]:
        """Parse output; return the complete lines that are not part of a progress bar."""
        pieces = re.split(r"[\r\n]+|\x1b\[[0-9]*A", self._rest + text)
        self._rest = pieces.pop()
        kept = [self._take(_ANSI.sub("", piece).rstrip()) for piece in pieces]
        return [line for line in kept if line]

    def _take(self, line: str) -> str:
        if match := _PREPARED.search(line):
            self.packages = int(match[1]), int(match[2])
        for name, done, unit, size, size_unit in _DOWNLOAD.findall(line):
            self.downloads[name] = float(done) * _UNITS[unit], float(size) * _UNITS[size_unit]
        if line.startswith("Prepared "):
            self.packages = self.packages[1], self.packages[1]
            self.downloads = {name: (size, size) for name, (_, size) in self.downloads.items()}
        if _INSTALLING.match(line):
            self.installing = True
            return ""
        return "" if _SPINNER.match(line) or _DOWNLOAD.search(line) else line

    def measure(self) -> str:
        """As in "31 of 102 packages, 61 of 128 MB"."""
        done, total = self.packages
        if not total:
            return "reading the package index"
        received = sum(done for done, _ in self.downloads.values())
        size = sum(size for _, size in self.downloads.values())
        text = f"{done} of {total} packages"
        return f"{text}, {received / MB:.0f} of {size / MB:.0f} MB" if size else text


def follow(master: int, log: BinaryIO, progress: UvProgress) -> threading.Thread:
    """Read a pseudo-terminal to its end in a thread; plain lines go to the log."""

    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65536)
            except OSError:  # raised by Linux once the last writer has closed
                break
            if not data:
                break
            for line in progress.feed(decoder.decode(data)):
                log.write(f"{line}\n".encode())
        os.close(master)

    thread = threading.Thread(target=read)
    thread.start()
    return thread

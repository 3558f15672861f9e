"""Run the programs of an installation with output in `.prepare/log` and progress on screen."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from scripts.locked_install import open_terminal
from scripts.progress import Measure, Progress, UvProgress, follow

EXCERPT = 15
_MAX_LOG_BYTES = 2**20

Command = Sequence[str | Path]


class LoggedProcess:
    """Runs one program at a time; on failure prints its output and exits."""

    def __init__(self, log: Path, progress: Progress) -> None:
        self._log = log
        self._progress = progress

    def trim_log(self) -> None:
        """Truncate the log when it has become long."""
        if self._log.exists() and self._log.stat().st_size > _MAX_LOG_BYTES:
            self._log.unlink()

    def run(
        self,
        command: Command,
        *,
        cwd: Path,
        environment: Mapping[str, str],
        measure: Measure | None = None,
    ) -> None:
        """Run a program; `measure` returns its progress."""
        with self._log.open("ab") as log:
            start = _write_command(log, command)
            process = _start(command, cwd=cwd, out=log.fileno(), environment=environment)
            status = self._wait(process, measure)
        if status:
            self._fail(command, start)

    def run_uv(
        self, command: Command, *, cwd: Path, environment: Mapping[str, str], unfinished: Path
    ) -> None:
        """Run uv on a pseudo-terminal, which makes it print packages and bytes.

        `unfinished` marks an environment as incomplete; the mark remains when uv fails during
        installation.
        """
        shown = UvProgress()
        unfinished.touch()
        with self._log.open("ab") as log:
            start = _write_command(log, command)
            master, slave = open_terminal()
            process = _start(command, cwd=cwd, out=slave, environment=environment)
            os.close(slave)
            reader = follow(master, log, shown)
            status = self._wait(process, shown.measure)
            reader.join()
        if not (status and shown.installing):
            unfinished.unlink()
        if status:
            self._fail(command, start)
        self._progress.update(shown.measure())

    def _wait(self, process: "subprocess.Popen[bytes]", measure: Measure | None) -> int:
        while True:
            try:
                return process.wait(timeout=self._progress.tick_s)
            except subprocess.TimeoutExpired:
                self._progress.update(measure() if measure else self._last_line())
            except KeyboardInterrupt:  # the child got the signal too: let it clean up
                process.wait()
                raise

    def _last_line(self) -> str:
        """The last output of the program."""
        with self._log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 2000))
            lines = log.read().decode(errors="replace").splitlines()
        shown = [line.strip() for line in lines if line.strip() and not line.startswith("$ ")]
        return shown[-1][:70] if shown else "working"

    def _fail(self, command: Command, start: int) -> None:
        lines = self._log.read_bytes()[start:].decode(errors="replace").splitlines()
        if len(lines) > 2 * EXCERPT:  # npm prints the reason first, uv last
            lines = [*lines[:EXCERPT], "…", *lines[-EXCERPT:]]
        self._progress.clear()
        print("\n".join(lines), file=sys.stderr)
        shown = " ".join(map(str, command))
        raise SystemExit(f"failed: {shown}\n(the whole output: {self._log})")


def _write_command(log: BinaryIO, command: Command) -> int:
    log.write(f"\n$ {' '.join(map(str, command))}\n".encode())
    log.flush()
    return log.tell()


def _start(
    command: Command, *, cwd: Path, out: int, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        command,
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        stdout=out,
        stderr=subprocess.STDOUT,
        env=environment,
        close_fds=False,  # the child keeps the lock if this process is killed
    )

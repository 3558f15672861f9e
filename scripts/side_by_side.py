"""Run two commands in parallel: print the second live, the first when both have ended.

usage: side_by_side.py NAME 'first command' 'second command'

The closing line of pytest, if the second command prints one, is printed last. The exit code is not
0 if either failed. Stopping this process stops both.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from typing import IO

CLOSING = re.compile(rb"=+ .*\bin \d.*=+")


def start(command: str, output: "int | IO[bytes]") -> "subprocess.Popen[bytes]":
    """Run a shell command in a new process group, so that all of it can be stopped."""
    return subprocess.Popen(
        command,
        shell=True,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the remaining processes of a command and wait for it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    process.wait()


def show(text: bytes) -> None:
    """Write and flush."""
    sys.stdout.buffer.write(text)
    sys.stdout.buffer.flush()


def forward(process: "subprocess.Popen[bytes]") -> bytes:
    """Print the command's output live, except pytest's closing line, which is returned."""
    assert process.stdout is not None
    line, closing = b"", b""
    while chunk := os.read(process.stdout.fileno(), 1 << 16):
        for part in chunk.splitlines(keepends=True):
            # A line of "=" may be the closing one: it is buffered until complete. Dots are not.
            line += part
            if not line.endswith(b"\n"):
                if not line.startswith(b"="):
                    show(part)
                continue
            if CLOSING.fullmatch(line.strip()):
                closing = line
            else:
                show(line if line.startswith(b"=") else part)
            line = b""
    return closing


def main(name: str, first: str, second: str) -> int:
    began = time.monotonic()
    with tempfile.TemporaryFile() as output:
        beside = start(first, output)
        front = start(second, subprocess.PIPE)
        try:
            closing = forward(front)
            code = front.wait()
            beside_code = beside.wait()
        finally:
            end(front)
            end(beside)
        output.seek(0)
        show(b"\n" + output.read())
    failed = f"failed with {beside_code}" if beside_code else "passed"
    show(f"\n{name} {failed}; both ended after {time.monotonic() - began:.0f} s\n".encode())
    show(closing)
    return code or beside_code


def interrupted(*_: object) -> None:
    """Unwind, so that both commands are stopped."""
    raise SystemExit(130)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupted)
    signal.signal(signal.SIGINT, interrupted)
    sys.exit(main(*sys.argv[1:]))

"""Run the API with reload and the page's development server side by side, until either ends.

usage: dev.py
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVERS = (
    ([".venv/bin/python", "-m", "app.main", "--reload"], ROOT),
    (["npm", "run", "dev"], ROOT / "frontend"),
)
GRACE_S = 25.0
POLL_S = 0.2


def stop(process: "subprocess.Popen[bytes]") -> None:
    """Stop the process group: SIGTERM first, then SIGKILL."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is not None:
            return
        os.killpg(process.pid, sign)
        try:
            process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            continue


def main() -> int:
    """Start both; when one ends, or on Ctrl-C, stop the other. The status of the first to end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    running = [subprocess.Popen(argv, cwd=cwd, start_new_session=True) for argv, cwd in SERVERS]
    try:
        while True:
            ended = [process for process in running if process.poll() is not None]
            if ended:
                return ended[0].returncode
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return 130
    finally:
        for process in running:
            stop(process)


if __name__ == "__main__":
    sys.exit(main())

"""Run the uv of this folder with the index, proxy and certificates that pip is set up for.

usage: uv.py ARGUMENTS OF UV

It writes the locks, which are for every system. An additional index or folder of this machine may
have some of a version's files only, and so some of its hashes: those are left out.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.locked_install import uv_environment  # noqa: E402 - the project is on the path now

VENV = ROOT / ".venv" / "bin"

if __name__ == "__main__":
    environment = uv_environment(VENV / "python", os.environ)
    for name in {"UV_INDEX", "UV_FIND_LINKS"} - os.environ.keys():
        environment.pop(name, None)
    os.execve(VENV / "uv", ["uv", *sys.argv[1:]], environment)

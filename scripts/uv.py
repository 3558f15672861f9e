"""Run the uv of this folder with the index, proxy and certificates configured for pip.

usage: uv.py ARGUMENTS OF UV

It writes the locks for all systems. Additional indexes and folders of this machine are ignored,
because they may have only some files of a version, and so only some hashes.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from scripts.locked_install import uv_environment  # noqa: E402 - needs the changed sys.path

VENV = ROOT / ".venv" / "bin"

if __name__ == "__main__":
    environment = uv_environment(VENV / "python", os.environ)
    for name in {"UV_INDEX", "UV_FIND_LINKS"} - os.environ.keys():
        environment.pop(name, None)
    os.execve(VENV / "uv", ["uv", *sys.argv[1:]], environment)

"""Report what this machine lacks before installation, with the command that fixes it.

usage: preflight.py run|dev|test

Standard library and Python 3.8 syntax only, because it must run on outdated machines. Exit status 0
when the machine is suitable, 1 when something is missing.
"""

import errno
import http.client
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
PYTHON_FLOOR = (3, 11)
FRESH_MB = 3000  # .venv, node_modules, the embedded database, and pip's copies while it unpacks
PREPARED_MB = 300
NVM = "https://raw.githubusercontent.com/nvm-sh/nvm/v0.40.3/install.sh"


class Problem(NamedTuple):
    """A problem, and the command that fixes it."""

    what: str
    mend: str


def os_release() -> Tuple[str, str]:
    """The distribution and its version, as in ("debian", "12"); empty strings elsewhere."""
    try:
        text = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return "", ""
    pairs = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    return pairs.get("ID", ""), pairs.get("VERSION_ID", "")


def apt(*packages: str) -> str:
    """The apt-get line for these packages, with sudo when this user needs it."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}"


def number(version: str) -> Tuple[int, ...]:
    """The leading numbers of a version: "v20.19.2" is (20, 19, 2)."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def python_problem() -> Optional[Problem]:
    """A Python that is too old, with the install command of a newer one."""
    if sys.version_info[:2] >= PYTHON_FLOOR:
        return None
    distribution, version = os_release()
    if distribution == "ubuntu" and number(version) >= (22, 4):
        mend = f"{apt('python3.11', 'python3.11-venv')}  # then: make run PYTHON=python3.11"
    elif distribution == "debian" and number(version) >= (12,):
        mend = f"{apt('python3', 'python3-venv')}  # then: make run PYTHON=/usr/bin/python3"
    elif sys.platform == "darwin":
        mend = "brew install python@3.12  # then: make run PYTHON=python3.12"
    else:
        mend = "install Python 3.11 or newer  # then: make run PYTHON=/path/to/python3"
    return Problem(
        f"Python 3.11 or newer is needed; {sys.executable} is {sys.version.split()[0]}", mend
    )


def venv_problem() -> Optional[Problem]:
    """Debian and Ubuntu ship a Python without `venv`."""
    if (ROOT / ".venv" / "bin" / "python").exists():
        return None
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        package = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        return Problem("this Python has no venv module", apt(package))
    return None


def node_fits(version: Tuple[int, ...]) -> bool:
    """Vite's range: 20.19 and later 20s, 22.12 and everything after."""
    return (20, 19) <= version < (21,) or version >= (22, 12)


def node_mend() -> str:
    """The install command of Node for this kind of machine."""
    distribution, version = os_release()
    if distribution == "debian" and number(version) >= (13,):
        return apt("nodejs", "npm")
    if sys.platform == "darwin":
        return "brew install node"
    if (Path.home() / ".nvm" / "nvm.sh").exists():
        return ". ~/.nvm/nvm.sh && nvm install 22"
    return f"curl -fsSL {NVM} | bash && . ~/.nvm/nvm.sh && nvm install 22"


def node_problem() -> Optional[Problem]:
    """Node is missing, too old, or without npm."""
    node = shutil.which("node")
    if node is None:
        return Problem("Node 20.19 or newer is needed; there is no node", node_mend())
    result = subprocess.run([node, "--version"], stdout=subprocess.PIPE, check=False)
    version = result.stdout.decode().strip()
    if not node_fits(number(version)):
        wanted = "Node 20.19 or later (22.12 or later of the 22s) is needed"
        return Problem(f"{wanted}; {node} is {version or 'broken'}", node_mend())
    if shutil.which("npm") is None:
        return Problem("npm is missing beside node", apt("npm") if os_release()[0] else node_mend())
    return None


def libc_problem() -> Optional[Problem]:
    """The embedded database and onnxruntime are built for glibc (and for macOS)."""
    if sys.platform != "linux" or platform.libc_ver()[0] == "glibc":
        return None
    return Problem("this Linux has no glibc (Alpine?)", "docker compose --profile full up --build")


def disk_problem() -> Optional[Problem]:
    """Too little disk space for the installation."""
    prepared = (ROOT / ".venv").exists() and (ROOT / "frontend" / "node_modules").exists()
    wanted = PREPARED_MB if prepared else FRESH_MB
    free = shutil.disk_usage(ROOT).free // 2**20
    if free >= wanted:
        return None
    return Problem(
        f"{wanted} MB of free disk are needed; {ROOT} has {free} MB",
        "df -h .  # free some space, or move this folder to a larger disk",
    )


def settings() -> Dict[str, str]:
    """HOST and PORT as the application reads them: the environment, else `.env`."""
    found = {"HOST": "127.0.0.1", "PORT": "8000"}
    try:
        lines = (ROOT / ".env").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        match = re.match(r"\s*(?:export\s+)?(HOST|PORT)\s*=\s*['\"]?([^'\"\s#]+)", line)
        if match:
            found[match.group(1)] = match.group(2)
    found.update({name: os.environ[name] for name in found if os.environ.get(name)})
    return found


def is_citestream(port: int) -> bool:
    """Whether another Citestream listens on this port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        answer = json.loads(connection.getresponse().read())
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(answer, dict) and answer.get("status") == "healthy"


def port_problem(host: str, port: int) -> Optional[Problem]:
    """The port is in use. The application reports other errors of the address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return None
        else:
            return None
    taken = f"port {port} is taken"
    if is_citestream(port):
        taken += f": Citestream is running there already, open http://localhost:{port}"
    return Problem(taken, f"make run PORT={port + 1}")


def problems(command: str) -> Iterator[Problem]:
    """All problems that would stop this command, in the order to fix them."""
    checks = [python_problem(), venv_problem(), node_problem(), libc_problem(), disk_problem()]
    if command in ("run", "dev"):
        chosen = settings()
        if chosen["PORT"].isdigit() and int(chosen["PORT"]) < 65536:
            checks.append(port_problem(chosen["HOST"], int(chosen["PORT"])))
    if command == "dev" and port_problem("127.0.0.1", 3000):
        checks.append(
            Problem("port 3000 is taken; the page's development server needs it", "lsof -i :3000")
        )
    return (problem for problem in checks if problem is not None)


def main() -> int:
    """Print each problem with its fix."""
    found = list(problems(sys.argv[1] if len(sys.argv) > 1 else "run"))
    for problem in found:
        print(f"missing: {problem.what}\n   type: {problem.mend}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

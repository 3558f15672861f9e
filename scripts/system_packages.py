"""Install the programs that tests drive: Chromium, nginx, haproxy, Caddy.

usage: system_packages.py

As root on Debian or Ubuntu it installs them. Otherwise it prints the command, and the exit status
is 1 when Chromium or nginx is missing. Not every distribution has the others: without haproxy or
Caddy the tests of these proxies' configurations are reported as skipped, and without Chromium's
headless shell the journeys take longer.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping

NEEDED = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "nginx": ("nginx",),
}
WANTED = {
    "haproxy": ("haproxy",),
    "caddy": ("caddy",),
    "chromium-headless-shell": ("chromium-headless-shell",),
}
# Without a font the browser renders empty boxes.
EXTRA = {"chromium": ("fonts-dejavu-core",)}
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])
ENVIRONMENT = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}


def missing(programs: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The packages whose program is not on the path, with their additional packages."""
    return [
        name
        for package, names in programs.items()
        if not any(shutil.which(program, path=SEARCH_PATH) for program in names)
        for name in (package, *EXTRA.get(package, ()))
    ]


def apt_get(*arguments: str) -> bool:
    """Install non-interactively; returns whether it succeeded."""
    done = subprocess.run(
        ["apt-get", *arguments, "-o", "Dpkg::Use-Pty=0"],
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return done.returncode == 0


def available(package: str) -> bool:
    """Whether apt has an installable version."""
    command = ["apt-cache", "policy", package]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    return "Candidate:" in done.stdout and "Candidate: (none)" not in done.stdout


def install() -> None:
    """The missing packages that are available; optional ones never fail."""
    print(f"Installing {' '.join(missing(NEEDED | WANTED))} for the tests …", flush=True)
    if not apt_get("update", "-qq"):
        return
    for programs in (NEEDED, WANTED):
        packages = [name for name in missing(programs) if available(name)]
        if packages:
            apt_get("install", "-y", "-qq", *packages)


def tell(packages: list[str], why: str) -> None:
    """The missing programs and the command that installs them."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    print(
        f"{why}: {', '.join(packages)}\n"
        f"   type: {sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}",
        file=sys.stderr,
    )


def main() -> int:
    if missing(NEEDED | WANTED) and os.geteuid() == 0 and shutil.which("apt-get"):
        install()
    if wanted := missing(WANTED):
        tell(wanted, "optional and not here")
    if needed := missing(NEEDED):
        tell(needed, "missing for the tests")
    return int(bool(missing(NEEDED)))


if __name__ == "__main__":
    sys.exit(main())

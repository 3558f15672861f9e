"""Make sure that the programs the tests drive are on this machine: Chromium and nginx.

usage: system_packages.py

As root on Debian or Ubuntu they are installed; otherwise the line that does it is printed and the
exit status is 1.
"""

import os
import shutil
import subprocess
import sys

PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "nginx": ("nginx",),
}
# Without a font the browser lays out empty boxes.
EXTRA = {"chromium": ("fonts-dejavu-core",)}
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/local/sbin", "/usr/sbin"])


def missing() -> list[str]:
    """The packages whose program is nowhere on the path."""
    return [
        package
        for package, names in PROGRAMS.items()
        if not any(shutil.which(name, path=SEARCH_PATH) for name in names)
    ]


def install(packages: list[str]) -> int:
    """Install with apt-get, quietly and without questions. The last exit status."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    print(f"Installing {' '.join(packages)} for the tests …", flush=True)
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", *packages]):
        argv = ["apt-get", *arguments, "-o", "Dpkg::Use-Pty=0"]
        status = subprocess.run(
            argv, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        ).returncode
        if status:
            return status
    return 0


def main() -> int:
    """See the module's docstring."""
    packages = [name for found in missing() for name in (found, *EXTRA.get(found, ()))]
    if not packages:
        return 0
    can_install = os.geteuid() == 0 and shutil.which("apt-get") is not None
    if can_install and install(packages) == 0 and not missing():
        return 0
    sudo = "" if os.geteuid() == 0 else "sudo "
    print(
        f"missing for the tests: {', '.join(missing())}\n"
        f"   type: {sudo}apt-get update && {sudo}apt-get install -y {' '.join(packages)}",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Install exactly the packages of a lock file: `uv pip install --no-deps --require-hashes`.

pip installs uv itself, from `requirements-uv.lock`. Most machines are configured for pip only, so
pip's settings (index, mirror, proxy, certificates) are passed on to uv where uv has none.
"""

import ast
import fcntl
import pty
import re
import ssl
import struct
import subprocess
import sys
import termios
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

# These would change the target or the packages.
REDIRECTING = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT", "PIP_REQUIREMENT", "PIP_USER"),
    *("UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE", "UV_EXCLUDE_NEWER", "UV_PYTHON"),
    *("UV_SYSTEM_PYTHON", "UV_NO_PROGRESS", "UV_DRY_RUN", "VIRTUAL_ENV", "CONDA_PREFIX"),
)
PIP_SETTINGS = {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
# pip's setting and uv's variable for it.
INDEX_SETTINGS = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
}
NETWORK_SETTINGS = {
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "trusted-host": "UV_INSECURE_HOST",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "proxy": "ALL_PROXY",
    "keyring-provider": "UV_KEYRING_PROVIDER",
}
INDEX_KEYS = {"index", "index-url", "extra-index-url", "find-links", "no-index"}
SYSTEM_CERTIFICATES = (
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"),
    *("/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem"),
)


def pip_command(python: Path, lock: Path) -> list[str | Path]:
    """The pip command for a lock: without resolving, because the lock is complete."""
    options = ("--no-deps", "--require-hashes", "--progress-bar=off")
    return [python, "-m", "pip", "install", *options, "-r", lock]


def uv_command(uv: Path, python: Path, *locks: Path) -> list[str | Path]:
    """The uv command for locks.

    Files are verified by hash, so any of several indexes may serve them. Packages installed by hand
    are kept (`install`, not `sync`).
    """
    options = ("--no-deps", "--require-hashes", "--index-strategy", "unsafe-best-match")
    files = [word for lock in locks for word in ("-r", lock)]
    return [uv, "pip", "install", "--color", "never", "--python", python, *options, *files]


def count_packages(*locks: Path) -> int:
    """The number of packages in the locks, including those for other systems."""
    text = "\n".join(lock.read_text(encoding="utf-8") for lock in locks)
    return len(re.findall(r"^[\w.-]+==", text, re.MULTILINE))


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without variables that would change the installation."""
    kept = {name: value for name, value in environment.items() if name not in REDIRECTING}
    return kept | PIP_SETTINGS


def uv_environment(python: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment for uv: its own settings first, pip's where it has none."""
    found = dict(_pip_settings(python, environment))
    wanted = dict(NETWORK_SETTINGS)
    if not _has_uv_indexes(environment):
        wanted |= INDEX_SETTINGS
    translated = {
        name: _value(setting, found[setting])
        for setting, name in wanted.items()
        if setting in found
    }
    if _has_system_certificates() and "SSL_CERT_FILE" not in {*translated, *environment}:
        translated["UV_SYSTEM_CERTS"] = "true"
    return translated | clean_environment(environment)


def _value(setting: str, value: str) -> str:
    if setting == "find-links":
        return ",".join(value.split())
    return " ".join(value.split())


def _pip_settings(python: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """pip's merged configuration files and variables, in ascending precedence."""
    command: list[str | Path] = [python, "-m", "pip", "config", "list"]
    output = subprocess.run(
        command, env=dict(environment), stdout=subprocess.PIPE, text=True, check=False
    ).stdout
    lines = [line.partition("=") for line in output.splitlines() if "=" in line]
    for section in ("global.", "install.", ":env:."):
        for name, _, value in lines:
            if name.startswith(section):
                yield name.removeprefix(section), str(ast.literal_eval(value))


def _has_uv_indexes(environment: Mapping[str, str]) -> bool:
    """Whether the user configured uv's own package sources."""
    if any(environment.get(name) for name in (*INDEX_SETTINGS.values(), "UV_INDEX_URL")):
        return True
    home = Path(environment.get("HOME", "/"))
    folders = (environment.get("XDG_CONFIG_HOME") or home / ".config", "/etc")
    files = [environment.get("UV_CONFIG_FILE") or "", *(f"{f}/uv/uv.toml" for f in folders)]
    return any(_names_an_index(Path(file)) for file in files if file)


def _names_an_index(file: Path) -> bool:
    try:
        settings = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(INDEX_KEYS & ({*settings} | {*settings.get("pip", {})}))


def _has_system_certificates() -> bool:
    """Whether the system has a certificate store; a bare container has none, uv bundles one."""
    paths = (ssl.get_default_verify_paths().cafile or "", *SYSTEM_CERTIFICATES)
    return sys.platform == "darwin" or any(path and Path(path).exists() for path in paths)


def open_terminal() -> tuple[int, int]:
    """A pseudo-terminal large enough for uv to draw each download on a separate row."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 200, 160, 0, 0))
    return master, slave

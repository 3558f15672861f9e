"""The only module that reads the environment. It also hides variables from libraries."""

import os
import re
from collections.abc import Collection

_AMBIENT = re.compile(
    r"(LANGSMITH|LANGCHAIN|LANGGRAPH|OPENAI|AZURE_OPENAI|OTEL|FASTAPI|MLFLOW|HF|HUGGINGFACE)_.*"
    r"|LC_OUTPUT_VERSION|NETRC|SSLKEYLOGFILE"
)
"""Variables that libraries read themselves, and that make them send or log text or change the
service they call. None is a setting of this application."""
_OFF = {
    "DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_OWN = ("localhost", "127.0.0.1", "::1")
"""Hosts that no library may reach through a proxy."""
_hidden: dict[str, str] = {}
"""Values hidden from libraries. A setting may still refer to one by name."""


def environment(name: str) -> str | None:
    """Read a variable that is not a setting of this application, such as `XDG_RUNTIME_DIR`."""
    return os.environ.get(name)


def hidden_variable(name: str) -> str | None:
    """The original value of a hidden variable."""
    return _hidden.get(name)


def hide_ambient(*, keep: tuple[str, ...], settings: Collection[str]) -> tuple[str, ...]:
    """Hide variables that libraries read. Returns all names hidden so far.

    Variables that begin with one of `keep`, and those named in `settings`, stay.
    """
    for name in list(os.environ):
        upper = name.upper()
        ours = name.lower() in settings or name in _OFF
        if _AMBIENT.fullmatch(upper) and not ours and not upper.startswith(keep):
            _hidden[name] = os.environ.pop(name)
    return tuple(_hidden)


def quiet_libraries(*, no_proxy: str) -> None:
    """Disable the telemetry of libraries, and bypass proxies for this machine."""
    os.environ.update(_OFF)
    if any(name.lower() in _PROXIES for name in os.environ):
        own = [one for one in _OWN if one not in no_proxy.split(",")]
        bypass = ",".join((*filter(None, [no_proxy]), *own))
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = bypass


def reader_environment() -> dict[str, str]:
    """The environment of processes that read uploaded files: paths and locale, no secrets."""
    names = {"PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(("LC_", "PYTHON", "COVERAGE_"))
    }

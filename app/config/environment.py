"""The only reader of the environment, and what it hides from libraries."""

import os
import re
from collections.abc import Collection

_AMBIENT = re.compile(
    r"(LANGSMITH|LANGCHAIN|LANGGRAPH|OPENAI|AZURE_OPENAI|OTEL|FASTAPI|MLFLOW|HF|HUGGINGFACE)_.*"
    r"|LC_OUTPUT_VERSION|NETRC|SSLKEYLOGFILE"
)
"""Variables that libraries read themselves and that make them send or log text, or change which
service they call. None is a setting of this application."""
_OFF = {
    "DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_OWN = ("localhost", "127.0.0.1", "::1")
"""Addresses that no library may reach through a proxy."""
_hidden: dict[str, str] = {}
"""What was hidden from libraries; a setting may still name one of them."""


def environment(name: str) -> str | None:
    """A variable that is not a setting of this application, such as `XDG_RUNTIME_DIR`."""
    return os.environ.get(name)


def hidden_variable(name: str) -> str | None:
    """The value that a hidden variable had."""
    return _hidden.get(name)


def hide_ambient(*, keep: tuple[str, ...], settings: Collection[str]) -> tuple[str, ...]:
    """Hide variables that libraries read; returns all names hidden so far.

    Stay: those that begin with one of `keep`, and those named like one of `settings`.
    """
    for name in list(os.environ):
        upper = name.upper()
        ours = name.lower() in settings or name in _OFF
        if _AMBIENT.fullmatch(upper) and not ours and not upper.startswith(keep):
            _hidden[name] = os.environ.pop(name)
    return tuple(_hidden)


def quiet_libraries(*, no_proxy: str) -> None:
    """Switch off what libraries report to their makers; no proxy is used for this machine."""
    os.environ.update(_OFF)
    if any(name.lower() in _PROXIES for name in os.environ):
        own = [one for one in _OWN if one not in no_proxy.split(",")]
        bypass = ",".join((*filter(None, [no_proxy]), *own))
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = bypass


def reader_environment() -> dict[str, str]:
    """The environment of the processes that read uploaded files: paths and language, no secrets."""
    names = {"PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(("LC_", "PYTHON", "COVERAGE_"))
    }

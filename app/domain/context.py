"""What the current task works for, as log lines name it. Tasks inherit both when they start."""

from contextvars import ContextVar

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""The id of the HTTP request. Set by `api/requests.py`; a run keeps the one that asked for it."""

current_run: ContextVar[str | None] = ContextVar("current_run", default=None)
"""The id of the run. Set when it was accepted."""

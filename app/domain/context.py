"""Ids of the current request and run, for log lines. Tasks inherit both when they start."""

from contextvars import ContextVar

current_request: ContextVar[str | None] = ContextVar("current_request", default=None)
"""The id of the HTTP request, set by `api/middleware/request_context.py`. A run keeps it."""

current_run: ContextVar[str | None] = ContextVar("current_run", default=None)
"""The id of the run, set when it is accepted."""

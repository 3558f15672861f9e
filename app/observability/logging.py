"""Configures logging from `LOG_LEVEL`, `LOG_FORMAT`, `LOG_FILE` and `LOG_TEXT`.

Questions and answers are private. Our own log lines never contain them, but messages of library
exceptions may quote them: unless `LOG_TEXT` is set, only the type and the traceback of such an
exception are logged.
"""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

import orjson
from typing_extensions import override

from app.config import Settings
from app.domain.context import current_request, current_run
from app.domain.encoding import printable
from app.domain.errors import CitestreamError, SettingError

TEXT = "%(asctime)s %(levelname)-7s %(message)s"
WITHHELD = "(message withheld: LOG_TEXT=true shows it)"
_OURS = "citestream"
_SAFE_TO_LOG = (CitestreamError, asyncio.CancelledError, OSError, ImportError, MemoryError)
"""Exceptions whose messages come from us or the system and never quote user text."""

_KNOWN = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message"}

ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


LogArguments = tuple[object, ...] | Mapping[str, object] | None


def error_lines(error: BaseException, *, text: bool) -> Iterator[str]:
    """Format the error and its causes, root cause first; without `text`, omit library messages."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield from error_lines(cause, text=text)
    for frame in traceback.extract_tb(error.__traceback__):
        yield f"  {frame.filename}:{frame.lineno} in {frame.name}"
    fields = str(error) if text or isinstance(error, _SAFE_TO_LOG) else WITHHELD
    yield f"{type(error).__qualname__}: {fields}"


class _PrivateFormatter(logging.Formatter):
    """Formats exceptions without user text, unless `text` is set."""

    def __init__(self, fmt: str | None = None, *, datefmt: str | None = None, text: bool) -> None:
        super().__init__(fmt, datefmt)
        self._text = text

    @override
    def format(self, record: logging.LogRecord) -> str:
        kept, record.exc_text = record.exc_text, None  # cached by another handler
        try:
            return super().format(record)
        finally:
            record.exc_text = kept

    @override
    def formatException(self, ei: ExceptionInfo) -> str:
        return "" if ei[1] is None else "\n".join(error_lines(ei[1], text=self._text))


class TextFormatter(_PrivateFormatter):
    """For terminals. Escapes control sequences."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        args, record.args = record.args, _escape_arguments(record.args)
        try:
            return printable(super().format(record), keep="\n\t")
        finally:
            record.args = args


def _escape_arguments(args: LogArguments) -> LogArguments:
    """Escape line breaks in arguments, so that they cannot forge log lines."""
    if not isinstance(args, tuple):
        return args
    return tuple(
        printable(str(one)) if isinstance(one, str | BaseException) else one for one in args
    )


class JsonFormatter(_PrivateFormatter):
    """One JSON object per line.

    It contains `time`, `level`, `logger`, `message` and `process`; `request_id` and `run_id` where
    set; the fields of `extra`; and `error` with its traceback.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
        }
        for name, current in (("request_id", current_request), ("run_id", current_run)):
            if (value := current.get()) is not None:
                line[name] = value
        line |= {key: value for key, value in record.__dict__.items() if key not in _KNOWN}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode(errors="replace")


class QueryFilter(logging.Filter):
    """Removes query strings from uvicorn's access log, because they may contain search text."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple) and len(record.args) == 5:
            client, method, path, *rest = record.args
            record.args = (client, method, str(path).partition("?")[0], *rest)
        return True


class TolerantFileHandler(logging.FileHandler):
    """Drops log lines when the disk is full, and reports this once."""

    _node_attributes = False

    @override
    def close(self) -> None:
        with suppress(OSError):
            super().close()

    @override
    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._node_attributes:
            self._node_attributes = True
            sys.stderr.write(f"LOG_FILE: {os.strerror(error.errno or 0)}; log lines are lost\n")


def _log_file(path: Path) -> TolerantFileHandler:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return TolerantFileHandler(path, encoding="utf-8")
    except OSError as error:
        raise SettingError(
            f"LOG_FILE: got {path}, which cannot be written to ({error.strerror}), "
            "takes a file in a folder you may write to"
        ) from error


def configure(settings: Settings) -> None:
    """Configure the logs of application and server. Can be called repeatedly.

    Raises `SettingError` for an unwritable log file.
    """
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if handler.get_name() == _OURS:
            root.removeHandler(handler)
            handler.close()
    target: logging.Handler = logging.StreamHandler(sys.stderr)
    if settings.log_file is not None:
        target = _log_file(settings.log_file)
    target.set_name(_OURS)
    text = settings.log_text
    plain = TextFormatter(TEXT, datefmt="%H:%M:%S", text=text)
    target.setFormatter(JsonFormatter(text=text) if settings.log_format == "json" else plain)
    root.addHandler(target)
    logging.getLogger("app").setLevel(settings.log_level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(settings.log_level)
    logging.getLogger("asyncpg").setLevel("ERROR")  # outages are reported once, by us
    access = logging.getLogger("uvicorn.access")
    access.setLevel("INFO" if settings.log_level == "DEBUG" else "WARNING")
    if not any(isinstance(each, QueryFilter) for each in access.filters):
        access.addFilter(QueryFilter())

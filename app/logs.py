"""Log output as `LOG_LEVEL`, `LOG_FORMAT` and `LOG_FILE` ask for it."""

import logging
import sys
from datetime import UTC, datetime

import orjson
from typing_extensions import override

from app.config import Settings

TEXT = "%(asctime)s %(levelname)-7s %(message)s"
_OURS = "citestream"


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, and the error when there is one."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def configure(settings: Settings) -> None:
    """Send the logs of app and server where the settings say. Safe to call again."""
    root = logging.getLogger()
    for handler in tuple(root.handlers):
        if handler.get_name() == _OURS:
            root.removeHandler(handler)
            handler.close()
    target: logging.Handler = logging.StreamHandler(sys.stderr)
    if settings.log_file is not None:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        target = logging.FileHandler(settings.log_file, encoding="utf-8")
    target.set_name(_OURS)
    text = logging.Formatter(TEXT, datefmt="%H:%M:%S")
    target.setFormatter(JsonLines() if settings.log_format == "json" else text)
    root.addHandler(target)
    logging.getLogger("app").setLevel(settings.log_level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(settings.log_level)
    logging.getLogger("asyncpg").setLevel("ERROR")  # outages are told once, by us
    logging.getLogger("uvicorn.access").setLevel(
        "INFO" if settings.log_level == "DEBUG" else "WARNING"
    )

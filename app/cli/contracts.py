"""Writes the generated contracts under `specs/contracts/`, or compares them with `--check`."""

import sys
from pathlib import Path
from typing import Any

import orjson
from pydantic import TypeAdapter

from app.config import Settings
from app.domain.events import EVENT
from app.domain.jobs import JOB_EVENT
from app.main import create_app

CONTRACTS = Path(__file__).resolve().parents[2] / "specs" / "contracts"


def without_titles(schema: object) -> object:
    """Remove field titles, which would become one TypeScript alias per field."""
    if isinstance(schema, list):
        return [without_titles(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: without_titles(part) for name, part in value.items()}
        if key in {"properties", "$defs"} and isinstance(value, dict)
        else without_titles(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def event_schema(events: TypeAdapter[Any] = EVENT) -> bytes:
    """JSON Schema of every event as sent (serialisation mode)."""
    schema = events.json_schema(mode="serialization")
    cleaned = without_titles(schema)
    return orjson.dumps(cleaned, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def openapi() -> bytes:
    """The OpenAPI document, generated with default settings regardless of the environment."""
    app = create_app(Settings.model_construct())
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    return orjson.dumps(app.openapi(), option=option)


def documents() -> dict[Path, bytes]:
    """The generated files and their expected contents."""
    return {
        CONTRACTS / "events.schema.json": event_schema(),
        CONTRACTS / "job-events.schema.json": event_schema(JOB_EVENT),
        CONTRACTS / "openapi.json": openapi(),
    }


def main(arguments: list[str]) -> int:
    """0 when all files are up to date or were written, 1 when `--check` found a difference."""
    stale = [
        path
        for path, content in documents().items()
        if not path.exists() or path.read_bytes() != content
    ]
    if "--check" in arguments:
        for path in stale:
            sys.stderr.write(f"{path.name} is out of date: run python -m app.contracts\n")
        return 1 if stale else 0
    for path, content in documents().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return 0

"""Writes the events of the Python client from their contract: `python -m scripts.client_models`.

`--check` compares instead. Clients read events of newer servers, so unknown values of an
enumeration are kept.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

ROOT: Final = Path(__file__).resolve().parents[1]
CONTRACT: Final = ROOT / "specs" / "contracts" / "events.schema.json"
MODELS: Final = ROOT / "clients" / "python" / "citestream_client" / "events.py"

Schema = Mapping[str, Any]

_HEADER: Final = '''"""The events of a run. Generated: `python -m scripts.client_models`."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
'''
_UNION: Final = """
Event = {events}

EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="type")])
"""
_SENT: Final = frozenset({"Filters"})  # request models: an unknown value is an error
_TYPES: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}


def source(contract: Schema) -> str:
    """The module: a class per model, in order of dependency, and the union of events."""
    shapes: Schema = contract["$defs"]
    classes = "".join(_class(name, shapes[name]) for name in _in_order(shapes))
    events = " | ".join(_name(event) for event in contract["oneOf"])
    return _formatted(_HEADER + classes + _UNION.format(events=events))


def _in_order(shapes: Schema) -> Iterator[str]:
    done = dict[str, None]()

    def visit(name: str) -> None:
        for other in sorted(_references(shapes[name])):
            visit(other)
        done.setdefault(name)

    for name in sorted(shapes):
        visit(name)
    return iter(done)


def _references(part: object) -> set[str]:
    if isinstance(part, list):
        return {name for item in part for name in _references(item)}
    if not isinstance(part, dict):
        return set()
    if "$ref" in part:
        return {_name(part)}
    return {name for value in part.values() for name in _references(value)}


def _name(reference: Schema) -> str:
    return str(reference["$ref"]).rpartition("/")[2]


def _class(name: str, shape: Schema) -> str:
    fields = (
        f"    {field}: {_annotation(schema, strict=name in _SENT)}{_default(schema)}\n"
        for field, schema in shape["properties"].items()
    )
    description = shape["description"].replace("\n", "\n    ").replace("\n    \n", "\n\n")
    end = "\n    " if "\n" in description else ""
    return f'\nclass {name}(_Model):\n    """{description}{end}"""\n\n{"".join(fields)}\n'


def _annotation(schema: Schema, *, strict: bool) -> str:
    if "$ref" in schema:
        return _name(schema)
    if "anyOf" in schema:
        return " | ".join(_annotation(option, strict=strict) for option in schema["anyOf"])
    if "const" in schema:
        return f"Literal[{_quoted(schema['const'])}]"
    if "enum" in schema:
        words = f"Literal[{', '.join(map(_quoted, schema['enum']))}]"
        return words if strict else f"{words} | str"
    if schema["type"] == "null":
        return "None"
    if schema["type"] == "array":
        return f"tuple[{_annotation(schema['items'], strict=strict)}, ...]"
    return "date" if schema.get("format") == "date" else _TYPES[schema["type"]]


def _default(schema: Schema) -> str:
    if "default" not in schema:
        return ""
    default = schema["default"]
    if isinstance(default, str):
        return f" = {_quoted(default)}"
    return " = ()" if default == [] else f" = {default!r}"


def _quoted(word: str) -> str:
    return orjson.dumps(word).decode()


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", f"--stdin-filename={MODELS}", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def main(arguments: list[str]) -> int:
    """0 when the module is up to date (or was written), 1 when `--check` found a difference."""
    written = source(orjson.loads(CONTRACT.read_bytes()))
    if "--check" not in arguments:
        MODELS.write_text(written, encoding="utf-8")
        return 0
    if MODELS.read_text(encoding="utf-8") == written:
        return 0
    sys.stderr.write(f"{MODELS.name} is out of date: run python -m scripts.client_models\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

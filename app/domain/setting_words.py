"""Describes pydantic's errors about settings: the accepted and the actual value."""

import re
from collections.abc import Mapping
from typing import get_args

from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

_HOST = r"(?:[A-Za-z0-9-]{1,32}(?:\.[A-Za-z0-9-]{1,32}){0,6})?"
_PLAIN_ADDRESS = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{1,11}}://{_HOST}(?::\d{{1,6}})?|{_HOST}:\d{{1,6}}|localhost"
    r"|[A-Za-z0-9-]{1,32}(?:\.[A-Za-z0-9-]{1,32}){1,6}(?=/))"
    r"(?:/[A-Za-z0-9._-]{0,20}){0,6}"
)
_BOUNDS = ("ge", "gt", "le", "lt")
_KINDS: Mapping[str, str] = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "path_type": "the path of a file or folder",
    "missing": "a value",
    "tuple_type": "a list separated by commas",
}


def expected(problem: ErrorDetails, field: FieldInfo | None) -> str:
    """What the setting accepts, as a noun phrase."""
    kind = problem["type"]
    if kind in _KINDS:
        return _KINDS[kind]
    if field is not None and (number := _number(field)) is not None:
        return number
    context = problem.get("ctx")
    if kind == "literal_error" and context is not None:
        return str(context["expected"])
    message = problem["msg"]
    for prefix in ("Input should be ", "Value error, "):
        message = message.removeprefix(prefix)
    return message


def _number(field: FieldInfo) -> str | None:
    """`a whole number from 1 to 64`; None for a setting that is not a number."""
    kinds = {field.annotation, *get_args(field.annotation)}
    if not kinds & {int, float}:
        return None
    noun = "a number" if float in kinds else "a whole number"
    bounds = {
        name: getattr(one, name) for one in field.metadata for name in _BOUNDS if hasattr(one, name)
    }
    if bounds.keys() == {"ge", "le"}:
        return f"{noun} from {bounds['ge']} to {bounds['le']}"
    words = {"ge": "of at least", "gt": "above", "le": "at most", "lt": "below"}
    limits = [f"{words[name]} {bounds[name]}" for name in _BOUNDS if name in bounds]
    return " ".join((noun, " and ".join(limits))).strip()


def is_plain_address(value: object) -> bool:
    """Whether this is a (possibly incomplete) address that cannot contain a secret."""
    return isinstance(value, str) and _PLAIN_ADDRESS.fullmatch(value) is not None

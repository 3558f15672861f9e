"""The model endpoints of `MODELS`, read from JSON or from a JSON or TOML file."""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic_core import ErrorDetails

from app.domain.errors import SettingError
from app.domain.principals import Principal
from app.domain.setting_values import service_address, service_key, with_path, without_padding

Provider = Literal["openai", "databricks", "extractive"]
QUOTING: Final = "extractive"
"""The name of quoting mode in the list of models. No endpoint may use it."""
MAX_ENDPOINTS: Final = 200
MAX_NAME: Final = 200
"""Maximum characters of a model's name."""
EXAMPLE: Final = '[{"base_url": "http://localhost:11434/v1", "model": "llama3.2"}]'

Variable = Callable[[str], str | None]
"""Looks up an environment variable or setting by name; None when it is not set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEndpoint:
    """A model that users can choose. Prices are in US dollars per million tokens.

    `base_url` None: that of `OPENAI_BASE_URL`. Without `groups` and `people` everyone may use it.
    """

    name: str  # unique; what a request and the page call it
    label: str
    provider: Provider
    model: str  # its name at the endpoint
    found: bool = False  # listed by its endpoint, not in `MODELS`
    base_url: str | None = None
    api_key: SecretStr | None = None
    key_setting: str | None = None  # the variable that holds the key
    context_window: int | None = None  # tokens
    input_price: float | None = None
    output_price: float | None = None
    groups: tuple[str, ...] = ()
    people: tuple[str, ...] = ()

    def permits(self, principal: Principal) -> bool:
        if not self.groups and not self.people:
            return True
        return principal.owner_id in self.people or bool(set(self.groups) & set(principal.groups))


def _text(value: object) -> object:
    return without_padding(value) if isinstance(value, str) else value


def _name(value: str) -> str:
    if not value.isprintable():
        raise ValueError("printable text")
    return value


def _address(value: str) -> str:
    """Append `/v1` to an address without a path."""
    address = service_address(value)
    after_host = address.partition("://")[2].partition("?")[0]
    return address if "/" in after_host else with_path(address, "/v1")


Text = Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=MAX_NAME)]
Name = Annotated[Text, AfterValidator(_name)]
Names = Annotated[tuple[Name, ...], Field(max_length=1_000)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class _Entry(BaseModel):
    """One object of the list, as written in the setting."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Name | None = None
    label: Name | None = None
    provider: Literal["openai", "databricks"] = "openai"
    base_url: Annotated[Text, Field(max_length=2_000), AfterValidator(_address)] | None = None
    model: Name | None = None
    key: Text | None = None
    context_window: Annotated[int, Field(ge=512)] | None = None
    input_price: Price | None = None
    output_price: Price | None = None
    groups: Names = ()
    people: Names = ()


_TAKES: Final[Mapping[str, str]] = {
    "name": f"printable text of 1 to {MAX_NAME} characters",
    "label": f"printable text of 1 to {MAX_NAME} characters",
    "provider": "'openai' or 'databricks'",
    "base_url": "an http:// or https:// address without user name and password, "
    "for example http://localhost:11434/v1",
    "model": "the model's name at the endpoint",
    "key": "the name of the variable that holds the key, for example OPENAI_API_KEY",
    "context_window": "a whole number of tokens of at least 512",
    "input_price": "a number of at least 0: US dollars per million tokens",
    "output_price": "a number of at least 0: US dollars per million tokens",
    "groups": "a list of names of groups",
    "people": "a list of names of people",
}


def read_model_endpoints(setting: str, variable: Variable) -> tuple[ModelEndpoint, ...]:
    """The endpoints of a JSON list, or of the file at this path. Raises `SettingError`."""
    values = _values(setting)
    if len(values) > MAX_ENDPOINTS:
        raise SettingError(f"MODELS: got {len(values)} models, takes at most {MAX_ENDPOINTS}")
    endpoints = tuple(
        _endpoint(value, place, variable) for place, value in enumerate(values, start=1)
    )
    seen: set[str] = set()
    for place, endpoint in enumerate(endpoints, start=1):
        if endpoint.name in seen:
            raise _refusal(place, "name", repr(endpoint.name), "a name that no other model has")
        seen.add(endpoint.name)
    return endpoints


def _values(setting: str) -> Sequence[object]:
    text, where = setting.strip(), ""
    is_toml = False
    if not text.startswith(("[", "{")):
        path = Path(text).expanduser()
        where, is_toml = " in this file", path.suffix.lower() == ".toml"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            raise SettingError(
                "MODELS: got neither a JSON list nor the path of a file that can be read, takes a "
                f"list such as {EXAMPLE}, or the path of a .json or .toml file"
            ) from None
    try:
        loaded: object = tomllib.loads(text) if is_toml else json.loads(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, RecursionError) as error:
        kind = "TOML" if is_toml else "JSON"
        at = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise SettingError(
            f"MODELS: got broken {kind}{where}{at}, takes a list such as {EXAMPLE}"
        ) from None
    if isinstance(loaded, dict) and set(loaded) == {"models"}:
        loaded = loaded["models"]  # as TOML has it: [[models]]
    if not isinstance(loaded, list):
        takes = "tables named [[models]]" if is_toml else f"a list such as {EXAMPLE}"
        raise SettingError(f"MODELS: got no list{where}, takes {takes}")
    return loaded


def _endpoint(value: object, place: int, variable: Variable) -> ModelEndpoint:
    try:
        entry = _Entry.model_validate(value)
    except ValidationError as error:
        raise _of_problem(error.errors(include_url=False)[0], place) from None
    model = entry.model or entry.name
    if model is None:
        raise _refusal(place, "model", "nothing", _TAKES["model"])
    if entry.provider == "databricks" and (entry.base_url or entry.key):
        field = "base_url" if entry.base_url else "key"
        takes = "nothing with provider databricks: its workspace is that of DATABRICKS_HOST"
        raise _refusal(place, field, "a value", takes)
    if entry.name == QUOTING or model == QUOTING:
        raise _refusal(place, "name", repr(QUOTING), "another name: this is that of quoting mode")
    return ModelEndpoint(
        name=entry.name or model,
        label=entry.label or entry.name or model,
        provider=entry.provider,
        model=model,
        base_url=entry.base_url,
        api_key=_key(entry.key, place, variable),
        key_setting=entry.key,
        context_window=entry.context_window,
        input_price=entry.input_price,
        output_price=entry.output_price,
        groups=entry.groups,
        people=entry.people,
    )


def _key(name: str | None, place: int, variable: Variable) -> SecretStr | None:
    """Look up the key. Errors omit the name, which may be a key pasted in its place."""
    if name is None:
        return None
    value = variable(name)
    if not value:
        raise _refusal(place, "key", "a name of no variable that is set", _TAKES["key"])
    try:
        return SecretStr(service_key(without_padding(value)))
    except ValueError as error:
        raise _refusal(place, "key", "a variable with a value that is no key", str(error)) from None


def _of_problem(problem: ErrorDetails, place: int) -> SettingError:
    path = problem["loc"]
    if not path:
        return SettingError(
            f"MODELS: entry {place}: got {_shown(problem['input'])}, takes an object such as "
            f"{EXAMPLE[1:-1]}"
        )
    field = str(path[0])
    if field not in _TAKES:
        close = get_close_matches(field, _TAKES, n=1)
        meant = f" (did you mean {close[0]}?)" if close else ""
        return SettingError(
            f"MODELS: entry {place}: got an unknown field {field[:60]!r}{meant}, "
            f"takes {', '.join(_TAKES)}"
        )
    got = "a secret value" if field in ("base_url", "key") else _shown(problem["input"])
    return _refusal(place, field, got, _TAKES[field])


def _refusal(place: int, field: str, got: str, takes: str) -> SettingError:
    return SettingError(f"MODELS: entry {place}: {field}: got {got}, takes {takes}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"

"""Reads the settings. An invalid value is reported in one line."""

from pydantic import ValidationError

from app.config.consistency import check
from app.config.environment import hide_ambient, quiet_libraries
from app.config.settings import COLLECTORS, Settings
from app.domain.errors import SettingError
from app.domain.setting_words import expected, is_plain_address


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`. Raises `SettingError` naming the first invalid variable."""
    try:
        settings = Settings.model_validate(overrides)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "settings"
        name = field.upper()
        got = "a secret value" if _may_be_secret(name, first["input"]) else repr(first["input"])
        takes = expected(first, Settings.model_fields.get(field))
        raise SettingError(f"{name}: got {got}, takes {takes}") from None
    check(settings)
    ignore_ambient(settings)
    return settings


def _may_be_secret(name: str, value: object) -> bool:
    if name.endswith(("URL", "ENDPOINT")) and name != "DATABASE_URL":
        return not is_plain_address(value)
    return name.endswith(("KEY", "TOKEN", "URL", "SECRET", "ENDPOINT", "PROXY"))


def ignore_ambient(settings: Settings) -> tuple[str, ...]:
    """Hide variables from libraries unless they are settings. Returns all names hidden so far.

    Variables that complete a setting in use stay: headers and certificates of a collector, the
    experiment of an MLflow server. Their addresses are passed to the libraries explicitly.
    """
    used = zip(
        COLLECTORS,
        (settings.otel_exporter_otlp_endpoint, settings.mlflow_tracking_uri),
        strict=True,
    )
    hidden = hide_ambient(
        keep=tuple(prefix for prefix, setting in used if setting), settings=Settings.model_fields
    )
    quiet_libraries(no_proxy=settings.no_proxy)
    named = {endpoint.key_setting for endpoint in settings.model_endpoints}
    return tuple(name for name in hidden if name not in named)

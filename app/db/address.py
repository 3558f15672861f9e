"""Parses `DATABASE_URL` in the dialects of libpq, Neon, Supabase, Prisma and SQLAlchemy.

The driver passes unknown parameters to the server as settings, and the server rejects them. Here
each parameter is applied, translated for the driver, or ignored because it has no effect.
"""

import logging
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import quote, unquote

from app.domain.errors import SettingError

log = logging.getLogger(__name__)


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_DRIVER = _names(
    """
    host port dbname database user password passfile service sslmode sslcert sslkey sslrootcert
    sslcrl sslpassword sslnegotiation ssl_min_protocol_version ssl_max_protocol_version
    target_session_attrs krbsrvname gsslib
    """
)
"""Parameters that the driver reads from the address."""
_LIBPQ_TUNING = _names(
    """
    keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout gssencmode
    gssdelegation sslcompression sslsni sslcertmode fallback_application_name client_encoding
    load_balance_hosts min_protocol_version max_protocol_version
    """
)
_IGNORED = _LIBPQ_TUNING | _names(
    """
    pgbouncer pool pool_timeout pool_mode socket_timeout statement_cache_size prepared_statements
    prepare_threshold uselibpqcompat workaround supa sslidentity
    """
)
"""Tuning parameters of libpq and other clients: ignored."""
_REFUSED = _names("requirepeer require_auth hostaddr replication scram_client_key")
"""Parameters that must not be ignored: they protect something or change the meaning."""
_LIBPQ = (
    _DRIVER
    | _LIBPQ_TUNING
    | _REFUSED
    | _names("channel_binding connect_timeout application_name options")
)
_SSL_MODES = {"no-verify": "require", "true": "require", "1": "require", "false": "disable"}


@dataclass(frozen=True, slots=True)
class Address:
    """`dsn` is for the driver; the other fields come from parameters it does not know."""

    dsn: str
    settings: dict[str, str] = field(default_factory=dict)  # of the session
    connect_s: float | None = None
    pool_size: int | None = None
    tls: ssl.SSLContext | None = None

    def keywords(self) -> dict[str, object]:
        """Keyword arguments for `asyncpg.connect` and `create_pool`."""
        settings = {"application_name": "citestream", **self.settings}
        return {"server_settings": settings} | ({"ssl": self.tls} if self.tls else {})


@cache
def read_address(text: str) -> Address:
    """Raises `SettingError` that names an unusable parameter."""
    base, parameters = _split(text)
    if unusable := sorted(_REFUSED & parameters.keys()):
        raise _setting_error(f"the parameter {unusable[0]}", "an address without it")
    settings: dict[str, str] = {}
    if schema := parameters.pop("schema", None):
        settings["search_path"] = '"{}"'.format(schema.replace('"', '""'))
    if parameters.pop("channel_binding", None) == "require":
        log.warning(
            "DATABASE_URL: channel_binding=require is not checked here; "
            "sslmode=verify-full protects the connection"
        )
    connect_s, pool_size = _seconds(parameters, "connect_timeout"), _connection_limit(parameters)
    _translate_tls(parameters)
    tls = _system_tls(parameters)
    for name in ("application_name", "options"):
        if value := parameters.pop(name, None):
            settings[name] = value
    kept = [(name, value) for name, value in parameters.items() if name not in _IGNORED]
    return Address(
        dsn=_joined(base, kept),
        settings=settings,
        connect_s=connect_s,
        pool_size=pool_size,
        tls=tls,
    )


def libpq_address(text: str) -> str:
    """The address for libpq programs such as `pg_dump`, without parameters of other clients."""
    base, parameters = _split(text)
    _translate_tls(parameters)
    return _joined(base, [(name, value) for name, value in parameters.items() if name in _LIBPQ])


def _split(text: str) -> tuple[str, dict[str, str]]:
    """The address up to its query, and the parameters (the last one of each name)."""
    text = text.strip().removeprefix("psql ").strip().strip("'\"").strip()
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise SettingError(
            "DATABASE_URL: got something that is not the address of a PostgreSQL, takes "
            "postgresql://user:password@host:port/database"
        )
    text = f"postgresql://{rest}"
    if "#" in text:
        raise _setting_error(
            "a # in it", "one where # is written as %23 (passwords are percent-encoded)"
        )
    base, _, query = text.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return base, {unquote(name): unquote(value) for name, _, value in pairs}


def _joined(base: str, parameters: Iterable[tuple[str, str]]) -> str:
    query = "&".join(f"{quote(name)}={quote(value, safe='/,:')}" for name, value in parameters)
    return f"{base}?{query}" if query else base


def _translate_tls(parameters: dict[str, str]) -> None:
    """Translate the TLS parameters of Node and Prisma to libpq's."""
    if (sslmode := parameters.pop("ssl", None)) is not None:
        parameters.setdefault("sslmode", sslmode)
    if (accept := parameters.pop("sslaccept", None)) is not None:
        strict = accept == "strict"
        parameters.setdefault("sslmode", "verify-full" if strict else "require")
    if parameters.pop("requiressl", None) == "1":
        parameters.setdefault("sslmode", "require")
    if "sslmode" in parameters:
        parameters["sslmode"] = _SSL_MODES.get(parameters["sslmode"], parameters["sslmode"])
    for name in [name for name, value in parameters.items() if not value]:
        del parameters[name]  # libpq treats an empty value as unset


def _system_tls(parameters: dict[str, str]) -> ssl.SSLContext | None:
    """`sslrootcert=system`: verify against the system's trust store, including the host name."""
    if parameters.get("sslrootcert") != "system":
        return None
    for name in ("sslrootcert", "sslmode"):
        parameters.pop(name, None)
    return ssl.create_default_context()


def _seconds(parameters: dict[str, str], name: str) -> float | None:
    """A positive number of seconds; libpq treats zero and less as unset."""
    text = parameters.pop(name, "")
    try:
        number = float(text or 0)
    except ValueError:
        raise _setting_error(f"{name}={text[:40]}", "a number of seconds there") from None
    return number if 0 < number < float("inf") else None


def _connection_limit(parameters: dict[str, str]) -> int | None:
    """Prisma's `connection_limit`."""
    text = parameters.pop("connection_limit", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 1000:
        raise _setting_error(f"connection_limit={text[:40]}", "a number from 1 to 1000 there")
    return int(text)


def _setting_error(got: str, takes: str) -> SettingError:
    return SettingError(f"DATABASE_URL: got an address with {got}, takes {takes}")

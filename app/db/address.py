"""Reads `DATABASE_URL` as its many makers write it: libpq, Neon, Supabase, Prisma, SQLAlchemy.

The driver hands every parameter that it does not know to the server as a setting, which refuses
it. Here each is used, put in the driver's words, or left out because it changes nothing here.
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
"""What the driver takes from the address itself."""
_LIBPQ_TUNING = _names(
    """
    keepalives keepalives_idle keepalives_interval keepalives_count tcp_user_timeout gssencmode
    gssdelegation sslcompression sslsni sslcertmode fallback_application_name client_encoding
    load_balance_hosts min_protocol_version max_protocol_version
    """
)
_NO_MATTER = _LIBPQ_TUNING | _names(
    """
    pgbouncer pool pool_timeout pool_mode socket_timeout statement_cache_size prepared_statements
    prepare_threshold uselibpqcompat workaround supa sslidentity
    """
)
"""Tuning of libpq and of other clients: left out."""
_PROTECTS = _names("requirepeer require_auth hostaddr replication scram_client_key")
"""Ignoring these would do something else than what was asked for."""
_LIBPQ = (
    _DRIVER
    | _LIBPQ_TUNING
    | _PROTECTS
    | _names("channel_binding connect_timeout application_name options")
)
_SSL_MODES = {"no-verify": "require", "true": "require", "1": "require", "false": "disable"}


@dataclass(frozen=True, slots=True)
class Address:
    """`dsn` is in the driver's words; the rest is what other words in the address came to."""

    dsn: str
    settings: dict[str, str] = field(default_factory=dict)  # of the session
    connect_s: float | None = None
    pool_size: int | None = None
    tls: ssl.SSLContext | None = None

    def keywords(self) -> dict[str, object]:
        """For `asyncpg.connect` and `create_pool`, beside the dsn."""
        settings = {"application_name": "citestream", **self.settings}
        return {"server_settings": settings} | ({"ssl": self.tls} if self.tls else {})


@cache
def read_address(text: str) -> Address:
    """Raises `SettingError` naming the parameter that cannot be used."""
    base, parameters = _split(text)
    if unusable := sorted(_PROTECTS & parameters.keys()):
        raise _wrong(f"the parameter {unusable[0]}", "an address without it")
    settings: dict[str, str] = {}
    if schema := parameters.pop("schema", None):
        settings["search_path"] = '"{}"'.format(schema.replace('"', '""'))
    if parameters.pop("channel_binding", None) == "require":
        log.warning(
            "DATABASE_URL: channel_binding=require is not checked here; "
            "sslmode=verify-full protects the connection"
        )
    connect_s, pool_size = _number(parameters, "connect_timeout"), _size(parameters)
    _translate_tls(parameters)
    tls = _system_tls(parameters)
    for name in ("application_name", "options"):
        if value := parameters.pop(name, None):
            settings[name] = value
    kept = [(name, value) for name, value in parameters.items() if name not in _NO_MATTER]
    return Address(
        dsn=_joined(base, kept),
        settings=settings,
        connect_s=connect_s,
        pool_size=pool_size,
        tls=tls,
    )


def libpq_address(text: str) -> str:
    """For `pg_dump` and its like: without what only other clients know."""
    base, parameters = _split(text)
    _translate_tls(parameters)
    return _joined(base, [(name, value) for name, value in parameters.items() if name in _LIBPQ])


def _split(text: str) -> tuple[str, dict[str, str]]:
    """The address up to its query, and the parameters, the last of each name."""
    text = text.strip().removeprefix("psql ").strip().strip("'\"").strip()
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgres", "postgresql"}:
        raise SettingError(
            "DATABASE_URL: got something that is not the address of a PostgreSQL, takes "
            "postgresql://user:password@host:port/database"
        )
    text = f"postgresql://{rest}"
    if "#" in text:
        raise _wrong("a # in it", "one where # is written as %23 (passwords are percent-encoded)")
    base, _, query = text.partition("?")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return base, {unquote(name): unquote(value) for name, _, value in pairs}


def _joined(base: str, parameters: Iterable[tuple[str, str]]) -> str:
    query = "&".join(f"{quote(name)}={quote(value, safe='/,:')}" for name, value in parameters)
    return f"{base}?{query}" if query else base


def _translate_tls(parameters: dict[str, str]) -> None:
    """What Node and Prisma say of TLS, in libpq's words."""
    if (asked := parameters.pop("ssl", None)) is not None:
        parameters.setdefault("sslmode", asked)
    if (accept := parameters.pop("sslaccept", None)) is not None:
        strict = accept == "strict"
        parameters.setdefault("sslmode", "verify-full" if strict else "require")
    if parameters.pop("requiressl", None) == "1":
        parameters.setdefault("sslmode", "require")
    if "sslmode" in parameters:
        parameters["sslmode"] = _SSL_MODES.get(parameters["sslmode"], parameters["sslmode"])
    for name in [name for name, value in parameters.items() if not value]:
        del parameters[name]  # libpq takes an empty value for none


def _system_tls(parameters: dict[str, str]) -> ssl.SSLContext | None:
    """`sslrootcert=system`: the certificates that this machine trusts, and the host's name."""
    if parameters.get("sslrootcert") != "system":
        return None
    for name in ("sslrootcert", "sslmode"):
        parameters.pop(name, None)
    return ssl.create_default_context()


def _number(parameters: dict[str, str], name: str) -> float | None:
    """A positive number of seconds; libpq takes zero and less for none."""
    text = parameters.pop(name, "")
    try:
        number = float(text or 0)
    except ValueError:
        raise _wrong(f"{name}={text[:40]}", "a number of seconds there") from None
    return number if 0 < number < float("inf") else None


def _size(parameters: dict[str, str]) -> int | None:
    """Prisma's `connection_limit`."""
    text = parameters.pop("connection_limit", "")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= 1000:
        raise _wrong(f"connection_limit={text[:40]}", "a number from 1 to 1000 there")
    return int(text)


def _wrong(got: str, takes: str) -> SettingError:
    return SettingError(f"DATABASE_URL: got an address with {got}, takes {takes}")

"""Translates driver errors: outages, wrong settings, a changed schema.

Any other error is a bug and propagates unchanged, so that it is logged with its traceback and never
retried as an outage.
"""

import ssl
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asyncpg import exceptions

from app.domain.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNAVAILABLE = (
    exceptions.PostgresConnectionError,
    exceptions.OperatorInterventionError,  # shutting down, starting up, cancelled, timed out
    exceptions.InsufficientResourcesError,  # disk full, out of memory, too many connections
    exceptions.PostgresSystemError,  # a failing disk
    exceptions.TransactionRollbackError,  # deadlock, serialization failure: a retry works
    exceptions.LockNotAvailableError,  # lock_timeout of the role
    exceptions.ReadOnlySQLTransactionError,  # a failover is in progress
    exceptions.IdleInTransactionSessionTimeoutError,
    exceptions.TransactionTimeoutError,
    exceptions.TargetServerAttributeNotMatched,  # a failover without a primary yet
    OSError,
    TimeoutError,
)
_REFUSED = (
    exceptions.InvalidAuthorizationSpecificationError,
    exceptions.InvalidCatalogNameError,
    exceptions.ClientConfigurationError,
)
_STALE = (
    exceptions.InvalidCachedStatementError,
    exceptions.OutdatedSchemaCacheError,
    exceptions.InvalidSQLStatementNameError,  # prepared statements were dropped
)
_STALE_TYPE = "cache lookup failed"  # XX000: a type used by a prepared statement was dropped
_SCHEMA_GONE = (exceptions.UndefinedTableError, exceptions.UndefinedFunctionError)
_DRIVER_ERRORS = (exceptions.InterfaceError, exceptions.InternalClientError)


_FULL_MESSAGES = ("no more connections allowed", "max clients")  # PgBouncer, Supabase
NO_CONNECTION = (
    "DATABASE_URL: got a database that has no free connection, takes one with at least 4 for each "
    "process of Citestream (max_connections, or the limit of this role)"
)


class SchemaChanged(StoreUnavailable):
    """The driver's cached schema is stale; a new connection works."""


def _always_false() -> bool:
    return False


@contextmanager
def translated(is_gone: Callable[[], bool] = _always_false) -> "Iterator[None]":
    """Raise `StoreUnavailable` for driver errors that a retry may fix. Other errors propagate.

    `is_gone`: whether the connection is closed. Only then does an interface error of the driver
    count as an outage.
    """
    try:
        yield
    except exceptions.DataError:
        raise
    except _STALE as error:
        raise SchemaChanged("The database is being upgraded.") from error
    except exceptions.InternalServerError as error:
        if _STALE_TYPE not in str(error):
            raise
        raise SchemaChanged("The database was restored.") from error
    except (*_UNAVAILABLE, *_REFUSED) as error:
        raise _unreachable() from error
    except _DRIVER_ERRORS as error:
        if not is_gone():
            raise
        raise _unreachable() from error


def _unreachable() -> StoreUnavailable:
    return StoreUnavailable("The database cannot be reached right now.")


def schema_may_have_changed(error: BaseException) -> bool:
    """Whether connections must discard their cached tables, functions and types."""
    return isinstance(error, (SchemaChanged, *_SCHEMA_GONE))


def is_full(error: BaseException | None) -> bool:
    """Whether the server refused a connection because its limit is reached."""
    if isinstance(error, exceptions.TooManyConnectionsError):
        return True
    return isinstance(error, exceptions.PostgresError) and any(
        w in str(error) for w in _FULL_MESSAGES
    )


@contextmanager
def starting() -> "Iterator[None]":
    """Like `translated`, but a refused or unreadable address raises `SettingError`.

    Later, the same refusal is an outage: a token is being renewed, or the server is moving.
    """
    try:
        with translated():
            yield
    except StoreUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, exceptions.ClientConfigurationError):
            raise _unreadable() from error
        if isinstance(cause, _AT_THE_START) and not is_full(cause):
            raise _refused(cause) from error
        if isinstance(cause, ConnectionError) and "SSL" in str(cause):
            raise _wrong(
                "an address whose server takes no TLS", "one with sslmode=disable"
            ) from error
        raise
    except _PARAMETER as error:
        raise _wrong(
            f"an address with a parameter that the database refuses ({error})",
            "an address without it",
        ) from error
    except (ValueError, *_DRIVER_ERRORS) as error:
        raise _unreadable() from error


_AT_THE_START = (
    *_REFUSED,
    exceptions.ProtocolViolationError,
    exceptions.TargetServerAttributeNotMatched,
    ssl.SSLError,
)
_PARAMETER = (
    exceptions.UndefinedObjectError,
    exceptions.InvalidParameterValueError,
    exceptions.CantChangeRuntimeParamError,
    exceptions.InvalidNameError,
    exceptions.PostgresSyntaxError,
)


FORM = "postgresql://user:password@host:port/database"


def _wrong(got: str, takes: str) -> SettingError:
    return SettingError(f"DATABASE_URL: got {got}, takes {takes}")


def _unreadable() -> SettingError:
    return _wrong("an address that cannot be read", FORM)


def _refused(error: BaseException) -> SettingError:
    return _wrong(
        f"an address, user, password or database that is refused ({type(error).__name__})",
        FORM,
    )

"""Lakebase: PostgreSQL whose password is a credential of the workspace that lives for an hour."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final, Protocol

from app.domain.errors import SettingError, StoreUnavailable

if TYPE_CHECKING:
    from pydantic import SecretStr

INSTALL: Final = "pip install --no-deps --require-hashes -r requirements-databricks.lock"
AHEAD: Final = timedelta(minutes=5)
"""Connections that open later than this before the end get a new credential."""

Issue = Callable[[], tuple[str, datetime]]


class LakebasePassword:
    """Asked by the driver at each new connection; from any event loop. Open ones stay open."""

    def __init__(self, issue: Issue, *, now: Callable[[], datetime]) -> None:
        """`issue` blocks; it gives a credential and when that expires."""
        self._issue = issue
        self._now = now
        self._lock = threading.Lock()
        self._held: tuple[str, datetime] | None = None

    async def __call__(self) -> str:
        """The credential, renewed when it is close to its end. Raises `StoreUnavailable`."""
        held = self._held
        if held is not None and self._now() < held[1] - AHEAD:
            return held[0]
        return await asyncio.to_thread(self._renewed)

    def _renewed(self) -> str:
        with self._lock:
            if self._held is None or self._now() >= self._held[1] - AHEAD:
                try:
                    self._held = self._issue()
                except (OSError, ValueError) as error:  # the SDK's errors are OSErrors
                    raise StoreUnavailable("Databricks gives no database credential.") from error
            return self._held[0]


class LakebaseSettings(Protocol):
    """The settings that concern the database's password."""

    @property
    def lakebase_instance(self) -> str | None:
        """None: the password stands in the address."""
        ...

    @property
    def databricks_host(self) -> str | None:
        """The workspace; None: where the Databricks SDK is signed in."""
        ...

    @property
    def databricks_token(self) -> "SecretStr | None":
        """None: the SDK's own sign-in."""
        ...


def password_of(settings: LakebaseSettings) -> LakebasePassword | None:
    """None unless the database is Lakebase. Raises `SettingError`. Blocks for seconds."""
    if settings.lakebase_instance is None:
        return None
    token = settings.databricks_token
    return lakebase_password(
        settings.lakebase_instance,
        host=settings.databricks_host,
        token=token.get_secret_value() if token else None,
    )


def lakebase_password(instance: str, *, host: str | None, token: str | None) -> LakebasePassword:
    """Credentials for an instance by name, or for `projects/…/endpoints/…`.

    Raises `SettingError` without the extra or a sign-in. Blocks for seconds.
    """
    try:
        from databricks.sdk import WorkspaceClient
    except ImportError as error:
        raise SettingError(
            f"LAKEBASE_INSTANCE: got {instance}, takes the databricks extra. Install it: {INSTALL}"
        ) from error
    try:
        workspace = WorkspaceClient(host=host, token=token)
    except ValueError as error:
        raise SettingError(
            "DATABRICKS_HOST: got no workspace that can be signed in to, takes its address, "
            "with DATABRICKS_TOKEN or another sign-in that the Databricks SDK finds"
        ) from error

    def issue() -> tuple[str, datetime]:
        if instance.startswith("projects/"):
            given = workspace.postgres.generate_database_credential(endpoint=instance)
            return str(given.token), given.expire_time.ToDatetime(tzinfo=UTC)
        given = workspace.database.generate_database_credential(
            request_id=str(uuid.uuid4()), instance_names=[instance]
        )
        return str(given.token), datetime.fromisoformat(given.expiration_time)

    return LakebasePassword(issue, now=lambda: datetime.now(UTC))

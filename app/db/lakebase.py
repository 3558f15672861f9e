"""Lakebase: PostgreSQL whose password is a workspace credential that expires after an hour."""

import asyncio
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from app.domain.adapter_settings import LakebaseSettings
from app.domain.errors import SettingError, StoreUnavailable

INSTALL: Final = "pip install --no-deps --require-hashes -r requirements-databricks.lock"
RENEW_BEFORE: Final = timedelta(minutes=5)
"""Credentials that expire within this time are renewed."""

Issue = Callable[[], tuple[str, datetime]]


class LakebasePassword:
    """Called by the driver for each new connection, from any event loop."""

    def __init__(self, issue: Issue, *, now: Callable[[], datetime]) -> None:
        """`issue` blocks. It returns a credential and its expiry."""
        self._issue = issue
        self._now = now
        self._lock = threading.Lock()
        self._credential: tuple[str, datetime] | None = None

    async def __call__(self) -> str:
        """The credential, renewed shortly before it expires. Raises `StoreUnavailable`."""
        credential = self._credential
        if credential is not None and self._now() < credential[1] - RENEW_BEFORE:
            return credential[0]
        return await asyncio.to_thread(self._renewed)

    def _renewed(self) -> str:
        with self._lock:
            if self._credential is None or self._now() >= self._credential[1] - RENEW_BEFORE:
                try:
                    self._credential = self._issue()
                except (OSError, ValueError) as error:  # the SDK's errors are OSErrors
                    raise StoreUnavailable(
                        "Databricks did not issue a database credential."
                    ) from error
            return self._credential[0]


def password_of(settings: LakebaseSettings) -> LakebasePassword | None:
    """None unless the database is Lakebase. Raises `SettingError`. Blocks for seconds."""
    if settings.instance is None:
        return None
    login = settings.databricks
    return lakebase_password(settings.instance, host=login.host, token=login.token_text())


def lakebase_password(instance: str, *, host: str | None, token: str | None) -> LakebasePassword:
    """Credentials for an instance, given by name or as `projects/…/endpoints/…`.

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
            credential = workspace.postgres.generate_database_credential(endpoint=instance)
            return str(credential.token), credential.expire_time.ToDatetime(tzinfo=UTC)
        credential = workspace.database.generate_database_credential(
            request_id=str(uuid.uuid4()), instance_names=[instance]
        )
        return str(credential.token), datetime.fromisoformat(credential.expiration_time)

    return LakebasePassword(issue, now=lambda: datetime.now(UTC))

"""Parts shared by all event loops of a process: server, embedding model, answer models."""

import atexit
import logging
import threading
from collections.abc import Callable

from app.config import Settings, ignore_ambient
from app.db.embedded.server import EmbeddedServer
from app.db.lakebase import LakebasePassword, password_of
from app.domain.library_ports import PassageEncoder
from app.embeddings.providers import make_embedder
from app.llm.catalog import ModelCatalog
from app.observability.tracing import make_tracing
from app.server.configured_models import configured_models
from app.server.outbound_traffic import describe_outbound
from app.server.telemetry import Telemetry

log = logging.getLogger(__name__)


class Process:
    """Parts shared by all event loops of a process. Each starts once, on first use."""

    def __init__(self, settings: Settings, embedder: PassageEncoder | None = None) -> None:
        ignore_ambient(settings)
        self.settings = settings
        self._lock = threading.Lock()
        self._server: EmbeddedServer | None = None
        self._password: LakebasePassword | None = None
        self._embedder = embedder
        self._models: ModelCatalog | None = None
        self.telemetry = Telemetry(settings)
        self.tracing = make_tracing(settings.otel_exporter_otlp_endpoint)

    def dsn(self) -> str:
        """The address of the database. Starts the embedded server when none is set. Blocks."""
        if self.settings.database_url is not None:
            return self.settings.database_url.get_secret_value()
        with self._lock:
            if self._server is None:
                self._server = EmbeddedServer.start(self.settings.data_dir)
                atexit.register(self.release)
            return self._server.dsn

    def password(self) -> LakebasePassword | None:
        """The password source of a Lakebase database. Blocks for seconds."""
        with self._lock:
            if self._password is None:
                self._password = password_of(self.settings.lakebase)
            return self._password

    def embedder(self) -> PassageEncoder:
        """The embedding model. Blocks while it loads."""
        with self._lock:
            if self._embedder is None:
                self._embedder = make_embedder(self.settings.embedding)
            return self._embedder

    def models(self) -> ModelCatalog:
        """The answer models, the default first. Blocks while their SDKs are imported."""
        with self._lock:
            if self._models is None:
                models = ModelCatalog(configured_models(self.settings))
                made = [models.model(name) for name in models.endpoints]
                for line in describe_outbound(self.settings, *made):
                    log.info(line)
                self._models = models
            return self._models

    def restarter(self) -> Callable[[], None] | None:
        """Restarts the embedded server; None for an external database."""
        return None if self._server is None else self._server.ensure

    def release(self) -> None:
        """Flush traces and release the embedded server. Its last user stops it."""
        self.tracing.close()
        with self._lock:
            if self._server is not None:
                self._server.release()
                self._server = None

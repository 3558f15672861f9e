"""The same library, model service and servers as the stream tests."""

from tests.stream.conftest import (
    embedder,
    server,
    settings,
    stocked_dsn,
    stocked_template,
    upstream,
)

__all__ = ["embedder", "server", "settings", "stocked_dsn", "stocked_template", "upstream"]

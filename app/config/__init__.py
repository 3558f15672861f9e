"""The settings: read from the environment, checked, passed in as `Settings`."""

from app.config.environment import environment, reader_environment
from app.config.loading import ignore_ambient, load_settings
from app.config.settings import Settings

__all__ = ["Settings", "environment", "ignore_ambient", "load_settings", "reader_environment"]

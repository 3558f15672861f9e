"""Settings: the only reader of the environment. A wrong value is one line that says so."""

import os
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.domain.errors import SettingError

Provider = Literal["auto", "openai", "databricks", "extractive"]


class Settings(BaseSettings):
    """Every setting of QUICKSTART.md, from the environment or `.env`."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        env_ignore_empty=True,
    )

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    data_dir: Path = Path(".data")
    database_url: SecretStr | None = None
    sample_library: bool = True

    llm_provider: Provider = "auto"
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    llm_model: str | None = None
    databricks_host: str | None = None
    databricks_token: SecretStr | None = None
    databricks_endpoint: str = "databricks-claude-sonnet-4-5"
    extractive_tokens_per_s: float = Field(default=40, ge=0, le=100_000)
    embeddings: Literal["local", "openai", "databricks"] = "local"
    embedding_model: str | None = None
    rerank_base_url: str | None = None  # unset: the built-in order
    rerank_model: str | None = None
    rerank_api_key: SecretStr | None = None

    first_token_timeout_s: float = Field(default=30, gt=0)
    idle_timeout_s: float = Field(default=30, gt=0)
    run_timeout_s: float = Field(default=600, gt=0)
    heartbeat_s: float = Field(default=15, gt=0, le=60)
    shutdown_grace_s: float = Field(default=20, ge=0)

    max_runs_per_user: int | None = Field(default=None, ge=1)  # AUTH=none: one owner, no limit
    max_runs: int = Field(default=2000, ge=1)
    max_upload_mb: int = Field(default=50, ge=1)
    auth: Literal["none"] = "none"
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None
    log_text: bool = False  # questions, answers and foreign exception messages in the log
    otel_exporter_otlp_endpoint: str | None = None  # where traces are sent; unset: none are made

    started_at: float | None = Field(default=None, alias="CITESTREAM_STARTED_AT")

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        """A comma-separated list, as people write it in an environment variable."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def provider(self) -> Literal["openai", "databricks", "extractive"]:
        """The answer model's provider: `auto` is the first whose credentials are set."""
        if self.llm_provider != "auto":
            return self.llm_provider
        if self.openai_api_key:
            return "openai"
        if self.databricks_host and self.databricks_token:
            return "databricks"
        return "extractive"

    def checked(self) -> "Settings":
        """This, when the settings agree with each other. Raises `SettingError`."""
        if self.provider == "openai" and not self.openai_api_key and not self.openai_base_url:
            raise SettingError(
                "OPENAI_API_KEY: got nothing, takes the key of your endpoint "
                "(LLM_PROVIDER=openai needs it, or OPENAI_BASE_URL for an endpoint without keys)"
            )
        if self.provider == "openai" and not self.llm_model:
            raise SettingError(
                "LLM_MODEL: got nothing, takes the model's name at your endpoint, "
                "for example gpt-4.1-mini (required with OPENAI_API_KEY)"
            )
        check_reranking(self)
        return self


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`. Raises `SettingError` naming the first wrong variable."""
    try:
        return Settings.model_validate(overrides).checked()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]).upper() if first["loc"] else "settings"
        got = "a secret value" if name.endswith(("KEY", "TOKEN", "URL")) else repr(first["input"])
        raise SettingError(f"{name}: got {got}, takes {_expected(first['msg'])}") from None


def check_reranking(settings: Settings) -> None:
    """The three settings of a reranking service go together. Raises `SettingError`."""
    url = settings.rerank_base_url
    if url is None:
        if settings.rerank_model or settings.rerank_api_key:
            raise SettingError(
                "RERANK_BASE_URL: got nothing, takes the address that has a /rerank route, for "
                "example http://localhost:8000/v1 (required with RERANK_MODEL and RERANK_API_KEY)"
            )
        return
    if not _is_web_address(url):
        raise SettingError(
            "RERANK_BASE_URL: got a secret value, takes an http:// or https:// address"
        )
    if not settings.rerank_model:
        raise SettingError(
            "RERANK_MODEL: got nothing, takes the model's name at your reranking service, for "
            "example BAAI/bge-reranker-v2-m3 (required with RERANK_BASE_URL)"
        )


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False


def _expected(message: str) -> str:
    for prefix in ("Input should be ", "Value error, "):
        message = message.removeprefix(prefix)
    return message.partition(", unable to parse")[0]


def environment(name: str) -> str | None:
    """One variable that is not a setting of ours (for example `XDG_RUNTIME_DIR`)."""
    return os.environ.get(name)

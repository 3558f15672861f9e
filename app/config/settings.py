"""All settings, and values derived from them."""

import re
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from app.config.environment import environment, hidden_variable, hide_ambient
from app.domain.adapter_settings import (
    DatabricksLogin,
    EmbeddingSettings,
    LakebaseSettings,
    ModelSettings,
    RerankSettings,
)
from app.domain.model_endpoints import ModelEndpoint, read_model_endpoints
from app.domain.principals import AuthMode
from app.domain.proxies import ProxyRules
from app.domain.setting_values import (
    header_name,
    host_name,
    root_path,
    service_address,
    service_key,
    without_padding,
)

Provider = Literal["auto", "openai", "databricks", "extractive"]
RUNS_PER_USER = 8
PUBLIC_OPENAI = "https://api.openai.com/v1"
COLLECTORS = ("OTEL_", "MLFLOW_")
"""Prefixes of variables that complete a setting: headers of a collector, name of an experiment."""
_ORIGIN = re.compile(
    r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?"
)


def _proxy(value: object) -> object:
    """Parse a network, an address, or `unix`."""
    if value == "unix" or not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(f"networks like 10.0.0.0/8, addresses or unix, not {value}") from None


Proxy = Annotated[IPv4Network | IPv6Network | Literal["unix"], BeforeValidator(_proxy)]


class Settings(BaseSettings):
    """Every setting in QUICKSTART.md, read from the environment or `.env`."""

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
    database_pool_size: int | None = Field(default=None, ge=1, le=1000)
    sample_library: bool = True

    llm_provider: Provider = "auto"
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    llm_model: str | None = None
    models: str | None = None  # a JSON list, or the path of a JSON or TOML file
    discover_models: bool | None = None  # unset: only with a single user
    llm_fast_path: bool = True  # off: stock LangChain, openai and httpx
    databricks_host: str | None = None
    databricks_token: SecretStr | None = None
    databricks_endpoint: str = "databricks-claude-sonnet-4-5"
    lakebase_instance: str | None = None
    mlflow_tracking_uri: str | None = None
    extractive_tokens_per_s: float = Field(default=40, ge=0, le=100_000)
    embeddings: Literal["local", "openai", "databricks"] = "local"
    embedding_model: str | None = None
    rerank_base_url: str | None = None  # unset: the built-in reranker
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
    auth: AuthMode = "none"
    trusted_proxies: Annotated[tuple[Proxy, ...], NoDecode] = ()
    proxy_user_header: str = "X-Forwarded-Email"
    proxy_groups_header: str = "X-Forwarded-Groups"
    jwt_issuer: str | None = None
    jwt_audience: str | None = None
    jwt_jwks_url: str | None = None
    jwt_secret: SecretStr | None = None
    jwt_user_claim: str = "sub"
    jwt_groups_claim: str = "groups"
    root_path: str = ""  # path prefix added by a proxy, such as /citestream
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None
    log_text: bool = False  # log questions, answers and messages of library exceptions
    otel_exporter_otlp_endpoint: str | None = None  # where traces are sent; unset: no tracing

    # Proxies and certificates, under their conventional names.
    http_proxy: SecretStr | None = None
    https_proxy: SecretStr | None = None
    all_proxy: SecretStr | None = None
    no_proxy: str = ""

    started_at: float | None = Field(default=None, alias="CITESTREAM_STARTED_AT")

    @field_validator("*", mode="before")
    @classmethod
    def _unpadded(cls, value: object, info: ValidationInfo) -> object:
        """Strip line ends and invisible characters around pasted values."""
        if isinstance(value, str) and info.field_name != "jwt_secret":
            return without_padding(value)
        return value

    @field_validator("openai_api_key", "rerank_api_key", "databricks_token")
    @classmethod
    def _key(cls, value: SecretStr | None) -> SecretStr | None:
        return None if value is None else SecretStr(service_key(value.get_secret_value()))

    @field_validator("openai_base_url", "rerank_base_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _address(cls, value: str | None) -> str | None:
        return None if value is None else service_address(value)

    @field_validator("root_path")
    @classmethod
    def _root_path(cls, value: str) -> str:
        return root_path(value)

    @field_validator("proxy_user_header", "proxy_groups_header")
    @classmethod
    def _header(cls, value: str) -> str:
        return header_name(value)

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host_name(one) for one in value)

    @field_validator("cors_origins", "allowed_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Split a comma-separated list."""
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins")
    @classmethod
    def _origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [one for one in value if _ORIGIN.fullmatch(one) is None]:
            raise ValueError(f"origins like https://intranet.example.org, not {wrong[0]}")
        return value

    @field_validator("log_level", mode="before")
    @classmethod
    def _upper(cls, value: object) -> object:
        return value.upper() if isinstance(value, str) else value

    @property
    def provider(self) -> Literal["openai", "databricks", "extractive"]:
        """The answer model's provider. `auto`: the first one whose credentials are set."""
        if self.llm_provider != "auto":
            return self.llm_provider
        if self.openai_api_key or (self.openai_base_url and self.llm_model):
            return "openai"
        if self.databricks_host and self.databricks_token:
            return "databricks"
        return "extractive"

    @property
    def unused_model_settings(self) -> str | None:
        """Names a model setting without effect in quoting mode, and the missing one."""
        if self.llm_provider != "auto" or self.provider != "extractive" or self.models:
            return None
        if self.openai_base_url and self.embeddings != "openai":
            return "OPENAI_BASE_URL is set, LLM_MODEL is not"
        if self.llm_model:
            return "LLM_MODEL is set, neither OPENAI_BASE_URL nor OPENAI_API_KEY is"
        if self.embeddings == "databricks" or self.lakebase_instance:
            return None
        if self.databricks_host:
            return "DATABRICKS_HOST is set, DATABRICKS_TOKEN is not"
        return "DATABRICKS_TOKEN is set, DATABRICKS_HOST is not" if self.databricks_token else None

    @property
    def proxies(self) -> ProxyRules:
        """The proxy rules for all outgoing requests."""
        http, https, every = (
            None if value is None else value.get_secret_value()
            for value in (self.http_proxy, self.https_proxy, self.all_proxy)
        )
        return ProxyRules(http, https, every, self.no_proxy)

    @property
    def answer_model(self) -> ModelSettings:
        return ModelSettings(
            provider=self.provider,
            fast_path=self.llm_fast_path,
            name=self.llm_model,
            api_key=self.openai_api_key,
            base_url=self.openai_base_url,
            databricks=self._databricks_login,
            databricks_endpoint=self.databricks_endpoint,
            mlflow_tracking_uri=self.mlflow_tracking_uri,
            proxies=self.proxies,
            extractive_tokens_per_s=self.extractive_tokens_per_s,
        )

    @property
    def discovers_models(self) -> bool:
        """Whether models listed by endpoints are offered: to everyone, so not by default."""
        return self.auth == "none" if self.discover_models is None else self.discover_models

    @property
    def quoting(self) -> ModelSettings:
        return replace(self.answer_model, provider="extractive")

    @property
    def model_endpoints(self) -> tuple[ModelEndpoint, ...]:
        """The entries of `MODELS`. Raises `SettingError`."""
        return () if self.models is None else read_model_endpoints(self.models, self._variable)

    def model_at(self, endpoint: ModelEndpoint) -> ModelSettings:
        """The settings of an entry of `MODELS` or of a discovered model."""
        base_url = endpoint.base_url or self.openai_base_url
        key, key_setting = endpoint.api_key, endpoint.key_setting
        if key_setting is None and (base_url or PUBLIC_OPENAI) == (
            self.openai_base_url or PUBLIC_OPENAI
        ):
            key, key_setting = self.openai_api_key, "OPENAI_API_KEY"
        return replace(
            self.answer_model,
            provider=endpoint.provider,
            name=endpoint.model,
            databricks_endpoint=endpoint.model,
            base_url=base_url,
            api_key=key,
            key_setting=key_setting or f"key of {endpoint.name} in MODELS",
            is_listed=True,
            context_window=endpoint.context_window,
        )

    def _variable(self, name: str) -> str | None:
        """Look up a variable named in another setting."""
        setting = getattr(self, name.lower()) if name.lower() in Settings.model_fields else None
        if isinstance(setting, SecretStr):
            return setting.get_secret_value()
        return environment(name) or hidden_variable(name) or _in_dotenv(name)

    @property
    def embedding(self) -> EmbeddingSettings:
        return EmbeddingSettings(
            provider=self.embeddings,
            model=self.embedding_model,
            api_key=self.openai_api_key,
            base_url=self.openai_base_url,
            proxies=self.proxies,
            databricks=self._databricks_login,
        )

    @property
    def reranking(self) -> RerankSettings:
        return RerankSettings(self.rerank_base_url, self.rerank_model, self.rerank_api_key)

    @property
    def lakebase(self) -> LakebaseSettings:
        return LakebaseSettings(self.lakebase_instance, self._databricks_login)

    @property
    def _databricks_login(self) -> DatabricksLogin:
        return DatabricksLogin(self.databricks_host, self.databricks_token)

    @property
    def runs_per_user(self) -> int | None:
        """`MAX_RUNS_PER_USER`. No limit with `AUTH=none`, where everyone is the same user."""
        return self.max_runs_per_user or (None if self.auth == "none" else RUNS_PER_USER)


def _in_dotenv(name: str) -> str | None:
    return DotEnvSettingsSource(Settings).env_vars.get(name.lower())


# Some are read when a library is imported (OPENAI_LOG logs whole requests).
hide_ambient(keep=COLLECTORS, settings=Settings.model_fields)

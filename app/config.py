"""Settings: the only reader of the environment. An invalid value is reported in one line."""

import os
import re
from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    SettingsConfigDict,
)

from app.domain.adapter_settings import (
    DatabricksLogin,
    EmbeddingSettings,
    LakebaseSettings,
    ModelSettings,
    RerankSettings,
)
from app.domain.errors import SettingError
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
from app.domain.setting_words import expected, is_plain_address

Provider = Literal["auto", "openai", "databricks", "extractive"]
RUNS_PER_USER = 8
MIN_SECRET_LENGTH = 32
_ORIGIN = re.compile(
    r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9A-Fa-f:]+\](:[0-9]{1,5})?"
)


def _proxy(value: object) -> object:
    """A network, an address, or `unix`."""
    if value == "unix" or not isinstance(value, str):
        return value
    try:
        return ip_network(value)
    except ValueError:
        raise ValueError(f"networks like 10.0.0.0/8, addresses or unix, not {value}") from None


Proxy = Annotated[IPv4Network | IPv6Network | Literal["unix"], BeforeValidator(_proxy)]


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
    database_pool_size: int | None = Field(default=None, ge=1, le=1000)
    sample_library: bool = True

    llm_provider: Provider = "auto"
    openai_api_key: SecretStr | None = None
    openai_base_url: str | None = None
    llm_model: str | None = None
    models: str | None = None  # a JSON list, or the path of a JSON or TOML file
    discover_models: bool | None = None  # unset: where there is one person
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
    root_path: str = ""  # the prefix under which a proxy serves this, such as /citestream
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"
    log_file: Path | None = None
    log_text: bool = False  # log questions, answers and messages of foreign exceptions
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
        """Strips the line ends and invisible characters around pasted values."""
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
        """Splits a comma-separated list."""
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
        """The answer model's provider: `auto` is the first whose credentials are set."""
        if self.llm_provider != "auto":
            return self.llm_provider
        if self.openai_api_key or (self.openai_base_url and self.llm_model):
            return "openai"
        if self.databricks_host and self.databricks_token:
            return "databricks"
        return "extractive"

    @property
    def unused_model_settings(self) -> str | None:
        """The model settings that have no effect in quoting mode, and the one that is missing."""
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
        """Whether models that endpoints list are offered: to everybody, so not by default."""
        return self.auth == "none" if self.discover_models is None else self.discover_models

    @property
    def quoting(self) -> ModelSettings:
        return replace(self.answer_model, provider="extractive")

    @property
    def model_endpoints(self) -> tuple[ModelEndpoint, ...]:
        """The entries of `MODELS`. Raises `SettingError`."""
        return () if self.models is None else read_model_endpoints(self.models, self._variable)

    def model_at(self, endpoint: ModelEndpoint) -> ModelSettings:
        """The settings of an entry of `MODELS`, or of a model that was found."""
        base_url = endpoint.base_url or self.openai_base_url
        key, key_setting = endpoint.api_key, endpoint.key_setting
        if key_setting is None and (base_url or _PUBLIC) == (self.openai_base_url or _PUBLIC):
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
        """The value of a variable that another setting names."""
        setting = getattr(self, name.lower()) if name.lower() in Settings.model_fields else None
        if isinstance(setting, SecretStr):
            return setting.get_secret_value()
        return environment(name) or _ignored.get(name) or _in_dotenv(name)

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
        """`MAX_RUNS_PER_USER`; no limit with `AUTH=none`, which has one owner."""
        return self.max_runs_per_user or (None if self.auth == "none" else RUNS_PER_USER)

    def checked(self) -> "Settings":
        """These settings, if they are consistent. Raises `SettingError`."""
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
        for endpoint in self.model_endpoints:
            check_model_key(self, endpoint)
        check_reranking(self)
        check_sign_in(self)
        check_proxies(self)
        return self


def load_settings(**overrides: object) -> Settings:
    """Read the environment and `.env`. Raises `SettingError` naming the first invalid variable."""
    try:
        settings = Settings.model_validate(overrides).checked()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = str(first["loc"][0]) if first["loc"] else "settings"
        name = field.upper()
        got = "a secret value" if _may_be_secret(name, first["input"]) else repr(first["input"])
        takes = expected(first, Settings.model_fields.get(field))
        raise SettingError(f"{name}: got {got}, takes {takes}") from None
    ignore_ambient(settings)
    return settings


def _may_be_secret(name: str, value: object) -> bool:
    if name.endswith(("URL", "ENDPOINT")) and name != "DATABASE_URL":
        return not is_plain_address(value)
    return name.endswith(("KEY", "TOKEN", "URL", "SECRET", "ENDPOINT", "PROXY"))


def check_model_key(settings: Settings, endpoint: ModelEndpoint) -> None:
    """Checks that a model of OpenAI itself has a key. Raises `SettingError`."""
    model = settings.model_at(endpoint)
    if model.provider == "openai" and model.base_url is None and model.api_key is None:
        raise SettingError(
            f"MODELS: {endpoint.name}: got neither base_url nor key, takes the address of its "
            "endpoint, or the key of OpenAI (key, or OPENAI_API_KEY)"
        )


def check_reranking(settings: Settings) -> None:
    """Checks that the settings of a reranking service are complete. Raises `SettingError`."""
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
    except ValueError:  # an invalid port
        return False


def check_proxies(settings: Settings) -> None:
    """Checks the proxies of all configured addresses. Raises `SettingError`."""
    addresses = (
        settings.openai_base_url,
        *(endpoint.base_url for endpoint in settings.model_endpoints),
        settings.rerank_base_url,
        settings.databricks_host,
        settings.jwt_jwks_url or settings.jwt_issuer,
        settings.otel_exporter_otlp_endpoint,
        _PUBLIC if "openai" in (settings.provider, settings.embeddings) else None,
    )
    for address in addresses:
        found = None if address is None else settings.proxies.find(address)
        if found is not None and not _is_web_address(found[1]):
            raise SettingError(
                f"{found[0]}: got a secret value, takes an http:// or https:// address of a proxy; "
                "NO_PROXY names what is reached without it"
            )


_PUBLIC = "https://api.openai.com/v1"


def check_sign_in(settings: Settings) -> None:
    """Checks the settings that `AUTH` needs. Raises `SettingError`."""
    if settings.auth == "proxy" and not settings.trusted_proxies:
        raise SettingError(
            "TRUSTED_PROXIES: got nothing, takes the networks of the proxy that signs people in, "
            "for example 10.0.0.0/8 (required with AUTH=proxy)"
        )
    if settings.auth != "jwt":
        return
    for name, value, example in (
        ("JWT_ISSUER", settings.jwt_issuer, "`iss`, for example https://id.example.org"),
        ("JWT_AUDIENCE", settings.jwt_audience, "`aud`, for example citestream"),
    ):
        if not value:
            raise SettingError(
                f"{name}: got nothing, takes what your provider's tokens have in {example} "
                "(required with AUTH=jwt)"
            )
    if settings.jwt_secret is not None:
        _check_secret(settings)
        return
    address = settings.jwt_jwks_url or settings.jwt_issuer or ""
    if _TLS.match(address) is None:
        name = "JWT_JWKS_URL" if settings.jwt_jwks_url else "JWT_ISSUER"
        raise SettingError(
            f"{name}: got {address!r}, takes an https:// address: whoever can change the keys on "
            "the way can be anyone (http:// only on this machine)"
        )


def _check_secret(settings: Settings) -> None:
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    if settings.jwt_jwks_url:
        raise SettingError("JWT_SECRET: got one beside JWT_JWKS_URL, takes one of the two")
    if len(secret.encode()) < MIN_SECRET_LENGTH or len(set(secret)) < 12 or _DEFAULT.search(secret):
        raise SettingError(
            "JWT_SECRET: got a secret that can be guessed, takes at least "
            f"{MIN_SECRET_LENGTH} random bytes, for example from: openssl rand -base64 48"
        )


_TLS = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)")
_DEFAULT = re.compile(r"secret|change.?me|password|example|default|your.?", re.IGNORECASE)


_AMBIENT = re.compile(
    r"(LANGSMITH|LANGCHAIN|LANGGRAPH|OPENAI|AZURE_OPENAI|OTEL|FASTAPI|MLFLOW|HF|HUGGINGFACE)_.*"
    r"|LC_OUTPUT_VERSION|NETRC|SSLKEYLOGFILE"
)
"""Variables that libraries read themselves and that make them send or log text, or change which
service they call. None is a setting of this application."""
_OFF = {
    "DO_NOT_TRACK": "true",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_OWN = ("localhost", "127.0.0.1", "::1")
"""Addresses that no library may reach through a proxy."""
_ignored: dict[str, str] = {}
"""What was hidden from libraries; a setting may still name one of them."""


def ignore_ambient(settings: Settings) -> tuple[str, ...]:
    """Hide variables from libraries unless they are our settings; returns all names hidden so far.

    Variables that complete a used setting stay: headers and certificates of a collector, the
    experiment of an MLflow server. Their addresses are passed to the libraries explicitly.
    """
    used = (
        ("OTEL_", settings.otel_exporter_otlp_endpoint),
        ("MLFLOW_", settings.mlflow_tracking_uri),
    )
    _hide(keep=tuple(prefix for prefix, setting in used if setting))
    os.environ.update(_OFF)
    if any(name.lower() in _PROXIES for name in os.environ):
        own = [one for one in _OWN if one not in settings.no_proxy.split(",")]
        bypass = ",".join((*filter(None, [settings.no_proxy]), *own))
        os.environ["NO_PROXY"] = os.environ["no_proxy"] = bypass
    named = {endpoint.key_setting for endpoint in settings.model_endpoints}
    return tuple(name for name in _ignored if name not in named)


def _hide(*, keep: tuple[str, ...]) -> None:
    for name in list(os.environ):
        upper = name.upper()
        ours = name.lower() in Settings.model_fields or name in _OFF
        if _AMBIENT.fullmatch(upper) and not ours and not upper.startswith(keep):
            _ignored[name] = os.environ.pop(name)


# Some are read when a library is imported (OPENAI_LOG logs whole requests).
_hide(keep=("OTEL_", "MLFLOW_"))


def environment(name: str) -> str | None:
    """A variable that is not a setting of this application, such as `XDG_RUNTIME_DIR`."""
    return os.environ.get(name)


def _in_dotenv(name: str) -> str | None:
    return DotEnvSettingsSource(Settings).env_vars.get(name.lower())


def reader_environment() -> dict[str, str]:
    """The environment of the processes that read uploaded files: paths and language, no secrets."""
    names = {"PATH", "LANG", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(("LC_", "PYTHON", "COVERAGE_"))
    }

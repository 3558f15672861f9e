"""The settings of each adapter. Built by `Settings` in `app/config.py`."""

from dataclasses import dataclass

from pydantic import SecretStr

from app.domain.proxies import DIRECT, ProxyRules


@dataclass(frozen=True, slots=True)
class DatabricksLogin:
    """`host` and `token` None: the Databricks SDK finds its own credentials."""

    host: str | None = None
    token: SecretStr | None = None

    def token_text(self) -> str | None:
        return None if self.token is None else self.token.get_secret_value()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """`api_key` None: an endpoint without keys. `base_url` None: OpenAI itself."""

    provider: str
    fast_path: bool  # may override library internals
    name: str | None  # the model's name at the endpoint
    api_key: SecretStr | None
    base_url: str | None
    databricks: DatabricksLogin
    databricks_endpoint: str
    mlflow_tracking_uri: str | None  # where traces of Databricks models go; None: nowhere
    proxies: ProxyRules
    extractive_tokens_per_s: float  # pace of quoting mode in words per second; 0: at once
    key_setting: str = "OPENAI_API_KEY"
    is_listed: bool = False  # from `MODELS` or discovered, so no single setting describes it
    context_window: int | None = None  # tokens; None: unknown


@dataclass(frozen=True, slots=True)
class EmbeddingSettings:
    """`base_url` None: OpenAI itself."""

    provider: str
    model: str | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None
    proxies: ProxyRules = DIRECT
    databricks: DatabricksLogin = DatabricksLogin()


@dataclass(frozen=True, slots=True)
class RerankSettings:
    """A service needs both address and model. Without them the built-in reranker is used."""

    base_url: str | None = None
    model: str | None = None
    api_key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class LakebaseSettings:
    """`instance` None: the password is part of the database's address."""

    instance: str | None = None
    databricks: DatabricksLogin = DatabricksLogin()

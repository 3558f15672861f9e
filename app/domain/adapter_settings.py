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
    """A service has both address and model; without them the built-in reranker is used."""

    base_url: str | None = None
    model: str | None = None
    api_key: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class LakebaseSettings:
    """`instance` None: the password is part of the database's address."""

    instance: str | None = None
    databricks: DatabricksLogin = DatabricksLogin()

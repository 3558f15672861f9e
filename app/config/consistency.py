"""Checks that settings fit together. Each error is one line with the actual and accepted value."""

import re
from urllib.parse import urlsplit

from app.config.settings import PUBLIC_OPENAI, Settings
from app.domain.errors import SettingError
from app.domain.model_endpoints import ModelEndpoint

MIN_SECRET_LENGTH = 32
_DEFAULT = re.compile(r"secret|change.?me|password|example|default|your.?", re.IGNORECASE)
_TLS = re.compile(r"https://|http://(localhost|127\.0\.0\.1|\[::1\])([:/]|$)")


def check(settings: Settings) -> None:
    """Check dependencies between settings. Raises `SettingError`."""
    check_answer_model(settings)
    for endpoint in settings.model_endpoints:
        check_model_key(settings, endpoint)
    check_reranking(settings)
    check_sign_in(settings)
    check_proxies(settings)


def check_answer_model(settings: Settings) -> None:
    """Check that a model of an OpenAI-compatible endpoint is complete. Raises `SettingError`."""
    if settings.provider != "openai":
        return
    if not settings.openai_api_key and not settings.openai_base_url:
        raise SettingError(
            "OPENAI_API_KEY: got nothing, takes the key of your endpoint "
            "(LLM_PROVIDER=openai needs it, or OPENAI_BASE_URL for an endpoint without keys)"
        )
    if not settings.llm_model:
        raise SettingError(
            "LLM_MODEL: got nothing, takes the model's name at your endpoint, "
            "for example gpt-4.1-mini (required with OPENAI_API_KEY)"
        )


def check_model_key(settings: Settings, endpoint: ModelEndpoint) -> None:
    """Check that a model at OpenAI itself has a key. Raises `SettingError`."""
    model = settings.model_at(endpoint)
    if model.provider == "openai" and model.base_url is None and model.api_key is None:
        raise SettingError(
            f"MODELS: {endpoint.name}: got neither base_url nor key, takes the address of its "
            "endpoint, or the key of OpenAI (key, or OPENAI_API_KEY)"
        )


def check_reranking(settings: Settings) -> None:
    """Check that the settings of a reranking service are complete. Raises `SettingError`."""
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
    """Check the proxies of all configured addresses. Raises `SettingError`."""
    addresses = (
        settings.openai_base_url,
        *(endpoint.base_url for endpoint in settings.model_endpoints),
        settings.rerank_base_url,
        settings.databricks_host,
        settings.jwt_jwks_url or settings.jwt_issuer,
        settings.otel_exporter_otlp_endpoint,
        PUBLIC_OPENAI if "openai" in (settings.provider, settings.embeddings) else None,
    )
    for address in addresses:
        found = None if address is None else settings.proxies.find(address)
        if found is not None and not _is_web_address(found[1]):
            raise SettingError(
                f"{found[0]}: got a secret value, takes an http:// or https:// address of a proxy; "
                "NO_PROXY lists the hosts to reach directly"
            )


def check_sign_in(settings: Settings) -> None:
    """Check the settings that `AUTH` needs. Raises `SettingError`."""
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
                f"{name}: got nothing, takes the value of your provider's {example} "
                "(required with AUTH=jwt)"
            )
    if settings.jwt_secret is not None:
        _check_secret(settings)
        return
    address = settings.jwt_jwks_url or settings.jwt_issuer or ""
    if _TLS.match(address) is None:
        name = "JWT_JWKS_URL" if settings.jwt_jwks_url else "JWT_ISSUER"
        raise SettingError(
            f"{name}: got {address!r}, takes an https:// address, as whoever can change the keys "
            "in transit can impersonate anyone (http:// only on this machine)"
        )


def _check_secret(settings: Settings) -> None:
    secret = settings.jwt_secret.get_secret_value() if settings.jwt_secret else ""
    if settings.jwt_jwks_url:
        raise SettingError("JWT_SECRET: got a value beside JWT_JWKS_URL; set only one of the two")
    if len(secret.encode()) < MIN_SECRET_LENGTH or len(set(secret)) < 12 or _DEFAULT.search(secret):
        raise SettingError(
            "JWT_SECRET: got a guessable secret, takes at least "
            f"{MIN_SECRET_LENGTH} random bytes, for example from: openssl rand -base64 48"
        )

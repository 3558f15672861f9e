"""Describes what this server sends to other machines, for the log at start."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from app.config import Settings, ignore_ambient
from app.domain.encoding import counted
from app.llm.answer_model import OPENAI_URL, AnswerModel


def describe_outbound(
    settings: Settings, model: AnswerModel, *others: AnswerModel
) -> Iterator[str]:
    """One line per machine that receives data, and one for ignored variables.

    `model` answers unless one of `others` is chosen.
    """
    if model.sends_to is not None:
        via = _via(settings, model.address)
        yield f"answers by {model.name}; passages are sent to {model.sends_to}{via}"
    for host, names in _to_choose(others).items():
        yield f"answers by {', '.join(names)} where chosen; passages are then sent to {host}"
    if unused := settings.unused_model_settings:
        yield f"answers are quoted and no model is connected: {unused}"
    yield from _describe_search(settings)
    if model.provider == "databricks" and settings.mlflow_tracking_uri:
        yield f"traces with questions and answers are sent to {settings.mlflow_tracking_uri}"
    if settings.otel_exporter_otlp_endpoint:
        address = settings.otel_exporter_otlp_endpoint
        yield f"traces without any words are sent to {_host(address)}{_via(settings, address)}"
    if settings.auth == "jwt" and settings.jwt_secret is None:
        keys = settings.jwt_jwks_url or settings.jwt_issuer or ""
        yield f"sign-in keys are fetched from {_host(keys)}{_via(settings, keys)}"
    if ignored := ignore_ambient(settings):
        yield f"ignored, because they are not settings of Citestream: {', '.join(sorted(ignored))}"


def _describe_search(settings: Settings) -> Iterator[str]:
    if settings.embeddings != "local":
        at = _embedding_address(settings)
        host = _host(at) + _via(settings, at) if at else _WORKSPACE
        yield f"embeddings by {settings.embeddings}; documents and questions are sent to {host}"
    if settings.rerank_base_url is not None:
        host = _host(settings.rerank_base_url) + _via(settings, settings.rerank_base_url)
        yield f"reranking by {settings.rerank_model}; questions and passages are sent to {host}"


_WORKSPACE = "the Databricks workspace"


def _embedding_address(settings: Settings) -> str:
    """Empty when the Databricks SDK finds the workspace itself."""
    if settings.embeddings == "databricks":
        return settings.databricks_host or ""
    return settings.openai_base_url or OPENAI_URL


def _to_choose(models: Iterable[AnswerModel]) -> Mapping[str, list[str]]:
    """Names of the models by host."""
    names: dict[str, list[str]] = {}
    for model in models:
        if model.sends_to is not None:
            names.setdefault(model.sends_to, []).append(model.name)
    return names


def search_hosts(settings: Settings) -> tuple[str, ...]:
    """The hosts that receive questions for every search."""
    hosts: list[str] = []
    if settings.embeddings != "local":
        at = _embedding_address(settings)
        hosts.append(_host(at) if at else _WORKSPACE)
    if settings.rerank_base_url is not None:
        hosts.append(_host(settings.rerank_base_url))
    return tuple(dict.fromkeys(hosts))


def describe_private(count: int) -> str:
    """Warns about sources that no signed-in user can read."""
    return (
        f"Only `local` can read {counted(count, 'source')} added with AUTH=none; to share files "
        "again: .venv/bin/python -m app.ingest --shared PATH"
    )


def _via(settings: Settings, address: str | None) -> str:
    found = settings.proxies.find(address or "")
    return "" if found is None else f" through {_host(found[1])} ({found[0]})"


def _host(address: str) -> str:
    """Host and port, without credentials."""
    parts = urlsplit(address)
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

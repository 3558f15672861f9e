"""The models named in settings: that of `LLM_PROVIDER`, those of `MODELS`, and quoting mode."""

from app.config import Settings
from app.domain.model_endpoints import QUOTING, ModelEndpoint
from app.llm.answer_model import OPENAI_URL, QUOTING_LABEL
from app.llm.catalog import ConfiguredModel
from app.llm.discovery import OLLAMA, Listing


def configured_models(settings: Settings) -> tuple[ConfiguredModel, ...]:
    """Models by preference: a user's default is the first one they may use.

    An entry of `MODELS` with the name of the model of `LLM_PROVIDER` replaces it. Raises
    `SettingError`.
    """
    default = _default(settings)
    listed = {
        endpoint.name: ConfiguredModel(endpoint, settings.model_at(endpoint))
        for endpoint in settings.model_endpoints
    }
    quoting = ConfiguredModel(_QUOTING, settings.quoting)
    if settings.llm_provider == QUOTING:
        return (quoting, *listed.values())
    if default is None:
        return (*listed.values(), quoting)
    first = listed.pop(default.endpoint.name, default)
    return (first, *listed.values(), quoting)


_QUOTING = ModelEndpoint(name=QUOTING, label=QUOTING_LABEL, provider=QUOTING, model=QUOTING)


def _default(settings: Settings) -> ConfiguredModel | None:
    """The model of `LLM_PROVIDER` and its settings; None in quoting mode."""
    model = settings.answer_model
    name = model.databricks_endpoint if model.provider == "databricks" else model.name
    if settings.provider == QUOTING or name is None:
        return None
    endpoint = ModelEndpoint(
        name=name, label=name, provider=settings.provider, model=name, base_url=model.base_url
    )
    return ConfiguredModel(endpoint, model)


def listings(settings: Settings) -> tuple[Listing, ...]:
    """Where to look for models: Ollama on this machine, and addresses that everyone may use."""
    found = [Listing(OLLAMA)]
    if settings.provider == "openai":
        found.append(
            Listing(
                settings.openai_base_url or OPENAI_URL, settings.openai_api_key, "OPENAI_API_KEY"
            )
        )
    for endpoint in settings.model_endpoints:
        if endpoint.provider == "openai" and not endpoint.groups and not endpoint.people:
            model = settings.model_at(endpoint)
            found.append(Listing(model.base_url or OPENAI_URL, model.api_key, model.key_setting))
    return tuple(found)


def known_models(settings: Settings) -> tuple[tuple[str, str], ...]:
    """Address, and name at the endpoint, of each configured model."""
    models = (one.settings for one in configured_models(settings))
    return tuple((one.base_url or OPENAI_URL, one.name) for one in models if one.name)

"""The models that settings name: the one of `LLM_PROVIDER`, those of `MODELS`, quoting mode."""

from app.config import Settings
from app.domain.model_endpoints import QUOTING, ModelEndpoint
from app.llm.answer_model import QUOTING_LABEL
from app.llm.catalog import ConfiguredModel


def configured_models(settings: Settings) -> tuple[ConfiguredModel, ...]:
    """In the order of preference: the first that a person may use is their default.

    An entry of `MODELS` with the name of the model of `LLM_PROVIDER` takes its place. Raises
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

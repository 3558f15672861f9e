"""Answer models by provider name. A new provider is one factory and one line here."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Final, cast

from app.domain.adapter_settings import ModelSettings
from app.domain.errors import SettingError
from app.llm.answer_model import AnswerModel

Factory = Callable[[ModelSettings], AnswerModel]


def _lazily(module: str) -> Factory:
    """The module's `make`, imported on its first call: SDKs can take seconds to import."""

    def make(settings: ModelSettings) -> AnswerModel:
        return cast("Factory", import_module(module).make)(settings)

    return make


FACTORIES: Final[Mapping[str, Factory]] = {
    "extractive": _lazily("app.llm.extractive"),
    "openai": _lazily("app.llm.openai"),
    "databricks": _lazily("app.llm.databricks"),
}


def make_answer_model(
    settings: ModelSettings, *, factories: Mapping[str, Factory] = FACTORIES
) -> AnswerModel:
    """The model of `settings.provider`. Raises `SettingError`, also for a missing extra."""
    factory = factories.get(settings.provider)
    if factory is not None:
        return factory(settings)
    raise SettingError(f"LLM_PROVIDER: got {settings.provider}, takes {', '.join(factories)}")

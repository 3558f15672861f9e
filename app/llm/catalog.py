"""The answer models of a process by name. Each is made once, on first use."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from app.domain.adapter_settings import ModelSettings
from app.domain.model_endpoints import ModelEndpoint
from app.llm.answer_model import AnswerModel
from app.llm.registry import make_answer_model


@dataclass(frozen=True, slots=True)
class ConfiguredModel:
    """What is shown of a model, and what it is made from."""

    endpoint: ModelEndpoint
    settings: ModelSettings


class ModelCatalog:
    """Configured models in their order, then those that were found. Thread-safe."""

    def __init__(
        self,
        configured: Iterable[ConfiguredModel],
        *,
        make: Callable[[ModelSettings], AnswerModel] = make_answer_model,
    ) -> None:
        self._known = {one.endpoint.name: one for one in configured}
        self._made: dict[str, AnswerModel] = {}
        self._make = make
        self._lock = threading.RLock()

    @property
    def endpoints(self) -> Mapping[str, ModelEndpoint]:
        """By name, in the order in which they are offered."""
        return {name: one.endpoint for name, one in self._known.items()}

    @property
    def default(self) -> str:
        return next(iter(self._known))

    def model(self, name: str) -> AnswerModel:
        """Blocks while its SDK is imported. Raises `KeyError` and `SettingError`."""
        with self._lock:
            if name not in self._made:
                self._made[name] = self._make(self._known[name].settings)
            return self._made[name]

    def add_found(self, found: Iterable[ConfiguredModel]) -> None:
        """Adds models that endpoints list. Those of before stay: answers may need them."""
        with self._lock:
            self._known = {**self._known, **{one.endpoint.name: one for one in found}}

    async def aclose(self) -> None:
        """Closes the running loop's connections. The models stay usable."""
        for model in tuple(self._made.values()):
            await model.aclose()

"""Which models a person may choose, and whether they can be reached. One per event loop."""

import asyncio
from urllib.parse import urlsplit

from app.domain.errors import ModelNotOffered
from app.domain.model_endpoints import ModelEndpoint
from app.domain.models import ModelReach, OfferedModel
from app.domain.principals import Principal
from app.domain.proxies import ProxyRules
from app.llm.answer_model import AnswerModel
from app.llm.catalog import ModelCatalog
from app.llm.discovery import ModelDiscovery
from app.llm.reachability import ModelReachability
from app.runs.ports import Clock
from app.runs.tasks import TaskTracker

UNCHECKED = ModelReach(None, None)


class OfferedModels:
    """Implements the port `Models`."""

    def __init__(
        self,
        catalog: ModelCatalog,
        *,
        proxies: ProxyRules,
        clock: Clock,
        tasks: TaskTracker,
        discovery: ModelDiscovery | None = None,
    ) -> None:
        """`discovery` None: only configured models are offered."""
        self._catalog = catalog
        self._proxies = proxies
        self._clock = clock
        self._tasks = tasks
        self._reach: dict[str, ModelReachability] = {}  # by address
        self._discovery = discovery

    @property
    def is_searching(self) -> bool:
        return self._discovery is not None and self._discovery.is_searching

    def reach(self, model: AnswerModel) -> ModelReach:
        """Whether its service can be reached; a stale state is checked in the background."""
        if model.address is None:
            return UNCHECKED
        known = self._reach.get(model.address)
        if known is None:
            known = self._reach[model.address] = ModelReachability(
                model, proxies=self._proxies, clock=self._clock, tasks=self._tasks
            )
        return known.state()

    def offered(self, principal: Principal) -> tuple[OfferedModel, ...]:
        if self._discovery is not None:
            self._discovery.search_if_due()
        return tuple(map(self._offered, self._permitted(principal)))

    def _permitted(self, principal: Principal) -> list[ModelEndpoint]:
        listed = self._discovery.found if self._discovery is not None else {}
        return [
            endpoint
            for name, endpoint in self._catalog.endpoints.items()
            if endpoint.permits(principal) and (not endpoint.found or name in listed)
        ]

    def _offered(self, endpoint: ModelEndpoint) -> OfferedModel:
        if endpoint.found and self._discovery is not None:
            sends_to: str | None = urlsplit(endpoint.base_url or "").netloc
            reach = self._discovery.reach(endpoint)
        else:
            model = self._catalog.model(endpoint.name)
            sends_to, reach = model.sends_to, self.reach(model)
        return OfferedModel(
            name=endpoint.name,
            label=endpoint.label,
            provider=endpoint.provider,
            sends_to=sends_to,
            context_window=endpoint.context_window,
            input_price=endpoint.input_price,
            output_price=endpoint.output_price,
            found=endpoint.found,
            reachable=reach.reachable,
            reason=reach.reason,
        )

    async def choose(self, principal: Principal, name: str | None) -> str:
        names = [endpoint.name for endpoint in self._permitted(principal)]
        if name is None:
            return names[0]  # quoting mode is for everybody
        if name not in names and self._discovery is not None:
            # Another process may have listed it.
            await self._discovery.search_first()
            names = [endpoint.name for endpoint in self._permitted(principal)]
        if name not in names:
            raise ModelNotOffered(name, names)
        await asyncio.to_thread(self._catalog.model, name)
        return name

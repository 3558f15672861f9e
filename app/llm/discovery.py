"""Finds the models that endpoints list at `/models`: configured ones, and Ollama on this machine.

Nothing is asked before somebody wants to see the models, and never more often than `VALID_S`.
"""

import asyncio
import logging
import math
import re
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx
from pydantic import JsonValue, SecretStr
from pydantic_core import from_json

from app.domain.model_endpoints import MAX_NAME, ModelEndpoint
from app.domain.models import ModelReach
from app.domain.proxies import ProxyRules
from app.domain.setting_values import with_path
from app.llm.reachability import reason_of
from app.runs.ports import Clock
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

OLLAMA: Final = "http://localhost:11434/v1"
TIMEOUT_S: Final = 2.0
VALID_S: Final = 30.0
MAX_FOUND: Final = 500
"""Models of one endpoint."""
MAX_BYTES: Final = 8 * 2**20
_OTHER_KINDS: Final = re.compile(
    r"embed|rerank|whisper|\btts\b|-tts|transcribe|moderation|dall-e|gpt-image|\bsora|\bbge\b|\bclip\b",
    re.IGNORECASE,
)
"""Models that do not write answers; endpoints do not list what a model is for."""
_WINDOWS: Final = ("context_length", "context_window", "max_model_len", "max_context_length")
_LOOPBACK: Final = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True, slots=True)
class Listing:
    """An address with a list of models, and the key that it gets."""

    base_url: str
    api_key: SecretStr | None = None
    key_setting: str | None = None


class ModelDiscovery:
    """One per event loop. `found` maps names to what the last search found."""

    def __init__(
        self,
        listings: Iterable[Listing],
        *,
        known: Iterable[tuple[str, str]],
        add: Callable[[Sequence[ModelEndpoint]], None],
        proxies: ProxyRules,
        clock: Clock,
        tasks: TaskTracker,
    ) -> None:
        """`known`: address and model of those that are configured, which are not found again.

        `add` gets what a search found before it is offered.
        """
        self._listings = {_place(one.base_url): one for one in reversed(tuple(listings))}
        self._known = frozenset((_place(url), _untagged(model)) for url, model in known)
        self._add = add
        self._proxies = proxies
        self._clock = clock
        self._tasks = tasks
        self._searched_at: float | None = None
        self._search: asyncio.Task[None] | None = None
        self._found: dict[str, dict[str, ModelEndpoint]] = {}  # by address
        self._reach: dict[str, ModelReach] = {}

    @property
    def is_searching(self) -> bool:
        return self._search is not None and not self._search.done()

    @property
    def found(self) -> Mapping[str, ModelEndpoint]:
        return {name: one for models in self._found.values() for name, one in models.items()}

    def reach(self, endpoint: ModelEndpoint) -> ModelReach:
        """Whether its list could be read; an endpoint that cannot be reached keeps its models."""
        return self._reach.get(endpoint.base_url or "", ModelReach(None, None))

    def search_if_due(self) -> None:
        """Starts a search in the background."""
        now = self._clock.monotonic()
        if self._searched_at is None or now - self._searched_at >= VALID_S:
            self._begin(now)

    async def search_first(self) -> None:
        """Waits for a running search, or for the first."""
        if self._searched_at is None:
            self._begin(self._clock.monotonic())
        if self._search is not None:
            await asyncio.wait({self._search})

    def _begin(self, now: float) -> None:
        if not self.is_searching:
            self._searched_at = now
            self._search = self._tasks.spawn(self._search_all(), name="model discovery")

    async def _search_all(self) -> None:
        verify = await asyncio.to_thread(httpx.create_ssl_context, trust_env=True)
        async with asyncio.TaskGroup() as group:
            for one in self._listings.values():
                group.create_task(self._look(one, verify))

    async def _look(self, listing: Listing, verify: ssl.SSLContext) -> None:
        url = listing.base_url
        try:
            async with asyncio.timeout(TIMEOUT_S):
                body = await self._read(listing, verify)
            models = {one.name: one for one in self._endpoints(listing, body)}
        except TimeoutError:
            self._reach[url] = ModelReach(False, f"no response within {TIMEOUT_S:.0f} s")
        except (httpx.HTTPError, OSError, ValueError) as error:
            self._reach[url] = ModelReach(False, reason_of(error))
            log.debug("No models are listed at %s: %s", url, type(error).__name__)
        else:
            self._add(tuple(models.values()))
            self._found[url] = models
            self._reach[url] = ModelReach(True, None)

    async def _read(self, listing: Listing, verify: ssl.SSLContext) -> object:
        key = listing.api_key
        headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
        client = httpx.AsyncClient(
            timeout=TIMEOUT_S,
            proxy=self._proxies.url_for(listing.base_url),
            trust_env=False,
            verify=verify,
        )
        address = with_path(listing.base_url, "/models")
        async with client, client.stream("GET", address, headers=headers) as response:
            response.raise_for_status()
            body = bytearray()
            async for data in response.aiter_bytes():
                body += data
                if len(body) > MAX_BYTES:
                    raise ValueError("a list that is too long")
        return from_json(bytes(body))

    def _endpoints(self, listing: Listing, body: object) -> Iterable[ModelEndpoint]:
        listed = body.get("data") if isinstance(body, dict) else None
        if not isinstance(listed, list):
            raise ValueError("no list of models")
        place = _place(listing.base_url)
        usable = [one for one in listed if isinstance(one, dict) and _is_chat_model(one.get("id"))]
        host = urlsplit(listing.base_url).netloc
        for one in usable[:MAX_FOUND]:
            model = str(one["id"])
            if (place, _untagged(model)) in self._known:
                continue
            input_price, output_price = _prices(one.get("pricing"))
            yield ModelEndpoint(
                name=f"{host}/{model}"[:MAX_NAME],
                label=model,
                provider="openai",
                model=model,
                found=True,
                base_url=listing.base_url,
                api_key=listing.api_key,
                key_setting=listing.key_setting,
                context_window=_window(one),
                input_price=input_price,
                output_price=output_price,
            )


def _place(base_url: str) -> str:
    """The same for addresses that mean the same: this machine has several names."""
    parts = urlsplit(base_url)
    host = "localhost" if parts.hostname in _LOOPBACK else str(parts.hostname)
    return f"{host}:{parts.port or parts.scheme}{parts.path.rstrip('/')}?{parts.query}"


def _untagged(model: str) -> str:
    """Ollama calls `llama3.2` `llama3.2:latest`."""
    return model.removesuffix(":latest")


def _is_chat_model(name: JsonValue) -> bool:
    return (
        isinstance(name, str)
        and 0 < len(name) <= MAX_NAME - 60  # the host comes before it
        and name.isprintable()
        and _OTHER_KINDS.search(name) is None
    )


def _window(listed: Mapping[str, JsonValue]) -> int | None:
    values = (listed.get(name) for name in _WINDOWS)
    return next((one for one in values if isinstance(one, int) and one >= 512), None)


def _prices(pricing: JsonValue) -> tuple[float | None, float | None]:
    """The price listed by OpenRouter, in dollars per token."""
    if not isinstance(pricing, dict):
        return None, None
    return _per_million(pricing.get("prompt")), _per_million(pricing.get("completion"))


def _per_million(value: JsonValue) -> float | None:
    try:
        price = float(value) * 1e6 if isinstance(value, str | int | float) else math.nan
    except ValueError:
        return None
    return round(price, 4) if 0 <= price < math.inf else None

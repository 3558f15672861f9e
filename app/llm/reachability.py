"""Checks whether the answer model's service is reachable, for readiness and the page."""

import asyncio
import logging
import socket
import ssl
from typing import Final

import httpx

from app.domain.errors import SettingError
from app.domain.models import ModelReach
from app.domain.proxies import ProxyRules
from app.llm.answer_model import AnswerModel
from app.runs.ports import Clock
from app.runs.tasks import TaskTracker

log = logging.getLogger(__name__)

TIMEOUT_S: Final = 3.0
VALID_S: Final = 15.0
GATEWAY_ERRORS: Final = (502, 504)


class ModelReachability:
    """The last known state. Reading a stale one starts a new check in the background.

    A check is one request without a key. Any response proves that the service is reachable, even a
    refusal, unless a gateway or proxy reports that it cannot reach it. So does a model's answer.
    """

    def __init__(
        self, model: AnswerModel, *, proxies: ProxyRules, clock: Clock, tasks: TaskTracker
    ) -> None:
        self._model = model
        self._url = model.address
        self._proxy = proxies.url_for(model.address or "")
        self._clock = clock
        self._tasks = tasks
        self._checked_at: float | None = None
        self._answered_at = model.quirks.answered_at
        self._state = ModelReach(None, None)

    def state(self) -> ModelReach:
        """The current state; `reachable` is None without a service or before the first check."""
        now = self._clock.monotonic()
        if self._url is not None and self._model.quirks.answered_at != self._answered_at:
            self._answered_at = self._model.quirks.answered_at
            self._checked_at = now
            self._know(None)
        due = self._checked_at is None or now - self._checked_at >= VALID_S
        if self._url is not None and due:
            self._checked_at = now
            self._tasks.spawn(self.check(), name="model reachability")
        return self._state

    async def check(self) -> None:
        """Check the service now, and log a change of state."""
        if self._url is None:
            return
        self._checked_at = self._clock.monotonic()
        self._know(await _ask(self._url, self._proxy))

    def _know(self, reason: str | None) -> None:
        before, self._state = self._state, ModelReach(reason is None, reason)
        if reason is not None and before.reachable is not False:
            log.warning(
                "The model at %s cannot be reached: %s. Questions fail until it can be",
                self._model.sends_to,
                reason,
            )
        elif reason is None and before.reachable is False:
            log.info("The model at %s can be reached again", self._model.sends_to)


async def _ask(url: str, proxy: str | None) -> str | None:
    """None after a response, else the reason why there was none."""
    client = httpx.AsyncClient(
        timeout=TIMEOUT_S,
        proxy=proxy,
        trust_env=False,
        verify=await asyncio.to_thread(httpx.create_ssl_context, trust_env=True),
    )
    try:
        async with asyncio.timeout(TIMEOUT_S), client, client.stream("GET", url) as response:
            if response.status_code in GATEWAY_ERRORS:
                return f"what stands before it answered {response.status_code}"
    except TimeoutError:
        return f"no response within {TIMEOUT_S:.0f} s"
    except (httpx.HTTPError, OSError) as error:
        return reason_of(error)
    return None


def reason_of(error: BaseException) -> str:
    """The cause of an SDK's "connection error": name, certificate, port, or its class."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is refused: {cause.verify_message}"
        if isinstance(cause, socket.gaierror):
            return "its name cannot be resolved: check the address, and this machine's DNS"
        if isinstance(cause, ConnectionRefusedError):
            return "nobody listens at this address and port"
        cause = cause.__cause__ or cause.__context__
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, SettingError) else name

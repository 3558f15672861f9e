"""The composition root: `app` for any ASGI server, and `python -m app.main`."""

import gc

# Imports allocate hundreds of thousands of objects and hardly any garbage: collecting at the usual
# rate would take a fifth of the start.
_THRESHOLDS = gc.get_threshold()
gc.set_threshold(50_000, 20, 20)

from app.server.process import prepare_libraries, tune_for_serving

prepare_libraries()

import argparse
import asyncio
import logging
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, cast

import uvicorn
from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import __version__
from app.api import errors
from app.api.ai_sdk import routes as ai_sdk
from app.api.auth import routes as sign_in
from app.api.auth import setup as auth_setup
from app.api.middleware.path_prefix import UnderPrefix
from app.api.middleware.request_context import RequestIds
from app.api.middleware.security_headers import SecurityHeaders
from app.api.openai import routes as openai_compat
from app.api.openai.errors import OpenAIErrors
from app.api.routes import chat, conversations, health, jobs, metrics, models, runs, sources
from app.api.routes import docs as docs_page
from app.api.routes import stream_probe as probe
from app.api.routes.page import PageFallback, page_router
from app.config import Settings, load_settings
from app.db.migrations import migrate
from app.domain.encoding import printable
from app.domain.errors import SettingError, StoreUnavailable
from app.domain.library_ports import PassageEncoder
from app.observability.logging import configure
from app.runs.tasks import TaskTracker
from app.server.container import Container, Containers
from app.server.graceful_shutdown import GracefulShutdown
from app.server.http_protocol import TimeoutProtocol
from app.server.shared_parts import Process

log = logging.getLogger(__name__)

gc.set_threshold(*_THRESHOLDS)

PAGE = Path(__file__).resolve().parent.parent / "frontend" / "dist"
KEEP_ALIVE_S = 65
WORKER_START_S = 30  # on slow machines a worker takes this long to import
ANY_OR_LOOPBACK = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})
QUESTIONS = (
    "What are the side effects of aripiprazole?",
    "Why did the first text message go out late?",
    "What is the capital of Mongolia?",
)


def _all_routes() -> APIRouter:
    router = APIRouter()
    for module in (
        chat,
        runs,
        conversations,
        sources,
        jobs,
        models,
        health,
        metrics,
        probe,
        openai_compat,
        ai_sdk,
        sign_in,
        docs_page,
    ):
        router.include_router(module.router)
    return router


# All applications of a process share it: what FastAPI derives from it costs 0.2 s of processor.
ROUTES: Final = _all_routes()


class PlainStartupFailure:
    """Turns a wrong setting or an unreachable database into one line instead of a traceback."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handles the lifespan; passes everything else through."""
        if scope["type"] != "lifespan":
            await self._app(scope, receive, send)
            return

        async def plainly(message: Message) -> None:
            startup_error = getattr(scope["app"].state, "startup_error", None)
            if message["type"] == "lifespan.startup.failed" and startup_error is not None:
                message = {**message, "message": printable(startup_error)}
            await send(message)

        await self._app(scope, receive, plainly)


def create_app(
    settings: Settings | None = None, *, embedder: PassageEncoder | None = None
) -> FastAPI:
    """The application. Settings are read from the environment unless given.

    `embedder`: a loaded one to share. Raises `SettingError`. Opens nothing before the lifespan or
    the first request.
    """
    settings = settings or load_settings()
    containers = Containers(Process(settings, embedder))
    app = FastAPI(
        title="Citestream",
        version=__version__,
        lifespan=_lifespan(settings, containers),
        routes=ROUTES.routes,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": settings.root_path}] if settings.root_path else None,
        # Turns off FastAPI's telemetry, which environment variables could enable; see tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    app.state.services = containers.services
    app.state.containers = containers
    errors.install(app)
    app.include_router(page_router(PAGE))  # after all others, also /openapi.json
    _add_middleware(app, settings, containers)
    return app


def _add_middleware(app: FastAPI, settings: Settings, containers: Containers) -> None:
    """The last one added is entered first."""
    auth_setup.add_security_layers(app, settings, containers.services)
    app.add_middleware(OpenAIErrors)
    app.add_middleware(PageFallback, dist=PAGE)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["X-Run-Id", "X-Session-Id"],
        )
    app.add_middleware(SecurityHeaders)
    app.add_middleware(
        RequestIds,
        observer=containers.process.telemetry.requests,
        around=containers.process.tracing.continue_trace,
    )
    app.add_middleware(UnderPrefix, root_path=settings.root_path)
    app.add_middleware(PlainStartupFailure)


def _lifespan(
    settings: Settings, containers: Containers
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            configure(settings)
            runtime = await containers.get()
        except SettingError as error:
            app.state.startup_error = str(error)
            raise
        except StoreUnavailable as error:
            app.state.startup_error = _unreachable(settings, error)
            raise
        tune_for_serving()
        tasks = TaskTracker()
        drain = partial(runtime.services.runs.drain, settings.shutdown_grace_s)
        signals = GracefulShutdown(drain, tasks, end_now=runtime.services.runs.end_now)
        signals.install()
        tasks.spawn(_announce(settings, runtime), name="announcement")
        try:
            yield
        finally:
            signals.remove()
            await drain()
            await tasks.close()
            await containers.close()
            await asyncio.to_thread(containers.process.release)

    return lifespan


def _unreachable(settings: Settings, error: StoreUnavailable) -> str:
    if settings.database_url is None:
        return str(error)
    return (
        "DATABASE_URL: got an address where no database answers, takes that of a running "
        "PostgreSQL, postgresql://user:password@host:port/database (unset: the embedded one)"
    )


async def _announce(settings: Settings, runtime: Container) -> None:
    """Prints the ready line, once everything that the first question needs is available."""
    if runtime.samples is not None:
        await asyncio.wait({runtime.samples})
    took = f" after {time.time() - settings.started_at:.1f} s" if settings.started_at else ""
    host = "localhost" if settings.host in ANY_OR_LOOPBACK else settings.host
    lines = [f"Citestream is ready{took}: http://{host}:{settings.port}"]
    if settings.sample_library:
        lines += ["Three questions to ask:", *(f"  - {question}" for question in QUESTIONS)]
    log.info("\n".join(lines))


def main(arguments: list[str] | None = None) -> int:
    """Serve. Returns the exit code; a wrong setting or a taken port is one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m app.main", description=__doc__)
    parser.add_argument("--reload", action="store_true", help="start again when code changes")
    reload = parser.parse_args(arguments).reload
    try:
        settings = load_settings()
        _check_port(settings)
        configure(settings)
        shared = _shared_by_workers(settings) if settings.workers > 1 and not reload else None
    except SettingError as error:
        sys.stderr.write(f"{printable(str(error))}\n")
        return 2
    uvicorn.run(
        "app.main:app",
        host=settings.host,
        port=settings.port,
        workers=settings.workers if not reload else None,
        reload=reload,
        reload_dirs=["app"] if reload else None,
        http=TimeoutProtocol,
        # TRUSTED_PROXIES decides on forwarded headers, by the address of the actual peer.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_worker_healthcheck=WORKER_START_S,
        log_config=None,
        access_log=settings.log_level == "DEBUG",
    )
    if shared is not None:
        shared.release()
    return 0


def _shared_by_workers(settings: Settings) -> Process:
    """Starts the database once, before the workers connect. Raises `SettingError`."""
    process = Process(settings)
    try:
        asyncio.run(migrate(process.dsn(), password=process.password()))
    except StoreUnavailable as error:
        raise SettingError(_unreachable(settings, error)) from None
    return process


def _check_port(settings: Settings) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            name = "HOST" if error.errno not in {98, 48, 13} else "PORT"
            got = settings.host if name == "HOST" else settings.port
            raise SettingError(
                f"{name}: got {got}, which cannot be listened on ({error.strerror}), "
                "takes a free one"
            ) from None


def __getattr__(name: str) -> FastAPI:
    """`app`, built on first use, so that importing this module reads no settings."""
    if name == "app":
        try:
            globals()["app"] = create_app()
        except SettingError as error:
            raise SystemExit(printable(str(error))) from None
        return cast("FastAPI", globals()["app"])
    raise AttributeError(name)


if __name__ == "__main__":
    sys.exit(main())

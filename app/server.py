"""Runs the servers: drains uploads before shutdown, reloads models on SIGHUP, stops on a hang.

uvicorn alone closes its sockets at the first SIGTERM, so that new connections are refused. Here the
sockets stay open until the accepted uploads are answered. Further uploads get 503 meanwhile, so
that a load balancer loses none.
"""

import asyncio
import logging
import math
import signal
import time
from collections.abc import Sequence
from typing import Any

import uvicorn
import uvloop
from fastapi import FastAPI

from app.errors import RequestError
from app.services import Services

log = logging.getLogger(__name__)

DRAIN_S = 20
"""The time for accepted uploads after the first signal."""

CLOSING_S = 5
"""The time for the remaining requests after that."""

POLL_S = 0.1


def server(application: FastAPI, host: str, port: int) -> uvicorn.Server:
    """Return the public server, which loads the models when it starts.

    Args:
        application: The application.
        host: The address to listen on.
        port: The port to listen on.
    """
    return uvicorn.Server(_config(application, host, port))


def operators_server(application: FastAPI, host: str, port: int) -> uvicorn.Server:
    """Return a second server, for operators; the public one loads the models.

    Args:
        application: The application of the operators' routes.
        host: The address to listen on.
        port: The port to listen on.
    """
    config = _config(application, host, port)
    config.lifespan = "off"
    return uvicorn.Server(config)


def run(application: FastAPI, servers: Sequence[uvicorn.Server]) -> None:
    """Serve until the service is stopped.

    Args:
        application: The application of the public server.
        servers: The servers, which start and stop together.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Lifecycle(application, servers).serve())


class _Lifecycle:
    """Starts and stops servers together."""

    def __init__(self, application: FastAPI, servers: Sequence[uvicorn.Server]) -> None:
        self._state = application.state
        self._services: Services = application.state.services
        self._servers = servers
        self._latest_end_s = math.inf
        self._reloading: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Start the servers, and check ten times a second whether to stop."""
        running = [asyncio.create_task(server.serve()) for server in self._servers]
        await asyncio.sleep(0)  # uvicorn sets its signal handlers first, which ours replace
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop)
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        loop.set_exception_handler(_log_loop_error)
        while not all(task.done() for task in running):
            await asyncio.wait(running, timeout=POLL_S)
            if self._must_end or any(task.done() for task in running):
                self._end()
        await asyncio.gather(*running)

    def _stop(self) -> None:
        """Drain at the first signal, shut down at the second, abort at the third."""
        if any(server.should_exit for server in self._servers):
            for server in self._servers:
                server.force_exit = True
        elif self._services.admission.is_closed:
            self._end()
        else:
            self._services.admission.close()
            self._latest_end_s = time.monotonic() + DRAIN_S

    def _end(self) -> None:
        for server in self._servers:
            server.should_exit = True

    @property
    def _must_end(self) -> bool:
        services = self._services
        is_drained = services.admission.is_closed and not services.admission.in_flight
        is_late = time.monotonic() > self._latest_end_s
        return is_drained or is_late or services.is_stuck or self._state.failure is not None

    def _begin_reload(self) -> None:
        reloading = asyncio.create_task(self._reload())
        self._reloading.add(reloading)  # the event loop keeps only a weak reference
        reloading.add_done_callback(self._reloading.discard)

    async def _reload(self) -> None:
        try:
            await self._services.reload()
        except RequestError as error:
            log.error("SIGHUP: %s", error)


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors of the event loop; those of malformed HTTP without the client's data."""
    if "protocol" in context:
        log.warning("a connection failed: %s", type(context.get("exception")).__name__)
    else:
        loop.default_exception_handler(context)


def _config(application: FastAPI, host: str, port: int) -> uvicorn.Config:
    services: Services = application.state.services
    return uvicorn.Config(
        application,
        http="h11",  # httptools drops the body of an upload that offers `Upgrade: h2c`
        ws="none",
        host=host,
        port=port,
        forwarded_allow_ips=[str(network) for network in services.settings.trusted_proxies],
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSING_S,
    )

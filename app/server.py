"""The server's life: it drains before it ends, takes new models on SIGHUP, and gives up on a hang.

uvicorn by itself closes its sockets at the first SIGTERM: new connections are refused. Here they
stay open until what was accepted is answered, and other uploads are asked to come again, so that a
load balancer loses none.
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
"""For accepted uploads, from the first signal on; stalled ones are cut then."""

CLOSING_S = 5
"""For what is not done even then."""

TICK_S = 0.1


def server(application: FastAPI, host: str, port: int) -> uvicorn.Server:
    """The public server."""
    return uvicorn.Server(_config(application, host, port))


def operators_server(application: FastAPI, host: str, port: int) -> uvicorn.Server:
    """A second server, for operators; the models are loaded by the public one."""
    config = _config(application, host, port)
    config.lifespan = "off"
    return uvicorn.Server(config)


def run(application: FastAPI, servers: Sequence[uvicorn.Server]) -> None:
    """Serve until the service is stopped.

    Args:
        application: That of the public server.
        servers: They start and end together.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Life(application, servers).serve())


class _Life:
    """Servers, from their start to their end."""

    def __init__(self, application: FastAPI, servers: Sequence[uvicorn.Server]) -> None:
        self._state = application.state
        self._services: Services = application.state.services
        self._servers = servers
        self._latest_end_s = math.inf
        self._reloading: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Start the servers, and look ten times a second whether the end has come."""
        runtime = [asyncio.create_task(server.serve()) for server in self._servers]
        await asyncio.sleep(0)  # uvicorn sets its own signal handlers first, ours replace them
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, self._stop)
        loop.add_signal_handler(signal.SIGTERM, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._begin_reload)
        loop.set_exception_handler(_log_loop_error)
        while not all(one.done() for one in runtime):
            await asyncio.wait(runtime, timeout=TICK_S)
            if self._is_over or any(one.done() for one in runtime):
                self._end()
        await asyncio.gather(*runtime)

    def _stop(self) -> None:
        """Drain at the first signal, end at the second, break off at the third."""
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
    def _is_over(self) -> bool:
        services = self._services
        is_drained = services.admission.is_closed and not services.admission.in_flight
        is_late = time.monotonic() > self._latest_end_s
        return is_drained or is_late or services.is_stuck or self._state.failure is not None

    def _begin_reload(self) -> None:
        reloading = asyncio.create_task(self._reload())
        self._reloading.add(reloading)  # the loop itself does not hold on to it
        reloading.add_done_callback(self._reloading.discard)

    async def _reload(self) -> None:
        try:
            await self._services.reload()
        except RequestError as error:
            log.error("SIGHUP: %s", error)


def _log_loop_error(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log errors as usual but those that broken HTTP causes: they quote what the client sent."""
    if "protocol" in context:
        log.warning("a connection broke: %s", type(context.get("exception")).__name__)
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

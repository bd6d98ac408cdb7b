"""The server's life: it drains before it ends, takes new models on SIGHUP, and gives up on a hang.

uvicorn by itself closes its door at the first SIGTERM: who comes then is refused a connection. Here
the door stays open until what was accepted is answered, and whoever comes meanwhile is told to come
again, so that a load balancer loses nobody.
"""

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn
from fastapi import FastAPI

from app.api.protocol import bounded
from app.errors import RequestError
from app.services import Services

log = logging.getLogger(__name__)

DRAIN_S = 20
"""For accepted uploads, once the service is told to stop; stalled ones are cut then."""

CLOSING_S = 5
"""For what is not done even then."""


class Server(uvicorn.Server):
    """Serves until it is told to stop, and whoever was accepted is answered."""

    def __init__(self, config: uvicorn.Config, services: Services) -> None:
        super().__init__(config)
        self._services = services
        self._latest_end = float("inf")
        self._reloading: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen; SIGHUP is no reason to die."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._begin_reload)
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Drain at the first signal, end at the second, break off at the third."""
        if self.should_exit:
            self.force_exit = True
        elif self._services.admission.is_closed:
            self.should_exit = True
        else:
            self._services.admission.close()
            self._latest_end = time.monotonic() + DRAIN_S

    async def on_tick(self, counter: int) -> bool:
        """Look, ten times a second, whether the end has come."""
        admission = self._services.admission
        is_drained = admission.is_closed and not admission.in_flight
        if is_drained or time.monotonic() > self._latest_end or self._services.is_stuck:
            self.should_exit = True
        return await super().on_tick(counter)

    def _begin_reload(self) -> None:
        reloading = asyncio.create_task(self._reload())
        self._reloading.add(reloading)  # the loop itself does not hold on to it
        reloading.add_done_callback(self._reloading.discard)

    async def _reload(self) -> None:
        try:
            await self._services.reload()
        except RequestError as error:
            log.error("SIGHUP: %s", error)


class Companion(uvicorn.Server):
    """A second door of the same house: it opens and closes with the first."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the first."""
        yield


def server(application: FastAPI, services: Services, host: str, port: int) -> Server:
    """The door for everybody."""
    return Server(_config(application, host, port), services)


def companion(application: FastAPI, host: str, port: int) -> Companion:
    """The door for operators; the application is loaded by the first one's."""
    config = _config(application, host, port)
    config.lifespan = "off"
    return Companion(config)


def run(server: Server, companion: Companion | None) -> None:
    """Serve until it is over."""
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(_serve(server, companion))


async def _serve(server: Server, companion: Companion | None) -> None:
    if companion is None:
        await server.serve()
        return
    beside = asyncio.create_task(companion.serve())
    await server.serve()
    companion.should_exit = True
    await beside


def _config(application: FastAPI, host: str, port: int) -> uvicorn.Config:
    services: Services = application.state.services
    return uvicorn.Config(
        application,
        http=bounded(services.settings, services.metrics),
        ws="none",
        host=host,
        port=port,
        forwarded_allow_ips=[str(network) for network in services.settings.trusted_proxies],
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSING_S,
    )

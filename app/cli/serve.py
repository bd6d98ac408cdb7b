"""`taggram serve`."""

import ipaddress
import logging
import os
from typing import Annotated

import typer

from app.cli.console import log_json_to_stderr, plain_errors, read_settings
from app.errors import SetupError
from app.inference.pool import EngineFactory
from app.installation import check_environment
from app.services import Services

Host = Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")]
Port = Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.")]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Let other machines in without an API key.")
]


def serve(host: Host = "127.0.0.1", port: Port = 8000, insecure: Insecure = False) -> None:
    """Serve the API; settings come from TAGGRAM_ variables, see docs/operating.md."""
    start(host, port, insecure=insecure)


def start(
    host: str, port: int, *, insecure: bool, load_engine: EngineFactory | None = None
) -> None:
    """Check the set-up and serve until the service is stopped.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        insecure: Whether other machines may call without an API key.
        load_engine: Loads a model; by default from the model store.
    """
    log = log_json_to_stderr(logging.INFO)
    with plain_errors():
        check_environment()
        settings = read_settings()
        if not (insecure or settings.keys_file or _is_loopback(host)):
            raise SetupError(
                f"without API keys only this machine may call, so not on {host}; make a key with "
                "`taggram keys create`, or say --insecure where something else guards the service"
            )
        services = Services(settings, load_engine)
        log.on_drop = services.metrics.log_line_dropped
        _run(services, host, port)


def _run(services: Services, host: str, port: int) -> None:
    # The web stack takes seconds to import; what is wrong with the set-up is said before.
    from app.main import create_app
    from app.server import operators_server, run, server

    address = services.settings.operations_address
    application = create_app(services, for_operators=address is None)
    servers = [server(application, host, port)]
    if address:
        servers.append(operators_server(create_app(services), *_split(address)))
    run(application, servers)
    if services.is_stuck:
        # Python waits for all threads before it ends, and this one never does.
        logging.shutdown()
        os._exit(1)
    if application.state.failure is not None:
        raise application.state.failure


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)

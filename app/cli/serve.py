"""`taggram serve`: run the service."""

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
    bool, typer.Option("--insecure", help="Accept other machines without an API key.")
]


def serve(host: Host = "127.0.0.1", port: Port = 8000, insecure: Insecure = False) -> None:
    """Serve the API; settings are TAGGRAM_ environment variables, see docs/operating.md."""
    start(host, port, insecure=insecure)


def start(
    host: str, port: int, *, insecure: bool, load_engine: EngineFactory | None = None
) -> None:
    """Check the setup, and serve until the service is stopped.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        insecure: Whether other machines may call without an API key.
        load_engine: Loads a model; by default from the model store.

    Raises:
        typer.Exit: The setup is invalid, or the models can't be loaded; the reason is printed.
    """
    log = log_json_to_stderr(logging.INFO)
    with plain_errors():
        check_environment()
        settings = read_settings()
        if not (insecure or settings.keys_file or _is_loopback(host)):
            raise SetupError(
                f"the service can't listen on {host} without API keys, as any machine could call "
                "it; create a key with `taggram keys create`, or use --insecure if access is "
                "restricted by other means"
            )
        services = Services(settings, load_engine, with_recommenders=True)
        services.open_catalogue()
        log.on_drop = services.metrics.log_line_dropped
        _run(services, host, port)


def _run(services: Services, host: str, port: int) -> None:
    # The web stack takes seconds to import; errors of the setup are reported before.
    from app.main import create_app
    from app.server import operators_server, run, server

    address = services.settings.operations_address
    application = create_app(services, for_operators=address is None)
    servers = [server(application, host, port)]
    if address:
        servers.append(operators_server(create_app(services), *_split(address)))
    run(application, servers)
    if services.is_stuck:
        # Python waits for all threads before it exits, but the stuck one never ends.
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

"""`taggram serve`."""

import logging
import signal
from typing import Annotated

import typer

from app.cli.console import log_to_stderr, plain_errors, read_settings
from app.errors import SetupError
from app.services import Services

GRACE_S = 30
"""For requests that are being answered when the service is told to stop."""


def serve(
    host: Annotated[str, typer.Option(envvar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PORT", help="Port to listen on.")] = 8000,
) -> None:
    """Serve the API; settings come from TAGGRAM_ variables, see the README."""
    log_to_stderr(logging.INFO)
    with plain_errors():
        services = Services(read_settings())
        # The web stack takes seconds to import; what is wrong with the set-up is said before.
        import uvicorn

        from app.main import create_app

        application = create_app(services)
        # uvicorn drains, then raises the signal again; by then all is done, so end with status 0.
        signal.signal(signal.SIGTERM, lambda *_: None)
        uvicorn.run(
            application,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        if application.state.failure is not None:
            raise SetupError(str(application.state.failure)) from application.state.failure

"""The service, with stubs in the place of its networks; `testing.server.STUB` runs it.

All else is real: the command line's checks, settings, HTTP, decoders, batches, cache. It is ready
in a second, as it imports no TensorFlow.
"""

import typer

from app.cli.serve import Host, Insecure, Port, start
from testing.stub_engine import load_stub_engine

app = typer.Typer()


@app.callback()
def stub_service() -> None:
    """Take `serve` as the name of a command, as `taggram` does."""


@app.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000, insecure: Insecure = False) -> None:
    """Serve the API."""
    start(host, port, insecure=insecure, load_engine=load_stub_engine)

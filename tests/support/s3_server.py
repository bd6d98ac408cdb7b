"""A real S3 server on this machine: moto's, which keeps its objects in memory."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from uuid import uuid4

import pytest

NEEDED = ("moto", "flask", "flask_cors", "s3fs")


class Requests(logging.Handler):
    """The requests that the server has answered, from its log.

    Attributes:
        lines: The method and path of each, as `GET /bucket/key`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Store a request."""
        self.lines += re.findall(r"([A-Z]+ /\S*) HTTP/", record.getMessage())


@contextmanager
def s3_server() -> Iterator[Requests]:
    """Run the server, and have s3:// mean it, in this process and in its children."""
    missing = [name for name in NEEDED if not find_spec(name)]
    if missing:
        pytest.skip(f"an S3 server needs {', '.join(missing)}")
    from moto.server import ThreadedMotoServer

    requests, log = Requests(), logging.getLogger("werkzeug")
    log.setLevel(logging.INFO)
    log.addHandler(requests)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        with pytest.MonkeyPatch.context() as environment:
            host, port = server.get_host_and_port()
            environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
            environment.setenv("AWS_ACCESS_KEY_ID", "any")
            environment.setenv("AWS_SECRET_ACCESS_KEY", "any")
            environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
            forget_connections()
            yield requests
    finally:
        server.stop()
        forget_connections()
        log.removeHandler(requests)


def new_bucket() -> str:
    """Create an empty bucket, and return its name."""
    import fsspec

    name = f"bucket-{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(name)
    return name


def forget_connections() -> None:
    """Have the next access to s3:// read the environment again."""
    import fsspec

    fsspec.get_filesystem_class("s3").clear_instance_cache()

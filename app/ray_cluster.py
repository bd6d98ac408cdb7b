"""Connects to a Ray cluster, with errors that say what to do."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import SetupError
from app.masking import remember

CONNECT_S = 10
"""The timeout for connecting to a cluster, in seconds."""


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Connect this process to a Ray cluster.

    Args:
        address: `host:port`, or `auto` for the cluster that this machine is part of; None for the
            cluster of `RAY_ADDRESS`, or else one of this machine alone.

    Raises:
        SetupError: Ray is not installed, or the cluster can't be reached.
    """
    try:
        import ray  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SetupError("Ray is not installed: `pip install 'taggram[ray]'`") from error
    is_found_by_ray = address in {None, "auto"}
    _check_reachable(os.environ.get("RAY_ADDRESS", "") if is_found_by_ray else str(address))
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise SetupError(
            f"the Ray cluster can't be reached: {error}; if it asks for a token, set "
            "RAY_AUTH_MODE=token and RAY_AUTH_TOKEN"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Connect to a cluster once, as Ray itself would retry for a quarter of an hour.

    Args:
        address: `host:port`; anything else is left to Ray.

    Raises:
        SetupError: It does not answer.
    """
    remember(address)
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except OSError as error:
        raise SetupError(f"{address}: the Ray cluster does not answer: {error}") from error

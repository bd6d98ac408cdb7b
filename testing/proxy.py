"""Debian's nginx with `docker/nginx`, in front of replicas of the service on this machine."""

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from testing.packages.nginx import NGINX
from testing.server import free_port

FOLDER = Path(__file__).resolve().parent.parent / "docker" / "nginx"
CONFIGURATION = (FOLDER / "nginx.conf").read_text()
UPSTREAM = (FOLDER / "upstream.conf").read_text()
START_S = 60


@contextmanager
def run_nginx(
    folder: Path, *service_ports: int, changed: Mapping[str, str] | None = None
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run nginx with the shipped configuration, except for paths and ports, during the body.

    Args:
        folder: Gets the configuration, the logs and the bodies that nginx keeps.
        service_ports: The port of each replica.
        changed: Other texts of the configuration by those that they replace.

    Yields:
        The port of nginx, and its process.
    """
    port = free_port()
    (folder / "upstream.conf").write_text(_name_replicas(service_ports))
    command = _configure(folder, {**_paths_and_ports(folder, port), **(changed or {})})
    subprocess.run([*command, "-t"], timeout=300, check=True, capture_output=True)
    with (folder / "error.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        _wait_until_ready(port)
        yield port, process
    finally:
        process.terminate()
        process.wait(START_S)


def _name_replicas(ports: Sequence[int]) -> str:
    """Return the upstream, as for an nginx without `resolve`, as Debian's is."""
    [line] = re.findall(r"server taggram:8000 resolve.*;", UPSTREAM)
    servers = [line.replace("taggram:8000 resolve", f"127.0.0.1:{port}") for port in ports]
    return UPSTREAM.replace(line, "\n    ".join(servers))


def _paths_and_ports(folder: Path, port: int) -> dict[str, str]:
    kinds = ("proxy", "fastcgi", "uwsgi", "scgi")
    folders = " ".join(f"{kind}_temp_path {folder / kind};" for kind in kinds)
    return {
        "user www-data;": "user root;" if os.geteuid() == 0 else "",
        "worker_processes auto;": "worker_processes 1; daemon off;",
        "/run/nginx.pid": str(folder / "pid"),
        "/var/cache/nginx/body": str(folder / "body"),
        "access_log /dev/stdout plain;": f"access_log {folder}/access.log plain; {folders}",
        "listen 80;": f"listen 127.0.0.1:{port};",
    }


def _configure(folder: Path, replaced: Mapping[str, str]) -> list[str | Path]:
    """Write the configuration, and return the command for nginx."""
    text = CONFIGURATION
    for old, new in replaced.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    return [NGINX, "-p", folder, "-e", "stderr", "-c", folder / "nginx.conf"]


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not listen on port {port} after {START_S} s")

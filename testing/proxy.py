"""Debian's nginx with `docker/nginx.conf`, before a service on this machine."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from testing.packages.nginx import NGINX
from testing.server import free_port

CONFIGURATION = Path(__file__).resolve().parent.parent / "docker" / "nginx.conf"
START_S = 30


@contextmanager
def nginx_before(service_port: int, folder: Path) -> Iterator[int]:
    """Run nginx with the shipped configuration, except for paths and ports; yield its port."""
    port = free_port()
    text = CONFIGURATION.read_text()
    for old, new in {
        "user www-data;": "user root;" if os.geteuid() == 0 else "",
        "worker_processes auto;": "worker_processes 1; daemon off;",
        "/run/nginx.pid": f"{folder}/pid",
        "/var/cache/nginx/body": f"{folder}/body",
        "access_log /dev/stdout plain;": "access_log off; " + _temporary_folders(folder),
        "server taggram:8000;": f"server 127.0.0.1:{service_port};",
        "listen 80;": f"listen 127.0.0.1:{port};",
    }.items():
        text = text.replace(old, new)
    (folder / "nginx.conf").write_text(text)
    configured = folder / "nginx.conf"
    command: list[str | Path] = [NGINX, "-p", folder, "-e", "stderr", "-c", configured]
    with (folder / "error.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        _wait_until_ready(port)
        yield port
    finally:
        process.terminate()
        process.wait(START_S)


def _temporary_folders(folder: Path) -> str:
    kinds = ("proxy", "fastcgi", "uwsgi", "scgi")
    return " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise AssertionError(f"nginx does not listen on port {port} after {START_S} s")

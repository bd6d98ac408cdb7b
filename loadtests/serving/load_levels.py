"""Runs a level of load against the service, and watches both."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from rich.progress import track

from loadtests.report import out
from loadtests.service import show_log
from loadtests.serving.health_probe import Health, polling_health
from loadtests.serving.load_profile import Level, Result
from loadtests.tracks import encoded
from testing.process_usage import Usage, watched
from testing.server import Server

TRACK_S = 30
TRACKS = 8


def package_model(server: Server, folder: Path) -> None:
    """Encode the tracks and make them known, which also warms the service up."""
    for number in track(range(TRACKS), "encoding", console=out, transient=True):
        mp3 = encoded(TRACK_S, start_s=10.0 * number)
        (folder / f"{number}.mp3").write_bytes(mp3)
        server.http.post("/suggest-tags", files={"file": mp3}).raise_for_status()


def loaded(server: Server, folder: Path, level: Level) -> tuple[Result, Usage, Health]:
    """Load the service from a separate process; return the outcome and the resource usage."""
    url = server.http.base_url
    program = [sys.executable, "-m", "loadtests.serving.load_client"]
    arguments = [str(url).rstrip("/"), str(folder), json.dumps(asdict(level))]
    with subprocess.Popen([*program, *arguments], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        client.stdout.readline()  # it begins; importing locust is not part of the level
        with (
            watched(server.process.pid) as usage,
            polling_health(url.host, url.port or 80) as health,
        ):
            answer = client.stdout.readline()
    if client.returncode or server.process.poll() is not None:
        raise RuntimeError(f"{level.name}: the client or the service ended")
    result = Result.from_json(answer)
    if result.failed:
        out.print(f"{level.name}: {result.answers}")
        show_log(server)
    return result, usage, health

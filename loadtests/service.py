"""The service under measurement: as the tests start it, but its log is printed if it fails."""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from loadtests.report import out
from testing.server import COMMAND, Server, serving

TAIL_LINES = 40
STAGE = re.compile(r"([\w-]+);dur=([\d.]+)")


@contextmanager
def service(
    settings: Mapping[str, str] | None = None, command: Sequence[str | Path] = (COMMAND,)
) -> Iterator[Server]:
    """Run the service until the body is done; if the body fails, print the end of its log."""
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder) / "log", settings, command) as server,
    ):
        try:
            yield server
        except Exception:
            show_log(server)
            raise


def show_log(server: Server) -> None:
    """Print the end of the log, without the many lines of health checks."""
    lines = server.log.read_text(errors="replace").splitlines()
    lines = [line for line in lines if "/health/live" not in line][-TAIL_LINES:]
    out.rule("the service's log")
    out.print("\n".join(lines), markup=False, highlight=False)
    out.rule()


def stage_seconds(headers: Mapping[str, str]) -> dict[str, float]:
    """Seconds by stage, as an answer's `Server-Timing` gives them."""
    timing = headers.get("server-timing", "")
    return {stage: float(milliseconds) / 1000 for stage, milliseconds in STAGE.findall(timing)}

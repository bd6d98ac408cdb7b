"""Debian's Prometheus and node exporter, to test `docker/prometheus` and `docker/grafana` with.

`python -m testing.packages.prometheus` unpacks them below `.cache/prometheus` and
`.cache/node-exporter`. On another system it prints a message and leaves the folders unchanged.
"""

from functools import partial
from pathlib import Path

from testing.packages.audio import fetch_once
from testing.packages.programs import fetch_program

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
_PROMETHEUS, _EXPORTER = _CACHE / "prometheus", _CACHE / "node-exporter"

PROMETHEUS = _PROMETHEUS / "usr" / "bin" / "prometheus"
PROMTOOL = _PROMETHEUS / "usr" / "bin" / "promtool"
NODE_EXPORTER = _EXPORTER / "usr" / "bin" / "prometheus-node-exporter"


def main() -> None:
    """Fetch them, or say why not."""
    fetch_once(partial(fetch_program, "prometheus", _PROMETHEUS, PROMETHEUS, "--version"))
    fetch_once(
        partial(fetch_program, "prometheus-node-exporter", _EXPORTER, NODE_EXPORTER, "--version")
    )


if __name__ == "__main__":
    main()

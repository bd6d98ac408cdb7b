"""Prometheus metrics of a run, in a file for the textfile collector of node exporter.

A run is no service that could be scraped, and its result must outlive it.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from app.catalogue.summary import Summary


@dataclass
class RunReport:
    """What a run reports.

    Attributes:
        summary: Its counts; None until they are known.
    """

    summary: Summary | None = None


@contextmanager
def report_run(path: Path | None, max_failed_share: float) -> Iterator[RunReport]:
    """Write the metrics of a run at its end; one that ends with an error is no success.

    Args:
        path: The file, which must end with `.prom` for the collector; None to write none.
        max_failed_share: The largest share of failures of a success, within 0..1.

    Yields:
        The report, to which the body adds the counts.

    Raises:
        OSError: The file can't be written.
    """
    report = RunReport()
    is_success = False
    try:
        yield report
        is_success = report.summary is not None and not report.summary.find_fault(max_failed_share)
    finally:
        if path:
            write_to_textfile(str(path), collect_run(report.summary, is_success=is_success))


def collect_run(summary: Summary | None, *, is_success: bool) -> CollectorRegistry:
    """Return the metrics of a run that has ended.

    Args:
        summary: Its counts; None if an error ended it before they were known.
        is_success: Whether it succeeded.
    """
    registry = CollectorRegistry()
    summary = summary or Summary(0)
    values = {
        "success": ("Whether the last run succeeded.", float(is_success)),
        "end_timestamp_seconds": ("When the last run ended.", time.time()),
        "seconds": ("Length of the last run.", summary.seconds),
        "audio_seconds": ("Length of the tracks that the last run scored.", summary.audio_s),
    }
    for name, (text, value) in values.items():
        Gauge(f"taggram_catalogue_run_{name}", text, registry=registry).set(value)
    tracks = Gauge(
        "taggram_catalogue_run_tracks",
        "Tracks of the source of the last run, by what became of them.",
        ["result"],
        registry=registry,
    )
    for result in ("inferred", "shared", "known", "failed"):
        tracks.labels(result).set(getattr(summary, result))
    tracks.labels("not_tried").set(summary.total - summary.done)
    return registry

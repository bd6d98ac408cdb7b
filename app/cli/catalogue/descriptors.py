"""The option `--descriptors` of `taggram catalogue tag`."""

from typing import TYPE_CHECKING

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.cli.catalogue.shared import show_failures
from app.cli.console import err, out, say
from app.settings import Settings

if TYPE_CHECKING:
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.storage import Storage

SAMPLE_RATE = 16_000
"""In Hz, whatever the models take: descriptors of all tracks must be comparable."""


def make_describer(settings: Settings, catalogue: "Storage") -> "TrackDescriber":
    """Return what measures the tracks; the caller has locked the catalogue.

    Raises:
        SetupError: A file of the catalogue can't be read.
    """
    from app.catalogue.describing import TrackDescriber

    limits = AudioLimits(
        SAMPLE_RATE, settings.min_duration_s, settings.max_duration_s, settings.decoders
    )
    jobs = settings.decode_workers
    return TrackDescriber(Decoder(limits, jobs, settings.decode_timeout_s), catalogue, jobs)


def report_descriptors(describer: "TrackDescriber") -> None:
    """Print how many tracks were measured, and which failed."""
    summary = describer.summary
    say(
        out,
        f"descriptors: {summary.inferred:,} tracks measured, {summary.shared:,} identical to "
        f"others, {summary.failed:,} failed",
    )
    if summary.failed:
        say(err, "these tracks have no descriptors; the next run tries again", style="red")
        show_failures(summary)

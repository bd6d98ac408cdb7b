"""The option `--descriptors` of `taggram catalogue tag`."""

from typing import TYPE_CHECKING

from app.cli.catalogue.shared import show_failures
from app.cli.console import err, out, say
from app.cli.descriptor_decoder import make_descriptor_decoder
from app.settings import Settings

if TYPE_CHECKING:
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.storage import Storage


def make_describer(settings: Settings, catalogue: "Storage") -> "TrackDescriber":
    """Return what measures the tracks; the caller has locked the catalogue.

    Raises:
        SetupError: A file of the catalogue can't be read, or decoders can't be started.
    """
    from app.catalogue.describing import TrackDescriber

    jobs = settings.decode_workers
    return TrackDescriber(make_descriptor_decoder(settings, jobs), catalogue, jobs)


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

"""The option `--descriptors` of `taggram catalogue tag`."""

from typing import TYPE_CHECKING

from app.cli.catalogue.shared import show_failures
from app.cli.console import err, out, say
from app.cli.descriptor_decoder import make_descriptor_decoder
from app.settings import Settings

if TYPE_CHECKING:
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.summary import Summary


def make_describer(settings: Settings, to: str) -> "TrackDescriber":
    """Return what measures the tracks for a catalogue, which the caller has locked.

    Raises:
        SetupError: Decoders can't be started.
    """
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.descriptor_table import DescriptorIndex, DescriptorTable
    from app.catalogue.storage import open_storage

    jobs = settings.decode_workers
    table = DescriptorTable(open_storage(to), DescriptorIndex(to))
    return TrackDescriber(make_descriptor_decoder(settings, jobs), table, jobs)


def report_descriptors(summary: "Summary") -> None:
    """Print how many tracks were measured, and which failed."""
    say(
        out,
        f"descriptors: {summary.inferred:,} tracks measured, {summary.shared:,} identical to "
        f"others, {summary.failed:,} failed",
    )
    if summary.failed:
        say(err, "these tracks have no descriptors; the next run tries again", style="red")
        show_failures(summary)

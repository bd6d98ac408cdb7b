"""Runs over a catalogue on a Ray cluster, for `taggram catalogue tag --ray`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.catalogue.tagging_progress import tagging_progress
from app.cpus import usable_cpus
from app.installation import installed_version
from app.services import Services
from app.settings import Settings
from app.store.manifest.manifest import Manifest
from app.tagging.tagger import Tagger

if TYPE_CHECKING:
    from app.catalogue.entries import Listing
    from app.catalogue.summary import Summary

NOT_OF_RUNS = {"secret": None, "keys_file": None, "feedback_file": None, "redis_url": None}
"""Settings that no machine of a cluster needs, or may see."""


@dataclass(frozen=True)
class RayOptions:
    """Options of the command that only a cluster has.

    Attributes:
        address: `host:port` of the cluster, or `auto`.
        max_machines: The most machines that are used, if that is limited.
        workers: Tracks at a time on each machine; None for one more than it has CPUs.
    """

    address: str
    max_machines: int | None
    workers: int | None


def run_on_ray(
    options: RayOptions,
    settings: Settings,
    models: Sequence[Manifest],
    listing: "Listing",
    to: str,
    max_failed_share: float,
) -> "Summary":
    """Tag the tracks on a cluster, with progress; return the counts.

    Raises:
        SetupError: As for `app.catalogue.ray_run.tag_on_cluster`.
    """
    from app.catalogue.cluster_worker import ClusterJob
    from app.catalogue.files import local_path
    from app.catalogue.ray_run import tag_on_cluster

    folder = local_path(to)
    if not is_url(settings.model_store):
        settings = settings.model_copy(
            update={"model_store": str(Path(settings.model_store).absolute())}
        )
    open_analyser = partial(load_tagger, settings.model_copy(update=NOT_OF_RUNS), options.workers)
    job = ClusterJob(
        open_analyser,
        tuple(models),
        str(folder.absolute()) if folder else to,
        options.workers,
        installed_version(),
    )
    with tagging_progress() as on_progress:
        return tag_on_cluster(
            job,
            listing,
            address=options.address,
            max_machines=options.max_machines,
            max_failed_share=max_failed_share,
            on_progress=on_progress,
        )


def is_url(place: str) -> bool:
    """Return whether a place is a URL."""
    return "://" in place


def load_tagger(settings: Settings, workers: int | None) -> Tagger:
    """Load the models on a machine of a cluster.

    Args:
        settings: The settings of the command.
        workers: Tracks at a time; None for one more than this machine has CPUs.

    Raises:
        SetupError: The models can't be loaded here.
    """
    workers = workers or usable_cpus() + 1
    services = Services(settings.model_copy(update={"decode_workers": workers}))
    services.load()
    return services.runtime.tagger

"""Runs over a catalogue on a Ray cluster, for `taggram catalogue tag --ray`."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.cli.catalogue.shared import embedding_widths
from app.cli.catalogue.tagging_progress import tagging_progress
from app.cli.descriptor_decoder import make_descriptor_decoder
from app.cpus import usable_cpus
from app.errors import SetupError
from app.installation import installed_version
from app.services import Services
from app.settings import Settings
from app.store.manifest.manifest import Manifest

if TYPE_CHECKING:
    from app.catalogue.cluster_worker import LoadedModels
    from app.catalogue.entries import Listing
    from app.catalogue.summary import Summary

NOT_SENT = {"secret": None, "keys_file": None}
"""Settings that the machines of a cluster don't need, and may not see."""


@dataclass(frozen=True)
class RayOptions:
    """Options of the command that only a cluster has.

    Attributes:
        address: `host:port` of the cluster, or `auto`.
        max_machines: The most machines that are used, if that is limited.
        workers: Tracks at a time on each machine; None for one more than it has CPUs.
        embeddings: Whether rows get embeddings.
        descriptors: Whether descriptors are measured.
    """

    address: str
    max_machines: int | None
    workers: int | None
    embeddings: bool
    descriptors: bool


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
    store = local_path(settings.model_store)
    sent = settings.model_copy(
        update=NOT_SENT | {"model_store": str(store.absolute() if store else settings.model_store)}
    )
    job = ClusterJob(
        partial(
            load_models,
            sent,
            options.workers,
            with_embeddings=options.embeddings,
            with_descriptors=options.descriptors,
        ),
        tuple(models),
        str(folder.absolute()) if folder else to,
        options.workers,
        installed_version(),
        options.descriptors,
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


def load_models(
    settings: Settings, workers: int | None, *, with_embeddings: bool, with_descriptors: bool
) -> "LoadedModels":
    """Load the models on a machine of a cluster.

    Args:
        settings: The settings of the command.
        workers: Tracks at a time; None for one more than this machine has CPUs.
        with_embeddings: Whether rows get embeddings.
        with_descriptors: Whether descriptors are measured.

    Raises:
        SetupError: The models can't be loaded here, or have no embedding, or an extra is missing.
    """
    from app.catalogue.cluster_worker import LoadedModels

    if with_descriptors:
        _check_descriptors()
    jobs = workers or usable_cpus() + 1
    services = Services(
        settings.model_copy(update={"decode_workers": jobs}), with_embeddings=with_embeddings
    )
    services.load()
    return LoadedModels(
        services.runtime.tagger,
        embedding_widths(services) if with_embeddings else {},
        make_descriptor_decoder(settings, jobs) if with_descriptors else None,
    )


def _check_descriptors() -> None:
    """Check that the extra for descriptors is installed on this machine."""
    try:
        import app.catalogue.describing  # noqa: F401
    except ModuleNotFoundError as error:
        raise SetupError(
            f"descriptors need {error.name}: `pip install 'taggram[descriptors]'` on all machines"
        ) from error

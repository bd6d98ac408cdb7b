"""Tags the tracks of a source on a Ray cluster.

Ray Data distributes batches of entries to processes, one on each machine, and starts batches again
whose process has died. Audio does not pass through Ray: each process reads the files of its entries
and writes its own Parquet files. These are the checkpoint, so a new run skips what they hold.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

from app.catalogue.cluster_worker import (
    ENTRIES,
    REPORT,
    BatchTagger,
    ClusterJob,
    read_summary,
    write_entries,
)
from app.catalogue.entries import Entry, Listing
from app.catalogue.latest import remove_superseded
from app.catalogue.remote_registry import start_descriptor_index, start_registry
from app.catalogue.results import BATCH_ROWS
from app.catalogue.storage import open_storage
from app.catalogue.summary import Summary
from app.errors import SetupError
from app.ray_cluster import connected

ROUND_ENTRIES = 1_000_000
"""The most entries that are in Ray's object store at a time, some 200 bytes each."""

OBJECT_STORE_BYTES = 2**30
"""The most that a run may keep in the object store of a cluster, in bytes."""

BATCHES_EACH = 4
"""The fewest batches of a machine, so that all machines end at about the same time."""


def tag_on_cluster(
    job: ClusterJob,
    listing: Listing,
    *,
    address: str,
    max_machines: int | None,
    max_failed_share: float,
    on_progress: Callable[[Summary], None],
) -> Summary:
    """Tag what has no valid row yet; return the counts.

    Args:
        job: The models, and where results go; the caller has locked that folder.
        listing: The tracks.
        address: `host:port` of the cluster, or `auto` for the one that this machine is part of.
        max_machines: The most machines that are used; None for all that the cluster may have.
        max_failed_share: The largest share of failures of a success, within 0..1; a run with too
            many failures ends before the last track.
        on_progress: Called after each batch.

    Raises:
        SetupError: The cluster can't be reached or has no CPUs, the models can't be loaded, or a
            file of the catalogue can't be read or written.
    """
    begun = time.monotonic()
    summary = Summary(len(listing.entries) + len(listing.invalid))
    for place, (problem, detail) in listing.invalid.items():
        summary.fail(problem, place, detail)
    with connected(address):
        cluster = _Cluster(job, max_machines)
        for part in _results(cluster, listing.entries, summary):
            summary.add(part)
            on_progress(summary)
            if summary.is_hopeless(max_failed_share):
                break
    for model in job.models:
        remove_superseded(open_storage(job.out), model.ref)
    summary.seconds = time.monotonic() - begun
    return summary


def share_of(machines: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """Return what a process takes of a machine: all of the smallest, or a GPU and its cores.

    Args:
        machines: The resources of each machine.
    """
    cpus = min(int(each["CPU"]) for each in machines)
    gpus = min(int(each.get("GPU", 0)) for each in machines)
    return {"num_cpus": max(cpus // gpus, 1), "num_gpus": 1} if gpus else {"num_cpus": cpus}


def _results(cluster: "_Cluster", entries: Sequence[Entry], summary: Summary) -> Iterator[Summary]:
    """Yield the counts of each batch; tracks that were deferred follow until none is left."""
    for part in _parts(entries, ROUND_ENTRIES):
        yield from cluster.tag(part)
    while summary.deferred:
        deferred, summary.deferred = summary.deferred, []
        yield from cluster.tag(deferred)


def _parts(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    for start in range(0, len(entries), size):
        yield entries[start : start + size]


class _Cluster:
    """The cluster that this process is connected to."""

    def __init__(self, job: ClusterJob, max_machines: int | None) -> None:
        """Start the registry and the index of descriptors, on the machine of the command.

        Raises:
            SetupError: The cluster has no CPUs.
        """
        import ray  # noqa: PLC0415 - an extra

        self._job = job
        self._max_machines = max_machines
        machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        self._machines = [each for each in machines if each.get("CPU", 0) >= 1]
        if not self._machines:
            raise SetupError(
                "the Ray cluster has no CPUs; add a machine with `ray start --address=...`"
            )
        self._registry = start_registry(job.out)
        self._descriptors = start_descriptor_index(job.out) if job.descriptors else None

    def tag(self, entries: Sequence[Entry]) -> Iterator[Summary]:
        """Tag entries, each in one batch; yield the counts of each batch.

        Raises:
            SetupError: The models can't be loaded, or a file can't be read or written.
        """
        import ray  # noqa: PLC0415
        from ray.data import ActorPoolStrategy, DataContext, ExecutionResources  # noqa: PLC0415

        self._registry.begin_round()
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        context = DataContext.get_current()
        context.enable_progress_bars = False
        context.print_on_execution_start = False
        context.execution_options.resource_limits = ExecutionResources.for_limits(
            object_store_memory=OBJECT_STORE_BYTES
        )
        machines = min(len(self._machines), self._max_machines or len(self._machines))
        size = min(BATCH_ROWS, max(1, len(entries) // (machines * BATCHES_EACH)))
        rows = [{ENTRIES: write_entries(part)} for part in _parts(entries, size)]
        tagged = ray.data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            BatchTagger,
            fn_constructor_args=(self._job, self._registry, self._descriptors),
            batch_size=None,
            compute=ActorPoolStrategy(
                min_size=1, initial_size=machines, max_size=self._max_machines
            ),
            **share_of(self._machines),
        )
        for row in tagged.iter_rows():
            yield read_summary(row[REPORT])

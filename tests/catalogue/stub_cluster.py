"""A Ray cluster of two nodes on this machine, and a run on it; the second node may die in mid-run.

Run it in a network namespace of its own, as Ray accepts connections on all addresses:
`unshare --net python -m tests.catalogue.stub_cluster SOURCE OUT LOG [ROWS|descriptors]`. LOG gets a
line for each inference. Once OUT has ROWS rows, the second node is killed. With `descriptors` these
are measured too. It imports no TensorFlow, which would take most of the time.
"""

import asyncio
import fcntl
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from app.catalogue.cluster_worker import ClusterJob, LoadedModels, write_summary
from app.catalogue.ray_run import tag_on_cluster
from app.catalogue.sources import list_entries
from app.cli.descriptor_decoder import make_descriptor_decoder
from app.domain import Precision, Taggram, TaggramKey
from app.errors import Kind, RequestError
from app.installation import installed_version, shipped_models
from app.settings import Settings
from app.stages import StageClock
from app.store.manifest.manifest import Manifest, read_store
from app.store.storage.store import Store
from app.tagging.tagger import Track
from testing.waiting import wait_for
from tests.support.peaks import SILENT

NODE_CPUS = 2
PATIENCE_S = 600

MODEL = read_store(Store(str(shipped_models())))["msd-musicnn"]


class LoggingAnalyser:
    """Scores a file by its SHA-256; refuses `silent` ones, and ends at one that says `kills`."""

    def __init__(self, log: Path) -> None:
        self._log = log

    async def infer(
        self, track: Track, models: Sequence[Manifest], clock: StageClock
    ) -> tuple[list[Taggram], bool]:
        track.file.seek(0)
        content = track.file.read()
        if b"kills" in content:
            os._exit(1)
        await asyncio.sleep(0.05)  # so that the others get further
        with self._log.open("a") as log:
            log.write(content.decode(errors="replace").strip() + "\n")
        if b"silent" in content:
            raise RequestError(Kind.SILENT_AUDIO, "The audio is silent.")
        return [_taggram(track.track_id, each) for each in models], False


def load(log: Path, *, with_descriptors: bool) -> LoadedModels:
    decoder = make_descriptor_decoder(Settings(), NODE_CPUS) if with_descriptors else None
    return LoadedModels(LoggingAnalyser(log), {}, decoder)


def _taggram(track_id: str, model: Manifest) -> Taggram:
    """Two windows."""
    scores = np.random.RandomState(int(track_id[:8], 16)).uniform(size=(2, len(model.tags.names)))
    key = TaggramKey(track_id, model.ref, Precision.FLOAT32)
    return Taggram(key, 6.0, 3.0, 3.0, scores.astype(np.float32), SILENT)


def enable_loopback() -> None:
    """Bring up the interface `lo` of a new network namespace."""
    set_flags, is_up = 0x8914, 1
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, set_flags, struct.pack("16sh14x", b"lo", is_up))


def count_rows(out: Path) -> int:
    return sum(pq.read_metadata(path).num_rows for path in out.glob("tracks/*/*/*.parquet"))


def main(
    source: str, out: Path, log: Path, kill_after: int | None, *, with_descriptors: bool
) -> None:
    enable_loopback()
    from ray.cluster_utils import Cluster

    cluster = Cluster()
    cluster.add_node(num_cpus=NODE_CPUS, include_dashboard=False, object_store_memory=2**27)
    second = cluster.add_node(num_cpus=NODE_CPUS, object_store_memory=2**27)
    cluster.wait_for_nodes()

    def kill(rows: int) -> None:
        wait_for(lambda: count_rows(out) >= rows, f"{rows} rows", PATIENCE_S)
        cluster.remove_node(second, allow_graceful=False)

    if kill_after is not None:
        threading.Thread(target=kill, args=[kill_after], daemon=True).start()
    try:
        summary = tag_on_cluster(
            ClusterJob(
                partial(load, log, with_descriptors=with_descriptors),
                (MODEL,),
                str(out),
                2,
                installed_version(),
                with_descriptors,
            ),
            list_entries(source),
            address=cluster.address,
            max_machines=None,
            max_failed_share=0.05,
            on_progress=lambda _: None,
        )
        sys.stdout.write(f"\n{write_summary(summary)}\n")
    finally:
        cluster.shutdown()


if __name__ == "__main__":
    source, out, log, *more = sys.argv[1:]
    kill_after = next((int(word) for word in more if word.isdigit()), None)
    main(source, Path(out), Path(log), kill_after, with_descriptors="descriptors" in more)

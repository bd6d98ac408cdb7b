"""Batches of a cluster, tagged in this process: what is inferred, written and reported."""

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.catalogue.cluster_worker import (
    ENTRIES,
    REPORT,
    BatchTagger,
    ClusterJob,
    LoadedModels,
    read_summary,
    write_entries,
)
from app.catalogue.entries import Entry
from app.catalogue.ray_run import share_of
from app.catalogue.registry import IN_HAND, MAX_DEATHS, Registry
from app.catalogue.rows import ScoredTags
from app.catalogue.sources import list_entries
from app.catalogue.summary import Summary
from app.errors import SetupError
from app.installation import installed_version
from testing.known_tracks import RATE, beats
from testing.sounds import encoded
from tests.catalogue.conftest import Music
from tests.catalogue.stub_analyser import MODEL, Killed, StubAnalyser
from tests.catalogue.test_run import rows_of

TRACK_ID = "ab" * 32


class Cluster:
    """One registry and a process for each batch."""

    def __init__(self, out: Path) -> None:
        self.analyser = StubAnalyser()
        self.registry = Registry(str(out))
        self._job = ClusterJob(
            lambda: LoadedModels(self.analyser, {}), (MODEL,), str(out), 3, installed_version()
        )

    def tag(self, entries: Sequence[Entry]) -> Summary:
        return call(self._job, self.registry, entries)


def call(
    job: ClusterJob, registry: Registry, entries: Sequence[Entry], descriptors: object = None
) -> Summary:
    """Tag a batch in a process of its own, so to speak."""
    with closing(BatchTagger(job, registry, descriptors)) as tagger:
        return read_summary(tagger({ENTRIES: [write_entries(entries)]})[REPORT][0])


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "out")


def test_descriptors_are_measured_once_for_identical_files_of_batches(tmp_path: Path) -> None:
    pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")
    from app.catalogue.descriptor_table import DescriptorIndex

    folder, out = tmp_path / "songs", str(tmp_path / "out")
    folder.mkdir()
    for name in ("first", "second"):
        (folder / f"{name}.wav").write_bytes(encoded(beats(100, 3), RATE))
    entries = list_entries(str(folder)).entries
    registry, index = Registry(out), DescriptorIndex(out)

    def load() -> LoadedModels:
        return LoadedModels(StubAnalyser(), {}, Decoder(AudioLimits(RATE, 0.5, 60.0), 1, 300.0))

    job = ClusterJob(load, (MODEL,), out, 1, installed_version(), descriptors=True)
    parts = [call(job, registry, [entry], index) for entry in entries]
    call(job, registry, entries, index)

    summary = Summary(2)
    for part in parts:
        summary.add(part)
    assert (summary.described.inferred, summary.described.shared) == (1, 1)
    rows = pq.read_table(f"{out}/descriptors").to_pylist()
    assert {row["external_id"] for row in rows} == {"first.wav", "second.wav"}
    assert len(rows) == 2
    assert rows[0]["tempo_bpm"] == rows[1]["tempo_bpm"] == pytest.approx(100, rel=0.01)


def test_batches_become_rows_and_counts(cluster: Cluster, music: Music, tmp_path: Path) -> None:
    entries = list_entries(str(music(one="1", two="silent", three="1"))).entries

    summary = cluster.tag(entries)

    assert (summary.inferred, summary.shared, summary.failures) == (1, 1, {"silent_audio": 1})
    assert summary.examples["silent_audio"][0] == str(tmp_path / "music" / "two.mp3")
    assert {name: row["status"] for name, row in rows_of(tmp_path / "out").items()} == {
        "one.mp3": "ok",
        "two.mp3": "silent_audio",
        "three.mp3": "ok",
    }


def test_a_batch_that_is_started_again_repeats_nothing(
    cluster: Cluster, music: Music, tmp_path: Path
) -> None:
    entries = list_entries(str(music(one="1", two="2"))).entries
    cluster.tag(entries)

    summary = cluster.tag(entries)

    assert (summary.inferred, summary.known) == (0, 2)
    assert cluster.analyser.inferred == {"1": 1, "2": 1}
    assert len(list((tmp_path / "out").rglob("*.parquet"))) == 1


def test_identical_files_of_two_batches_are_inferred_once(
    cluster: Cluster, music: Music, tmp_path: Path
) -> None:
    first, second = list_entries(str(music(a="same", b="same"))).entries

    cluster.tag([first])

    assert cluster.tag([second]).shared == 1
    assert cluster.analyser.inferred == {"same": 1}
    assert len(rows_of(tmp_path / "out")) == 2


def test_identical_files_at_the_same_time_are_deferred(cluster: Cluster, music: Music) -> None:
    first, second = list_entries(str(music(a="same", b="same"))).entries
    deferred: list[list[Entry]] = []
    really_infer = cluster.analyser.infer

    async def infer_meanwhile(*arguments: object) -> object:
        other = threading.Thread(target=lambda: deferred.append(cluster.tag([second]).deferred))
        other.start()
        other.join()
        return await really_infer(*arguments)

    cluster.analyser.infer = infer_meanwhile

    assert cluster.tag([first]).inferred == 1
    assert deferred == [[second]]
    assert cluster.tag([second]).shared == 1


def test_a_file_with_which_processes_died_is_not_tried_again(
    cluster: Cluster, music: Music
) -> None:
    entries = list_entries(str(music(bad="1", good="2"))).entries
    really_infer = cluster.analyser.infer

    async def die(track: object, *arguments: object) -> object:
        track.file.seek(0)
        if track.file.read() == b"1":
            raise Killed
        return await really_infer(track, *arguments)

    cluster.analyser.infer = die
    for _ in range(MAX_DEATHS):
        with pytest.raises(Killed):
            cluster.tag(entries)
    summary = cluster.tag(entries)

    assert summary.failures == {"decoder_died": 1}
    assert summary.inferred + summary.known + summary.shared == 1


def test_a_claim_belongs_to_a_batch_and_not_to_a_process(tmp_path: Path) -> None:
    registry, tags = Registry(str(tmp_path)), [ScoredTags.of(MODEL)]

    assert registry.find(tags, TRACK_ID, "batch", []) == {}
    assert registry.find(tags, TRACK_ID, "other", []) == IN_HAND
    assert registry.find(tags, TRACK_ID, "batch", []) == {}


def test_a_new_track_costs_one_call(
    cluster: Cluster, music: Music, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("statuses", "find", "has_scores"):
        method = getattr(cluster.registry, name)
        monkeypatch.setattr(cluster.registry, name, recording(calls, name, method))

    cluster.tag(list_entries(str(music(one="1", two="2"))).entries)

    assert calls == ["find", "find"]


def recording(calls: list[str], name: str, method: Callable[..., object]) -> Callable[..., object]:
    def call(*arguments: object) -> object:
        calls.append(name)
        return method(*arguments)

    return call


def test_a_machine_with_another_version_ends_the_run(cluster: Cluster) -> None:
    job = ClusterJob(lambda: LoadedModels(StubAnalyser(), {}), (MODEL,), "out", 1, "0.0.1")
    with pytest.raises(SetupError, match=r"expected 0\.0\.1"):
        call(job, cluster.registry, [])


def test_models_that_can_not_be_loaded_end_the_run(cluster: Cluster) -> None:
    def fail() -> LoadedModels:
        raise SetupError("no weights")

    with pytest.raises(SetupError, match="no weights"):
        call(ClusterJob(fail, (MODEL,), "out", 1, installed_version()), cluster.registry, [])


def test_names_that_are_not_utf_8_pass_through_a_batch(
    cluster: Cluster, music: Music, tmp_path: Path
) -> None:
    path = music() / "\udcff.mp3"
    path.write_text("1")

    assert cluster.tag([Entry(path.name, str(path))]).inferred == 1
    assert len(rows_of(tmp_path / "out")) == 1


@pytest.mark.parametrize(
    ("machines", "share"),
    [
        ([{"CPU": 16.0}, {"CPU": 8.0}], {"num_cpus": 8}),
        ([{"CPU": 16.0, "GPU": 2.0}], {"num_cpus": 8, "num_gpus": 1}),
        ([{"CPU": 16.0, "GPU": 1.0}, {"CPU": 4.0}], {"num_cpus": 4}),
    ],
)
def test_a_process_takes_the_smallest_machine_or_a_gpu_with_its_cores(
    machines: list[dict[str, float]], share: dict[str, int]
) -> None:
    assert share_of(machines) == share

"""Each window of an epoch is fed once, in order, however many devices share the batches."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.audio.audio_store import AudioStore
from app.errors import SetupError
from app.training.data.batches import BatchDataset, Share, WindowSource
from app.training.data.sampling import Epoch

WINDOW = 4


def feed(windows: int, size: int) -> BatchDataset:
    """Windows of one track whose samples count up: the target of each is its first sample."""
    samples = np.arange(WINDOW * windows, dtype=np.int16)
    store = cast("AudioStore", SimpleNamespace(samples=lambda _: samples, sample_shape=()))
    source = WindowSource(store, ["one"], lambda _, start: np.array([start], np.float32), WINDOW)
    starts = WINDOW * np.arange(windows)
    return BatchDataset(source, Epoch(np.zeros(windows, np.int64), starts, starts), size)


def parts(given_feed: BatchDataset, share: Share) -> list[list[float]]:
    return [targets[:, 0].tolist() for _, targets in given_feed.parts(share).as_numpy_iterator()]


@given(
    windows=st.integers(8, 60),
    size=st.integers(8, 20),
    machines=st.integers(1, 2),
    devices=st.integers(1, 2),
)
def test_devices_of_all_machines_are_fed_all_windows_in_turns(
    windows: int, size: int, machines: int, devices: int
) -> None:
    whole, replicas = feed(windows, size), machines * devices
    fed = [parts(whole, Share(machine * devices, devices, replicas)) for machine in range(machines)]
    steps = whole.steps(replicas)
    assert all(len(each) == steps * devices for each in fed)
    in_order = [
        start
        for step in range(steps)
        for machine in fed
        for part in machine[step * devices : (step + 1) * devices]
        for start in part
    ]
    assert in_order == [WINDOW * number for number in range(windows)]
    assert min(len(part) for machine in fed for part in machine) >= 2


@given(pairs=st.integers(4, 30), size=st.integers(4, 10))
def test_windows_of_a_contrastive_group_stay_together(pairs: int, size: int) -> None:
    for device in range(2):
        for part in parts(feed(2 * pairs, 2 * size), Share(device, 1, 2)):
            assert len(part) % 2 == 0
            assert part[0] // WINDOW % 2 == 0


def test_more_devices_than_a_batch_can_feed_are_refused() -> None:
    with pytest.raises(SetupError, match="fewer devices"):
        feed(40, 4).steps(replicas=4)

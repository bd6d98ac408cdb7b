"""A teacher scores each track once, though a training is killed, or shared by processes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from app.datasets.audio.audio_store import AudioStore
from app.errors import SetupError
from app.training.data import pseudo_labels as module
from app.training.data.pseudo_labels import TRACKS_A_FILE, PseudoLabels, Teacher, pseudo_labels
from app.training.recipe.schema import Phase
from tests.support.toy import toy_phase

WINDOW = 8
IDS = [str(number) for number in range(2 * TRACKS_A_FILE + 5)]
SAMPLES = {each: np.arange(20 + 4 * (int(each) % 3), dtype=np.int16) + int(each) for each in IDS}


class Network:
    """Scores two tags, counts the tracks, and may be killed by one."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.tracks, self.killed_at = 0, killed_at

    def __call__(self, windows: np.ndarray, training: bool) -> np.ndarray:
        assert not training
        if self.tracks == self.killed_at:
            raise KeyboardInterrupt
        self.tracks += 1
        return np.stack([windows.mean(axis=1), windows.max(axis=1)], axis=1)


def store(changed: str = "") -> AudioStore:
    digests = {each: f"sha of {each}{'!' * (each == changed)}" for each in IDS}
    return cast("AudioStore", SimpleNamespace(samples=SAMPLES.__getitem__, digests=digests))


@pytest.fixture
def score(tmp_path: Path) -> Callable[..., tuple[PseudoLabels, int]]:
    """Scores, and how many tracks the teacher was given for them."""

    def run(network: Network | None = None, audio: AudioStore | None = None, **changes: object):
        network = network or Network()
        phase = Phase.model_validate(toy_phase())
        teacher = Teacher(phase, network, {"w": np.ones(3, np.float32)}, WINDOW)  # type: ignore[arg-type]
        labels = pseudo_labels(replace(teacher, **changes), audio or store(), IDS, tmp_path)
        return labels, network.tracks

    return run


def assert_whole(labels: PseudoLabels) -> None:
    for track, scores in zip(IDS, labels.scores, strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(SAMPLES[track], WINDOW)[:: WINDOW // 2]
        assert scores[:, 1] == pytest.approx(windows.max(axis=1) / 32_768)


def test_tracks_are_scored_once(score) -> None:
    labels, scored = score()
    assert_whole(labels)
    assert scored == len(IDS)
    again, scored = score()
    assert_whole(again)
    assert scored == 0


def test_after_a_kill_only_the_missing_tracks_are_scored(score) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(Network(killed_at=TRACKS_A_FILE + 3))
    labels, scored = score()
    assert_whole(labels)
    assert scored == len(IDS) - TRACKS_A_FILE


@pytest.mark.parametrize(
    "changes",
    [
        {"weights": {"w": np.zeros(3, np.float32)}},
        {"phase": Phase.model_validate(toy_phase(arguments={"channels": [4] * 7}))},
    ],
    ids=["weights", "arguments"],
)
def test_another_teacher_scores_the_tracks_again(score, changes: dict[str, object]) -> None:
    score()
    assert score(**changes)[1] == len(IDS)


def test_a_track_with_another_file_is_scored_again(score) -> None:
    score()
    assert score(audio=store(changed=IDS[-1]))[1] == len(IDS) % TRACKS_A_FILE


def test_corrupted_scores_are_computed_again(score, tmp_path: Path) -> None:
    score()
    path = max(tmp_path.rglob("*.safetensors"), key=lambda each: each.stat().st_size)
    path.write_bytes(path.read_bytes()[:-1])
    labels, scored = score()
    assert_whole(labels)
    assert scored == TRACKS_A_FILE


def test_processes_divide_the_tracks_among_them(score, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "own_share", lambda work: work[1::2])
    network = Network()
    with pytest.raises(SetupError, match="must see the same folder"):
        score(network)  # where the other process has written nothing
    assert network.tracks == TRACKS_A_FILE
    monkeypatch.setattr(module, "own_share", lambda work: work[0::2])
    labels, scored = score()
    assert_whole(labels)
    assert scored == len(IDS) - TRACKS_A_FILE

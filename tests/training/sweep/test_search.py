"""A sweep trains all combinations, then the best on more tracks; it resumes, or is refused."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tables import write_split
from app.errors import SetupError
from app.training.recipe.schema import read_recipe
from app.training.run.train import TrainRequest
from app.training.sweep import search
from app.training.sweep.trial import RESULT, TrialResult, read_result
from tests.support.bright import bright_split, bright_store
from tests.support.commands import refused, taggram
from tests.support.toy import toy_phase, toy_recipe, toy_split, toy_store

SWEEP = """
search = "halving"
keep = 2
epochs = 2
[choices]
"stages.learning_rate" = [0.001, 0.01, 0.1, 1.0]
batch_size = [8, 16]
"""

QUALITY = {0.001: 0.7, 0.01: 0.9, 0.1: 0.8, 1.0: None}
"""The ROC-AUC of each rate; the last one fails."""

MELS = """
[front_ends.to-{top}-Hz]
sample_rate = 16000
[front_ends.to-{top}-Hz.spectrum]
n_fft = [512]
hop = 256
bands = {{ n_mels = 32, f_min = 0.0, f_max = {top}.0 }}
log = {{ floor = 1e-10 }}
"""


BRIGHT_STAGES = [{"optimizer": "adam", "learning_rate": 0.01, "epochs": 10}]

RATES = """
[front_ends.{rate}-Hz]
sample_rate = {rate}
[front_ends.{rate}-Hz.spectrum]
n_fft = [{n_fft}]
hop = {hop}
bands = {{ n_mels = 32, f_min = 0.0, f_max = {top}.0 }}
log = {{ floor = 1e-10 }}
"""


def two_rates() -> str:
    """Return front ends of windows of 32 ms, every 16 ms, up to half of either sample rate."""
    return "".join(
        RATES.format(rate=rate, n_fft=rate * 4 // 125, hop=rate * 2 // 125, top=rate // 2)
        for rate in (8_000, 16_000)
    )


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a split, its audio store, and a recipe of a small network."""
    root = tmp_path_factory.mktemp("toy")
    split = toy_split()
    toy_store(root, split)
    write_split(root / "split.parquet", split)
    write_recipe(root / "recipe.yaml", toy_phase())
    return root


@pytest.fixture(scope="module")
def low(toy: Path) -> Path:
    """Return an audio store of 8 kHz with the same tracks."""
    return toy_store(toy, toy_split(), sample_rate=8_000).folder


def musicnn_phase(**others: object) -> dict[str, object]:
    """A phase of a small network that takes 32 bands."""
    small = {"timbral_channels": 8, "temporal_channels": 4, "mid_channels": 8, "hidden_units": 16}
    return toy_phase(architecture="musicnn_zoo", arguments=small, window_s=1, **others)


def write_recipe(path: Path, phase: dict[str, object]) -> None:
    path.write_text(yaml.safe_dump(toy_recipe([phase]).model_dump(mode="json")))


@pytest.fixture
def request_of(toy: Path, tmp_path: Path) -> Callable[..., TrainRequest]:
    def make(**changes: object) -> TrainRequest:
        values = {"architecture": None, "seed": 1, "mlflow": None, "subset": 0.5}
        paths = {"split": toy / "split.parquet", "audio_store": toy / "store-16000"}
        recipe = str(toy / "recipe.yaml")
        return TrainRequest(
            **{**paths, "folder": tmp_path / "sweep", "recipe": recipe, **values, **changes}
        )

    return make


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainRequest]:
    """Have trials score as `QUALITY` says instead of training, and return those that ran."""
    ran: list[TrainRequest] = []

    def score(request: TrainRequest, device: object, running: object) -> TrialResult:
        if known := read_result(request.folder):
            return known
        ran.append(request)
        stage = read_recipe(request.recipe).phases[0].stages[0]
        assert stage.epochs == 2
        value = QUALITY[stage.learning_rate]
        result = TrialResult(error="not finite")
        if value is not None:
            figures = (value, *np.linspace(value - 0.1, value + 0.1, 9).tolist())
            result = TrialResult(roc_auc=figures, pr_auc=figures, seconds=3, epochs=2)
        (request.folder / RESULT).write_text(result.model_dump_json())
        return result

    monkeypatch.setattr(search, "run_trial", score)
    return ran


def sweep(tmp_path: Path, request: TrainRequest, text: str = SWEEP) -> list[search.Ranked]:
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return search.search(path, request, None, lambda trial, done, total: None)


def test_the_best_half_goes_on_with_twice_the_tracks(tmp_path, request_of, trained) -> None:
    ranked = sweep(tmp_path, request_of())
    assert Counter(each.subset for each in trained) == {0.5: 8, 1.0: 4}
    assert [each.trial.rung for each in ranked] == [2] * 4 + [1] * 4
    rates = [each.trial.candidate.settings["stages.learning_rate"] for each in ranked]
    assert rates == ["0.01"] * 2 + ["0.1"] * 2 + ["0.001"] * 2 + ["1.0"] * 2
    best = read_recipe(str(tmp_path / "sweep" / "best.yaml")).phases[0]
    assert (best.stages[0].learning_rate, best.stages[0].epochs) == (0.01, 3)
    with (tmp_path / "sweep" / "sweep.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 8


@pytest.mark.thorough
def test_a_grid_trains_each_once(tmp_path, request_of, trained) -> None:
    sweep(tmp_path, request_of(), SWEEP.replace("halving", "grid"))
    assert Counter(each.subset for each in trained) == {0.5: 8}


def test_a_sweep_is_resumed_without_the_trials_that_have_ended(
    tmp_path, request_of, trained
) -> None:
    first = sweep(tmp_path, request_of())
    (tmp_path / "sweep" / "trials" / "1-003" / RESULT).unlink()
    trained.clear()
    again = sweep(tmp_path, request_of())
    assert [each.trial for each in again] == [each.trial for each in first]
    assert [each.folder.name for each in trained] == ["1-003"]


def test_each_trial_takes_the_audio_store_of_its_sample_rate(
    tmp_path, request_of, trained, toy: Path, low: Path
) -> None:
    write_recipe(tmp_path / "recipe.yaml", musicnn_phase())
    stores = (toy / "store-16000", low)
    text = f'epochs = 2\n[choices]\n"stages.learning_rate" = [0.01, 0.1]\n{two_rates()}'
    for audio_store, other in (stores, stores[::-1]):  # the second time, all trials have ended
        recipe = str(tmp_path / "recipe.yaml")
        request = request_of(recipe=recipe, audio_store=audio_store, more_audio=(other,))
        sweep(tmp_path, request, text)
    assert Counter((each.audio_store, each.more_audio) for each in trained) == {
        (store, ()): 2 for store in stores
    }
    for each in trained:
        rate = read_recipe(each.recipe).phases[0].front_end.sample_rate
        assert AudioStore.open(each.audio_store).sample_rate == rate


def test_audio_stores_whose_trials_can_not_be_compared_are_refused(
    tmp_path, request_of, trained, toy: Path
) -> None:
    same, fewer = toy / "store-16000", toy_store(tmp_path, toy_split(6), sample_rate=8_000).folder
    with pytest.raises(SetupError, match="both have 16000 Hz in mono; a sweep takes one"):
        sweep(tmp_path, request_of(more_audio=(same,)))
    with pytest.raises(SetupError, match="differ in 30 tracks of the split"):
        sweep(tmp_path, request_of(more_audio=(fewer,)))
    message = refused(
        "train", toy / "split.parquet", "--audio-store", same, "--audio-store", fewer,
        "--to", tmp_path / "run", "--recipe", toy / "recipe.yaml",
    )  # fmt: skip
    assert "--audio-store: a training takes one; --sweep takes several" in message


def test_another_sweep_in_the_same_folder_is_refused(tmp_path, request_of, trained) -> None:
    sweep(tmp_path, request_of())
    with pytest.raises(SetupError, match="a sweep with another seed; choose a new folder"):
        sweep(tmp_path, request_of(seed=2))
    with pytest.raises(SetupError, match="a sweep with another sweep"):
        sweep(tmp_path, request_of(), SWEEP.replace("keep = 2", "keep = 3"))


@pytest.mark.thorough
def test_a_sweep_of_failures_names_the_first_reason(tmp_path, request_of, trained) -> None:
    with pytest.raises(SetupError, match="all trials failed; the first one: not finite"):
        sweep(tmp_path, request_of(), 'epochs = 2\n[choices]\n"stages.learning_rate" = [1.0]')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (MELS.format(top=8000), "front_end to-8000-Hz: phase 'tags': short_chunk_cnn can't be"),
        (
            "[front_ends.a]\nsample_rate = 22050",
            "needs a sample rate of 22050 Hz in mono, but the audio store has 16000 Hz in mono;",
        ),
        ("[choices]\nwindow_s = [3.0, 0.01]", "window_s 0.01: phase 'tags'"),
    ],
)
def test_what_a_network_can_not_take_is_refused_before_any_training(
    tmp_path, request_of, trained, text: str, message: str
) -> None:
    with pytest.raises(SetupError, match=message):
        sweep(tmp_path, request_of(), text)
    assert trained == []
    assert not (tmp_path / "sweep").exists()


@pytest.mark.thorough
def test_the_front_end_that_shows_high_frequencies_wins(tmp_path: Path) -> None:
    """Only frequencies above 5 kHz tell one of three tags: without them its ROC-AUC is near .5."""
    root = tmp_path / "bright"
    split = bright_split(120)
    store: AudioStore = bright_store(root, split)
    write_split(root / "split.parquet", split)
    write_recipe(root / "recipe.yaml", musicnn_phase(stages=BRIGHT_STAGES))
    file = tmp_path / "sweep.toml"
    rates = '[choices]\n"stages.learning_rate" = [1e-9, 0.01]'
    halving = 'search = "halving"\nkeep = 2'
    file.write_text("\n".join((halving, rates, MELS.format(top=2000), MELS.format(top=8000))))
    arguments = ("--audio-store", store.folder, "--to", tmp_path / "run", "--sweep", file)
    options = ("--recipe", root / "recipe.yaml", "--subset", 0.5, "--workers", 2)
    result = taggram("train", root / "split.parquet", *arguments, *options)
    assert result.exit_code == 0, result.output
    with (tmp_path / "run" / "sweep.csv").open() as file_of_table:
        rows = list(csv.DictReader(file_of_table))
    assert [row["rung"] for row in rows] == ["2", "2", "1", "1"]
    assert (rows[0]["front_end"], rows[0]["stages.learning_rate"]) == ("to-8000-Hz", "0.01")
    assert float(rows[0]["roc_auc"]) > 0.9
    assert json.loads((tmp_path / "run" / "sweep.json").read_text())["subset"] == 0.5

    changed = taggram("train", root / "split.parquet", *arguments, *options, "--seed", 2)
    assert changed.exit_code == 1
    assert "another" in changed.stderr


@pytest.mark.thorough
def test_the_sample_rate_that_has_high_frequencies_wins(tmp_path: Path) -> None:
    """At 8 kHz the hiss above 5 kHz that tells a tag is lost."""
    split = bright_split(60)
    stores = [bright_store(tmp_path, split, rate).folder for rate in (8_000, 16_000)]
    write_split(tmp_path / "split.parquet", split)
    write_recipe(tmp_path / "recipe.yaml", musicnn_phase(stages=BRIGHT_STAGES))
    (tmp_path / "sweep.toml").write_text(two_rates())
    result = taggram(
        "train", tmp_path / "split.parquet", "--to", tmp_path / "run",
        "--audio-store", stores[0], "--audio-store", stores[1],
        "--recipe", tmp_path / "recipe.yaml", "--sweep", tmp_path / "sweep.toml",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    with (tmp_path / "run" / "sweep.csv").open() as file_of_table:
        rows = list(csv.DictReader(file_of_table))
    assert [row["front_end"] for row in rows] == ["16000-Hz", "8000-Hz"]
    assert float(rows[0]["roc_auc"]) > 0.9
    assert float(rows[0]["roc_auc"]) > float(rows[1]["roc_auc"]) + 0.05


def test_a_share_that_is_none_is_refused(toy: Path, tmp_path: Path) -> None:
    message = refused(
        "train", toy / "split.parquet", "--audio-store", toy / "store-16000",
        "--to", tmp_path / "run", "--recipe", toy / "recipe.yaml", "--subset", "0",
    )  # fmt: skip
    assert "expected above 0 and at most 1" in message

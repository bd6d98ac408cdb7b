"""From three datasets to a model in the service: each step as a team runs it.

Two networks of different kinds are trained on synthetic songs and evaluated on new ones. About ten
minutes on two cores.
"""

import io
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from app.evaluation.figures import Evaluation
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from testing.server import COMMAND, serving
from testing.synthetic_music import STYLES, make_track
from tests.support.client import answer, post
from tests.support.synthetic.datasets import MadeDatasets, make_datasets

pytestmark = [pytest.mark.thorough, pytest.mark.release]

WANTED_ROC_AUC = 0.95
WANTED_RIGHT = 0.9
UNSEEN = 40

NETWORKS = {
    "short_chunk_cnn": {"channels": [16, 16, 32, 32, 32, 32, 64], "hidden_units": 64},
    "musicnn_zoo": {
        "timbral_channels": 24,
        "temporal_channels": 8,
        "mid_channels": 32,
        "hidden_units": 64,
    },
}


def taggram(*arguments: object) -> str:
    run = subprocess.run(
        [COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    assert run.returncode == 0, f"{arguments[:2]}: {run.stdout}\n{run.stderr}"
    return run.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learn")


@pytest.fixture(scope="module")
def made(root: Path) -> MadeDatasets:
    return make_datasets(root / "datasets", tracks=240)


@pytest.fixture(scope="module")
def split(root: Path, made: MadeDatasets) -> Path:
    sources = [f"--from={name}={folder}" for name, folder in made.audio.items()]
    metadata = [part for name, folder in made.metadata.items() for part in (f"--{name}", folder)]
    taggram("data", "merge", root / "merged.parquet", "--task", "subgenres", *metadata)
    shares = ("--shares", "0.7", "0.15", "0.15")
    taggram("data", "split", root / "merged.parquet", root / "split.parquet", *shares)
    taggram("data", "fetch", root / "split.parquet", *sources, "--to", root / "audio")
    where = ("--audio", root / "audio", "--to", root / "store")
    taggram("data", "store", root / "split.parquet", *where)
    return root / "split.parquet"


@pytest.fixture(scope="module", params=NETWORKS)
def trained(root: Path, split: Path, request: pytest.FixtureRequest) -> Path:
    phase = {
        "name": "tags",
        "architecture": request.param,
        "arguments": NETWORKS[request.param],
        "batch_size": 16,
        "crops": {"start_cut": 0, "end_cut": 0, "random_crop": None, "windows": "one"},
        "stages": [
            {"optimizer": "adam", "learning_rate": 5e-3, "epochs": 24},
            {"optimizer": "adam", "learning_rate": 5e-4, "epochs": 6},
        ],
    }
    recipe = {"name": "small", "summary": "A small one.", "source": "tests", "phases": [phase]}
    path = root / f"{request.param}.yaml"
    path.write_text(yaml.safe_dump(recipe))
    run = root / "runs" / request.param
    taggram("train", split, "--audio-store", root / "store", "--to", run, "--recipe", path)
    return run


@pytest.fixture(scope="module")
def evaluation(root: Path, split: Path, trained: Path) -> Path:
    out = root / "evaluated" / trained.name
    given = ("--split", split, "--audio-store", root / "store", "--out", out, "--report")
    taggram("evaluate", trained, *given, "--overlap", "0", "--overlap", "0.5")
    return next(out.rglob("evaluation.json"))


def test_held_out_songs_are_recognised(evaluation: Path) -> None:
    measured = Evaluation.model_validate_json(evaluation.read_bytes())
    recognised = [each for each in measured.tags if each.tag in STYLES and each.roc_auc.value]
    assert len(recognised) == len(STYLES)
    mean = np.mean([each.roc_auc.value for each in recognised if each.roc_auc.value])
    assert mean >= WANTED_ROC_AUC, {each.tag: each.roc_auc.value for each in recognised}


def test_a_report_is_written(evaluation: Path) -> None:
    out = evaluation.parents[2]
    assert "Findings" in (out / "report.html").read_text()


def test_a_run_records_its_configuration_and_environment(trained: Path) -> None:
    recorded = yaml.safe_load((trained / "run.yaml").read_text())
    assert recorded["recipe"]["name"] == "small"
    assert recorded["task"] == "subgenres"
    assert (trained / "curves.csv").read_text().count("\n") == 31
    assert (trained / "curves.png").exists()
    assert list((trained / "tensorboard").rglob("events*"))


def test_the_service_suggests_with_the_published_model(
    root: Path, trained: Path, evaluation: Path, tmp_path: Path
) -> None:
    store = tmp_path / "models"
    published = ("--name", "made", "--evaluation", evaluation, "--store", store)
    taggram("models", "publish-run", trained, *published)
    manifest = read_store(Store(store))["made"]
    rates = dict(zip(manifest.tags.names, manifest.base_rates.rates, strict=True))
    assert all(0.05 < rates[style] < 0.95 for style in STYLES)
    settings = {"TAGGRAM_MODEL_STORE": str(store), "TAGGRAM_MODELS": '["made"]'}
    with serving(tmp_path / "log", settings) as server:
        listed = server.http.get("/vocabularies").json()
        subgenres = next(each for each in listed if each["name"] == "subgenres")
        assert set(STYLES) <= set(json.dumps(subgenres).replace('"', " ").split())
        model = server.http.get("/models").json()[0]
        assert model["evaluation"]["roc_auc"] > 0.8
        assert model["thresholds"]
        right = 0
        for number in range(UNSEEN):
            style = list(STYLES)[number % len(STYLES)]
            given = answer(post(server, _flac(style, 10_000 + number), top_k=1))
            right += given["suggestions"][0]["tag"] == style
    assert right / UNSEEN >= WANTED_RIGHT


def _flac(style: str, seed: int) -> bytes:
    samples, rate = make_track([style], seed, 15)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="FLAC")
    return file.getvalue()

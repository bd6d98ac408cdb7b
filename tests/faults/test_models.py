"""A model that fails, or a worse one that shall take its place, costs no other caller an answer."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from testing.server import Server, serving
from tests.api.asking import (
    PATIENCE_S,
    answer,
    assert_problem,
    encoded,
    eventually,
    metric,
    noise,
    post,
)

MODEL = "msd-musicnn"
DEADLINE_S = 4


@dataclass(frozen=True)
class Planted:
    """A server that the test can break.

    Attributes:
        server: The running service.
        fault: Write what shall go wrong into it.
        model: The folder of its model, with a folder for each version.
        vocabulary: The file of a vocabulary of its own.
    """

    server: Server
    fault: Path
    model: Path
    vocabulary: Path

    def reload(self) -> httpx.Response:
        return self.server.http.post("/models/reload")

    def versions(self) -> dict[str, str]:
        return {
            model["name"]: model["version"] for model in answer(self.server.http.get("/models"))
        }


@pytest.fixture(scope="module")
def planted(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """See `Planted`."""
    folder = tmp_path_factory.mktemp("planted")
    for model in (MODEL, "mtt-musicnn"):  # the vocabularies that ship name the tags of both
        shutil.copytree(store / model, folder / "store" / model)
    fault, vocabulary = folder / "fault", folder / "own.yaml"
    fault.touch()
    vocabulary.write_text(own_vocabulary("loud"))
    settings = {
        "FAULT_FILE": str(fault),
        "TAGGRAM_MODEL_STORE": str(folder / "store"),
        "TAGGRAM_MODELS": f'["{MODEL}"]',
        "TAGGRAM_ENGINE": "openvino",
        "TAGGRAM_DEADLINE_S": str(DEADLINE_S),
        "TAGGRAM_VOCABULARY_FILES": f'["{vocabulary}"]',
    }
    command = [sys.executable, "-m", "tests.faults.planted"]
    with serving(folder / "log", settings, command) as server:
        yield Planted(server, fault, folder / "store" / MODEL, vocabulary)


@pytest.fixture
def new_version(planted: Planted) -> Iterator[Path]:
    """A second version of the model, as good as the first until the test spoils it."""
    folder = planted.model / "2"
    shutil.copytree(planted.model / "1", folder)
    edit(folder / "manifest.toml", 'version = "1"', 'version = "2"')
    yield folder
    shutil.rmtree(folder)
    answer(planted.reload())
    assert planted.versions() == {MODEL: "1"}


def own_vocabulary(tag: str) -> str:
    return f"name: own\nversion: '1'\ndescription: Ours.\ntags:\n  {tag}:\n    msd: [rock, metal]\n"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


# A model that fails


@pytest.mark.parametrize("fault", ["nan", "raise"])
def test_a_model_that_fails_is_our_fault_is_counted_and_is_not_remembered(
    planted: Planted, fault: str
) -> None:
    track = encoded(noise(4, seed=len(fault)))
    counted = metric(planted.server, "taggram_errors_total", kind="engine_failed")
    planted.fault.write_text(fault)
    refused = post(planted.server, track)
    planted.fault.write_text("")

    assert_problem(refused, 503, "engine_failed")
    assert int(refused.headers["Retry-After"]) > 0
    assert metric(planted.server, "taggram_errors_total", kind="engine_failed") == counted + 1
    assert not answer(post(planted.server, track))["cached"]
    assert planted.server.http.get("/health/live").status_code == httpx.codes.OK


@pytest.mark.parametrize(
    "name", ["../msd-musicnn", "msd-musicnn\0", "http://127.0.0.1/", "a" * 5_000]
)
def test_a_model_named_like_a_path_is_unknown(planted: Planted, name: str) -> None:
    refused = post(planted.server, encoded(noise(1)), model=name)
    assert_problem(refused, 404, "unknown_model")
    track = planted.server.http.get("/taggram", params={"track_id": "0" * 64, "model": name})
    assert_problem(track, 404, "unknown_model")


# New models


def test_a_new_version_takes_over_without_a_restart(planted: Planted, new_version: Path) -> None:
    track = encoded(noise(4, seed=11))
    before = answer(post(planted.server, track))
    assert [model["version"] for model in answer(planted.reload())] == ["2"]
    after = answer(post(planted.server, track))
    assert (before["model"]["version"], after["model"]["version"]) == ("1", "2")
    assert not after["cached"]
    assert after["suggestions"] == before["suggestions"]
    labels = metric_labels(planted.server)
    assert [label["version"] for label in labels] == ["2"]


def flip_a_byte(version: Path) -> None:
    weights = version / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)


def truncate(version: Path) -> None:
    os.truncate(version / "weights.safetensors", 1_000)


def lose_weights(version: Path) -> None:
    (version / "weights.safetensors").unlink()


def expect_other_scores(version: Path) -> None:
    edit(version / "manifest.toml", "mean_scores = [\n", "mean_scores = [\n    0.987,")
    text = (version / "manifest.toml").read_text().splitlines()
    at = text.index("mean_scores = [")
    del text[at + 2]
    (version / "manifest.toml").write_text("\n".join(text))


def break_manifest(version: Path) -> None:
    edit(version / "manifest.toml", "name = ", "name == ")


@pytest.mark.parametrize(
    "spoil", [flip_a_byte, truncate, lose_weights, expect_other_scores, break_manifest]
)
def test_a_bad_version_is_refused_and_the_old_one_serves_on(
    planted: Planted, new_version: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(new_version)
    problem = assert_problem(planted.reload(), 409, "reload_refused")
    assert MODEL in problem["detail"]
    assert planted.versions() == {MODEL: "1"}
    assert answer(post(planted.server, encoded(noise(4, seed=12))))["model"]["version"] == "1"


def test_sighup_reads_the_vocabularies_anew_and_keeps_them_where_they_are_wrong(
    planted: Planted,
) -> None:
    def tags() -> list[str]:
        found = answer(planted.server.http.get("/vocabularies"))
        return [tag["tag"] for v in found if v["name"] == "own" for tag in v["tags"]]

    planted.vocabulary.write_text(own_vocabulary("noisy"))
    planted.server.process.send_signal(signal.SIGHUP)
    eventually(lambda: tags() == ["noisy"])
    planted.vocabulary.write_text("nonsense")
    planted.server.process.send_signal(signal.SIGHUP)
    eventually(lambda: "own.yaml" in planted.server.log.read_text())
    assert tags() == ["noisy"]
    planted.vocabulary.write_text(own_vocabulary("loud"))


def metric_labels(server: Server) -> list[dict[str, str]]:
    lines = server.http.get("/metrics").text.splitlines()
    named = [line for line in lines if line.startswith("taggram_model_info{")]
    return [dict(part.split("=") for part in _labels(line)) for line in named]


def _labels(line: str) -> list[str]:
    return line[line.index("{") + 1 : line.index("}")].replace('"', "").split(",")


# Last, as it is the end of the server


def test_a_model_that_hangs_fails_its_callers_by_their_deadline_and_ends_the_process(
    planted: Planted,
) -> None:
    planted.fault.write_text("hang")
    with ThreadPoolExecutor() as together:
        hanging = [
            together.submit(post, planted.server, encoded(noise(4, seed=seed)))
            for seed in (31, 32, 33)
        ]
        answers = [one.result() for one in hanging]
    kinds = {response.json()["type"] for response in answers}
    assert kinds <= {"/problems/engine_failed", "/problems/deadline_exceeded"}
    assert {response.status_code for response in answers} <= {503, 504}
    assert planted.server.process.wait(PATIENCE_S) == 1

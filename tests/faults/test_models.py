"""A model that fails, or a bad version of it, costs no other caller an answer."""

import asyncio
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from app.errors import Kind, RequestError
from app.services import Services
from app.settings import Settings
from testing.server import STUB, Server, serving
from testing.waiting import PATIENCE_S, wait_for
from tests.support.client import answer, assert_problem, metric, new_track, post, series

MODEL = "msd-musicnn"
SMALL_MODEL = "mtt-vgg"
MODEL_INFO = "taggram_model_info"


@dataclass(frozen=True)
class Breakable:
    """A server that the test can break.

    Attributes:
        server: The running service.
        fault: The file that says how its engines fail; see `testing.stub_engine`.
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
        models = answer(self.server.http.get("/models"))
        return {model["name"]: model["version"] for model in models}


@pytest.fixture(scope="module")
def models(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two models, as the built-in vocabularies name the tags of both families."""
    models = tmp_path_factory.mktemp("models")
    for model in (MODEL, SMALL_MODEL):
        shutil.copytree(store / model, models / model)
    return models


@contextmanager
def serving_breakable(models: Path, folder: Path, **settings: str) -> Iterator[Breakable]:
    fault, vocabulary = folder / "fault", folder / "own.yaml"
    fault.touch()
    vocabulary.write_text(own_vocabulary("loud"))
    settings = {
        "FAULT_FILE": str(fault),
        "TAGGRAM_MODEL_STORE": str(models),
        "TAGGRAM_MODELS": f'["{MODEL}"]',
        "TAGGRAM_VOCABULARY_FILES": f'["{vocabulary}"]',
        **settings,
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Breakable(server, fault, models / MODEL, vocabulary)


@pytest.fixture(scope="module")
def breakable(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breakable]:
    """See `Breakable`."""
    with serving_breakable(models, tmp_path_factory.mktemp("breakable")) as running:
        yield running


@pytest.fixture
def new_version(breakable: Breakable) -> Iterator[Path]:
    """A second version of the model, as good as the first until the test spoils it."""
    folder = add_version(breakable.model)
    yield folder
    shutil.rmtree(folder)
    answer(breakable.reload())
    assert breakable.versions() == {MODEL: "1"}


def add_version(model: Path) -> Path:
    """Copy version 1 of a model as version 2."""
    shutil.copytree(model / "1", model / "2")
    edit(model / "2" / "manifest.toml", 'version = "1"', 'version = "2"')
    return model / "2"


def own_vocabulary(tag: str) -> str:
    return f"name: own\nversion: '1'\ndescription: Ours.\ntags:\n  {tag}:\n    msd: [rock, metal]\n"


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


# A model that fails


@pytest.mark.parametrize("fault", ["nan", "raise"])
def test_a_failing_model_is_a_counted_server_error_and_is_not_cached(
    breakable: Breakable, fault: str
) -> None:
    server, track = breakable.server, new_track()
    counted = metric(server, "taggram_errors_total", kind="engine_failed")
    breakable.fault.write_text(fault)
    refused = post(server, track)
    breakable.fault.write_text("")

    assert_problem(refused, 503, "engine_failed")
    assert int(refused.headers["Retry-After"]) > 0
    assert metric(server, "taggram_errors_total", kind="engine_failed") == counted + 1
    assert not answer(post(server, track))["cached"]
    assert server.http.get("/health/live").status_code == httpx.codes.OK


def test_a_hanging_model_fails_its_callers_by_their_deadline_and_ends_the_process(
    models: Path, tmp_path: Path
) -> None:
    with serving_breakable(models, tmp_path, TAGGRAM_DEADLINE_S="2") as hanging:
        # The decoders of a new service start while it answers; tracks have to reach the model.
        wait_for(lambda: post(hanging.server, new_track()).is_success, "an upload that is answered")
        hanging.fault.write_text("halt")
        with ThreadPoolExecutor() as together:
            tracks = [new_track() for _ in range(3)]
            answers = list(together.map(lambda track: post(hanging.server, track), tracks))
        kinds = {response.json()["type"] for response in answers}
        assert kinds <= {"/problems/engine_failed", "/problems/deadline_exceeded"}
        assert {response.status_code for response in answers} <= {503, 504}
        assert hanging.server.process.wait(PATIENCE_S) == 1


@pytest.mark.parametrize(
    "name", ["../msd-musicnn", "msd-musicnn\0", "http://127.0.0.1/", "a" * 5_000]
)
def test_a_model_named_like_a_path_is_unknown(breakable: Breakable, name: str) -> None:
    refused = post(breakable.server, new_track(1), model=name)
    assert_problem(refused, 404, "unknown_model")
    query = {"track_id": "0" * 64, "model": name}
    assert_problem(breakable.server.http.get("/taggram", params=query), 404, "unknown_model")


# New models


def test_a_new_version_takes_over_without_a_restart(
    breakable: Breakable, new_version: Path
) -> None:
    track = new_track()
    before = answer(post(breakable.server, track))
    assert [model["version"] for model in answer(breakable.reload())] == ["2"]
    after = answer(post(breakable.server, track))
    assert (before["model"]["version"], after["model"]["version"]) == ("1", "2")
    assert not after["cached"]
    assert after["suggestions"] == before["suggestions"]
    served = [dict(labels) for name, labels in series(breakable.server) if name == MODEL_INFO]
    assert [labels["version"] for labels in served] == ["2"]


def flip_a_byte(version: Path) -> None:
    weights = version / "weights.safetensors"
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)


def truncate(version: Path) -> None:
    os.truncate(version / "weights.safetensors", 1_000)


def lose_weights(version: Path) -> None:
    (version / "weights.safetensors").unlink()


def break_manifest(version: Path) -> None:
    edit(version / "manifest.toml", "name = ", "name == ")


def set_huge_window(version: Path) -> None:
    edit(version / "manifest.toml", "seconds = 7.5", "seconds = 1e9")


def make_weights_huge(version: Path) -> None:
    os.truncate(version / "weights.safetensors", 2**40)  # of holes


def put_a_pipe(version: Path) -> None:
    (version / "manifest.toml").unlink()
    os.mkfifo(version / "manifest.toml")


@pytest.mark.parametrize(
    "spoil",
    [
        *(flip_a_byte, truncate, lose_weights, break_manifest),
        *(set_huge_window, make_weights_huge, put_a_pipe),
    ],
)
def test_an_invalid_version_is_refused_and_the_old_one_stays(
    breakable: Breakable, new_version: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(new_version)
    refused = metric(breakable.server, "taggram_reloads_total", result="refused")
    problem = assert_problem(breakable.reload(), 409, "reload_refused")
    assert metric(breakable.server, "taggram_reloads_total", result="refused") == refused + 1
    assert MODEL in problem["detail"]
    assert breakable.versions() == {MODEL: "1"}
    assert answer(post(breakable.server, new_track()))["model"]["version"] == "1"


def test_a_version_with_other_scores_is_refused_and_the_old_one_stays(
    models: Path,
) -> None:
    settings = Settings(
        _env_file=None,
        model_store=str(models),
        models=(SMALL_MODEL,),
        engine="tensorflow",
        precision="float32",
    )

    async def reload() -> None:
        services = Services(settings)
        await asyncio.to_thread(services.load)
        serving = services.runtime
        version = add_version(models / SMALL_MODEL)
        edit(version / "manifest.toml", "0.069121", "0.969121")  # a golden score
        with pytest.raises(RequestError, match=f"{SMALL_MODEL}/2: the golden input") as refused:
            await services.reload()
        assert refused.value.kind is Kind.RELOAD_REFUSED
        assert services.runtime is serving
        await services.close()
        shutil.rmtree(version)

    asyncio.run(reload())


def test_sighup_reloads_the_vocabularies_and_keeps_the_old_ones_on_errors(
    breakable: Breakable,
) -> None:
    def tags() -> list[str]:
        found = answer(breakable.server.http.get("/vocabularies"))
        return [tag["tag"] for v in found if v["name"] == "own" for tag in v["tags"]]

    process = breakable.server.process
    breakable.vocabulary.write_text(own_vocabulary("noisy"))
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: tags() == ["noisy"], "the new vocabulary")
    breakable.vocabulary.write_text("nonsense")
    process.send_signal(signal.SIGHUP)
    wait_for(lambda: "own.yaml" in breakable.server.log.read_text(), "own.yaml in the log")
    assert tags() == ["noisy"]
    breakable.vocabulary.write_text(own_vocabulary("loud"))

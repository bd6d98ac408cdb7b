"""Recommenders of a running service: two compared, replaced without a restart, refused, trained."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.recommender.simulation.simulate import Simulation
from app.store.manifest.recommender import Vectors
from app.store.storage.store import Store
from testing.forked_services import fork_service
from testing.made_recommender import publish_made
from testing.server import STUB, Server, free_port, serving
from tests.recommender.conftest import SMALL, simulated
from tests.support import trained
from tests.support.client import answer, assert_problem, new_track, post
from tests.support.recommenders import MODEL, publish_raw, store_with_model

ARTISTS = 60


@dataclass(frozen=True)
class Compared:
    """A server that compares two versions of a recommender.

    Attributes:
        server: The running service.
        models: Its model store.
        settings: Its settings.
    """

    server: Server
    models: Store
    settings: dict[str, str]

    @contextmanager
    def third_version(self, vectors: Vectors | None = None) -> Iterator[None]:
        """Publish a further version, and take it back in the end."""
        if vectors is None:
            publish_raw(self.models)
        else:
            publish_made(self.models, "curators", ("ambient",), vectors)
        try:
            yield
        finally:
            shutil.rmtree(Path(self.models.url) / "curators" / "3")
            answer(self.server.http.post("/models/reload"))


@pytest.fixture(scope="module")
def compared(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Compared]:
    """See `Compared`; the candidate is the newest version."""
    folder = tmp_path_factory.mktemp("compared")
    models = store_with_model(store, folder)
    for _ in range(2):
        publish_raw(models)
    settings = {
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_MODELS": f'["{MODEL}"]',
        "TAGGRAM_RECOMMENDER": "curators/1",
        "TAGGRAM_RECOMMENDER_CANDIDATE": "curators",
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Compared(server, models, settings)


def recommend(server: Server, **artist: Any) -> dict[str, Any]:
    return answer(server.http.post("/recommendations", json={"artist": artist}))


def version(server: Server, **artist: Any) -> str:
    """The version that answers an artist."""
    recommender: dict[str, str] = recommend(server, **artist)["recommender"]
    assert recommender["name"] == "curators"
    return recommender["version"]


def versions(server: Server) -> list[str]:
    """The versions that answer several artists."""
    return [version(server, artist_id=f"a{number}") for number in range(ARTISTS)]


def test_artists_are_divided_and_stay_where_they_are_on_all_replicas(
    compared: Compared, tmp_path: Path
) -> None:
    before = versions(compared.server)
    assert set(before) == {"1", "2"}
    assert before.count("2") == pytest.approx(ARTISTS / 2, abs=ARTISTS / 4)
    number = before.index("2")
    assert version(compared.server, artist_id=f"a{number}", subgenres=["dub"]) == "2"
    with serving(tmp_path / "log", compared.settings, STUB) as replica:
        assert versions(replica) == before


def test_the_share_of_the_candidate_is_a_setting(compared: Compared, tmp_path: Path) -> None:
    settings = {**compared.settings, "TAGGRAM_RECOMMENDER_CANDIDATE_SHARE": "0"}
    with serving(tmp_path / "log", settings, STUB) as server:
        assert set(versions(server)) == {"1"}


def test_a_reload_loads_a_new_version(compared: Compared) -> None:
    with compared.third_version():
        assert set(versions(compared.server)) == {"1", "2"}
        answer(compared.server.http.post("/models/reload"))
        assert set(versions(compared.server)) == {"1", "3"}
    assert set(versions(compared.server)) == {"1", "2"}


def test_a_reload_refuses_a_version_that_does_not_fit_and_the_old_one_stays(
    compared: Compared,
) -> None:
    with compared.third_version(Vectors(models=("mtt-musicnn/1",))):
        problem = assert_problem(
            compared.server.http.post("/models/reload"), 409, "reload_refused"
        )
        assert "TAGGRAM_RECOMMENDER_CANDIDATE: " in problem["detail"]
        assert "mtt-musicnn/1" in problem["detail"]
        assert set(versions(compared.server)) == {"1", "2"}


def test_a_reload_refuses_altered_arrays(compared: Compared) -> None:
    with compared.third_version():
        weights = Path(compared.models.url) / "curators" / "3" / "weights.safetensors"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        problem = assert_problem(
            compared.server.http.post("/models/reload"), 409, "reload_refused"
        )
        assert "curators/3" in problem["detail"]
        assert set(versions(compared.server)) == {"1", "2"}


def test_a_service_with_a_recommender_that_does_not_fit_ends_with_one_line(
    compared: Compared, tmp_path: Path
) -> None:
    models = Store(shutil.copytree(compared.models.url, tmp_path / "models"))
    publish_made(models, "other", ("ambient",), Vectors(models=("mtt-musicnn/1",)))
    settings = {
        **compared.settings,
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_RECOMMENDER": "other",
        "PORT": str(free_port()),
    }
    log = tmp_path / "log"
    assert fork_service({**os.environ, **settings}, log).wait(300) == 1
    [line] = [line for line in log.read_text().splitlines() if line.startswith("taggram: ")]
    assert "TAGGRAM_RECOMMENDER: the recommender other/1 takes tags of mtt-musicnn/1" in line
    assert "Traceback" not in log.read_text()


# Trained


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    """A simulated platform."""
    return simulated(SMALL)


@pytest.fixture(scope="module")
def trained_recommender(
    simulation: Simulation, store: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A server with a recommender that was trained on a simulated platform.

    A model of the service has the tags of its catalogue.
    """
    folder = tmp_path_factory.mktemp("trained")
    models = store_with_model(store, folder)
    trained.publish(models, "simulated", simulation.vectors.tags, "simulated")
    publish_trained(models, simulation, Vectors(models=("simulated/1",)))
    settings = {
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_MODELS": f'["simulated", "{MODEL}"]',
        "TAGGRAM_RECOMMENDER": "trained",
    }
    with serving(folder / "log", settings, STUB) as server:
        yield server


def test_a_trained_recommender_answers_an_artist_of_the_platform_and_a_new_one(
    trained_recommender: Server, simulation: Simulation
) -> None:
    platform = simulation.platform
    columns = np.flatnonzero(platform.artists.subgenres[0])
    chosen = [platform.subgenres[column] for column in columns]
    track_id = answer(post(trained_recommender, new_track(), vocabulary="simulated"))["track_id"]

    known = recommend(trained_recommender, subgenres=chosen, artist_id=platform.artists.ids[0])
    new = recommend(trained_recommender, subgenres=chosen, track_ids=[track_id])

    assert new["tracks_used"] == 1
    accepted = accepted_tracks(simulation)
    for answered in (known, new):
        assert len(answered["curators"]) == 10
        for curator in answered["curators"]:
            liked = liked_subgenres(simulation, curator["curator_id"])
            assert curator["reasons"]["subgenres"] == [each for each in chosen if each in liked]
            reasons = {each["external_id"] for each in curator["reasons"]["tracks"]}
            assert reasons <= accepted[curator["curator_id"]]
    assert any(curator["reasons"]["tracks"] for curator in new["curators"])

"""Recommenders of a running service: two compared, replaced without a restart, refused, trained."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from app.api.routes.recommendations import seed_of
from app.recommender.serving.query import ArtistQuery
from app.recommender.serving.recommender import PublishedRecommender, load_recommender
from app.recommender.simulation.simulate import Simulation, write_simulation
from app.store.manifest.recommender import Vectors
from app.store.storage.store import Store
from testing.forked_services import fork_service
from testing.made_recommender import publish_made
from testing.server import STUB, Server, free_port, serving
from tests.recommender.conftest import SMALL, simulated
from tests.support import trained
from tests.support.client import answer, assert_problem, new_track, post
from tests.support.commands import taggram
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
        problem = assert_problem(compared.server.http.post("/models/reload"), 409, "reload_refused")
        assert "TAGGRAM_RECOMMENDER_CANDIDATE: " in problem["detail"]
        assert "mtt-musicnn/1" in problem["detail"]
        assert set(versions(compared.server)) == {"1", "2"}


def test_a_reload_refuses_altered_arrays(compared: Compared) -> None:
    with compared.third_version():
        weights = Path(compared.models.url) / "curators" / "3" / "weights.safetensors"
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
        problem = assert_problem(compared.server.http.post("/models/reload"), 409, "reload_refused")
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


@dataclass(frozen=True)
class Trained:
    """A server with a recommender that was trained on a simulated platform.

    Attributes:
        server: The running service.
        simulation: The platform.
        recommender: What it serves: a model, and a bandit that explores.
    """

    server: Server
    simulation: Simulation
    recommender: PublishedRecommender

    def likes(self, curator_id: str) -> set[str]:
        """The subgenres that a curator says to like."""
        curators = self.simulation.platform.curators
        liked = curators.liked[curators.ids.index(curator_id)]
        return {self.simulation.platform.subgenres[each] for each in np.flatnonzero(liked)}

    def accepted(self, curator_id: str) -> set[str]:
        """The tracks that a curator accepted."""
        platform = self.simulation.platform
        made = platform.interactions
        curator = platform.curators.ids.index(curator_id)
        tracks = made.tracks[made.accepted & (made.curators == curator)]
        return {platform.tracks.external_ids[each] for each in tracks}


@pytest.fixture(scope="module")
def trained_on_platform(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trained]:
    """See `Trained`; the first model of the service has the tags of the platform's catalogue."""
    folder = tmp_path_factory.mktemp("trained")
    simulation = simulated(SMALL)
    write_simulation(folder, simulation)
    models = store_with_model(store, folder)
    trained.publish(models, "simulated", simulation.vectors.tags, "simulated")
    places = (folder / "tables", "--catalogue", folder / "catalogue", "--out", models.url)
    named = ("--name", "curators", "--models", "linear-tags", "--explore")
    ran = taggram("recommend", "train", *places, *named)
    assert ran.exit_code == 0, ran.output
    settings = {
        "TAGGRAM_MODEL_STORE": models.url,
        "TAGGRAM_MODELS": f'["simulated", "{MODEL}"]',
        "TAGGRAM_RECOMMENDER": "curators",
    }
    with serving(folder / "log", settings, STUB) as server:
        yield Trained(server, simulation, load_recommender(models, "curators"))


def test_what_was_trained_answers_with_true_reasons(trained_on_platform: Trained) -> None:
    platform, server = trained_on_platform.simulation.platform, trained_on_platform.server
    column = int(platform.artists.subgenres.sum(axis=0).argmax())
    subgenre = platform.subgenres[column]
    posted = answer(post(server, new_track(), vocabulary="raw", model="simulated"))

    answered = recommend(server, subgenres=[subgenre], track_ids=[posted["track_id"]])

    assert answered["model"] == "linear-tags"
    assert answered["tag_models"] == [{"name": "simulated", "version": "1"}]
    assert answered["tracks_used"] == 1
    assert len(answered["curators"]) == 10
    for curator in answered["curators"]:
        likes = trained_on_platform.likes(curator["curator_id"])
        assert curator["reasons"]["subgenres"] == [subgenre] * (subgenre in likes)
        similar = {track["external_id"] for track in curator["reasons"]["tracks"]}
        assert similar <= trained_on_platform.accepted(curator["curator_id"])
    assert any(curator["reasons"]["tracks"] for curator in answered["curators"])


def test_a_list_that_explores_can_be_made_again_from_its_id(trained_on_platform: Trained) -> None:
    recommender = trained_on_platform.recommender
    no_tracks = np.zeros((0, len(recommender.manifest.tags)), np.float32)
    query = ArtistQuery(None, (), "DE", no_tracks)

    answered = recommend(trained_on_platform.server, country="DE")
    seed = seed_of(UUID(answered["recommendation_id"]))
    again = recommender.recommend(query, 10, seed=seed)

    shown = [(each["curator_id"], each["propensity"]) for each in answered["curators"]]
    assert shown == [(each.curator_id, pytest.approx(each.propensity)) for each in again.curators]
    assert min(each["propensity"] for each in answered["curators"]) < 1

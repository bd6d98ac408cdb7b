"""Tag vectors of a catalogue's tracks: raw tags of a model, and tags of vocabularies."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest

from app.catalogue.entries import Entry
from app.catalogue.rows import File, Outcome, ScoredTags, TrackRow
from app.catalogue.storage import Folder, Storage, open_storage
from app.catalogue.tables import write_batch
from app.errors import SetupError
from app.recommender.data import UNKNOWN, Tracks
from app.recommender.tag_space import TagSpace
from app.recommender.tag_vectors import choose_model, read_projected, read_raw
from app.store.manifest.manifest import Manifest
from app.tagging.projection import project
from app.tagging.vocabulary import Tag, Vocabulary
from tests.tagging.samples import model

FIRST = model("first", ["rock", "techno", "ambient"])
OTHER = model("second", ["jazz", "rock"])


@pytest.fixture
def catalogue(tmp_path: Path) -> Storage:
    return Folder(tmp_path)


def write(
    catalogue: Storage, of: Manifest, scores: dict[str, list[float] | None], day: int = 1
) -> None:
    """Write rows of a model; a track without scores has failed."""
    rows = [
        TrackRow(
            Entry(name, f"{name}.mp3"),
            File("1", name * 64),
            Outcome("ok", scores=np.array(values, np.float32))
            if values is not None
            else Outcome("silent_audio"),
            datetime(2026, 1, day, tzinfo=UTC),
        )
        for name, values in scores.items()
    ]
    write_batch(catalogue, ScoredTags.of(of), rows)


def test_a_track_has_the_scores_of_its_latest_row(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3], "b": None, "c": [0.4, 0.5, 0.6]})
    write(catalogue, FIRST, {"a": [0.7, 0.8, 0.9]}, day=2)

    vectors = read_raw(catalogue, FIRST.ref)

    assert vectors.tags == ("rock", "techno", "ambient")
    assert set(vectors.rows) == {"a", "c"}
    np.testing.assert_allclose(vectors.scores[vectors.rows["a"]], [0.7, 0.8, 0.9])
    assert str(vectors.source) == "first/3"


def test_tracks_are_found_by_the_platforms_id_or_by_their_file(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3], "c": [0.4, 0.5, 0.6]})
    vectors = read_raw(catalogue, FIRST.ref)
    tracks = Tracks(("c", "renamed", "gone"), ("", "a" * 64, "f" * 64), np.zeros(3, np.int64))

    rows = vectors.rows_of(tracks)

    assert rows.tolist() == [vectors.rows["c"], vectors.rows["a"], UNKNOWN]


def test_vectors_without_a_direction_are_left_out_and_named(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0, 0, 0], "b": [np.nan, 0, 1], "c": [0.4, 0.5, 0.6]})

    vectors = read_raw(catalogue, FIRST.ref)

    assert vectors.unusable == ("a", "b")
    assert vectors.rows == {"c": 0}
    assert vectors.scores.shape == (1, 3)


def test_tags_of_vocabularies_come_from_the_models_that_know_them(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3], "b": [0.9, 0.1, 0.1], "c": [0.5, 0.5, 0.5]})
    write(catalogue, OTHER, {"c": [0.6, 0.6], "a": [0.8, 0.1]})
    family, second = FIRST.tags.family, OTHER.tags.family
    genres = Vocabulary(
        "genres",
        "1",
        "",
        {"Rock": Tag({family: ("rock",)}), "Jazz": Tag({second: ("jazz",)})},
    )
    moods = Vocabulary("moods", "2", "", {"Calm": Tag({family: ("ambient",)})})
    projections = [project(genres, (FIRST, OTHER)), project(moods, (FIRST, OTHER))]

    vectors = read_projected(catalogue, projections)

    assert vectors.tags == ("Rock", "Jazz", "Calm")
    assert set(vectors.rows) == {"a", "c"}  # b lacks the scores of a model
    means = [
        read_raw(catalogue, each.ref).scores[[read_raw(catalogue, each.ref).rows["a"]]]
        for each in projections[0].models
    ]
    expected = projections[0].score_tracks(means)[0]
    np.testing.assert_allclose(vectors.scores[vectors.rows["a"]][:2], expected)
    assert str(vectors.source).startswith("genres/1, moods/2 from ")


def test_a_catalogue_in_an_object_store_is_read_as_one_in_a_folder() -> None:
    catalogue = open_storage(f"memory://{uuid4()}/catalogue")
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3]})

    vectors = read_raw(catalogue, choose_model(catalogue, None))

    np.testing.assert_allclose(vectors.scores, [[0.1, 0.2, 0.3]])


def test_stored_scores_of_other_tags_are_refused(catalogue: Storage) -> None:
    tags = FIRST.tags.model_copy(update={"names": ("rock", "ambient", "techno")})
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3]})
    write(catalogue, FIRST.model_copy(update={"tags": tags}), {"b": [0.1, 0.2, 0.3]})
    family = FIRST.tags.family
    rock = Vocabulary("genres", "1", "", {"Rock": Tag({family: ("rock",)})})

    with pytest.raises(SetupError, match="its tags are not those of first/3"):
        read_raw(catalogue, FIRST.ref)
    with pytest.raises(SetupError, match="its tags are not those of first/3"):
        read_projected(catalogue, [project(rock, (FIRST,))])


def test_scores_that_a_vocabulary_needs_must_be_stored(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3]})
    jazz = Vocabulary("genres", "1", "", {"Jazz": Tag({OTHER.tags.family: ("jazz",)})})

    with pytest.raises(SetupError, match="no scores of second/3; run `taggram catalogue tag`"):
        read_projected(catalogue, [project(jazz, (OTHER,))])


def test_the_model_is_the_only_one_or_the_one_that_is_named(catalogue: Storage) -> None:
    write(catalogue, FIRST, {"a": [0.1, 0.2, 0.3]})
    assert choose_model(catalogue, None) == FIRST.ref

    write(catalogue, OTHER, {"a": [0.1, 0.2]})
    assert choose_model(catalogue, "first") == FIRST.ref
    assert choose_model(catalogue, "first/3") == FIRST.ref
    with pytest.raises(SetupError, match="with --tagger: first/3, second/3"):
        choose_model(catalogue, None)
    with pytest.raises(SetupError, match="no rows of third; choose one of first/3, second/3"):
        choose_model(catalogue, "third")


def test_directions_are_of_what_distinguishes_rows() -> None:
    scores = np.array([[0.9, 0.1, 0.5], [0.8, 0.2, 0.5], [0.85, 0.15, 0.5], [0, 0, 0]], np.float32)
    space = TagSpace.of(scores[:3])

    directions = space.directions(scores)

    assert directions[0] @ directions[1] == pytest.approx(-1, abs=1e-5)  # a cosine of scores: .99
    np.testing.assert_allclose(np.linalg.norm(directions[:2], axis=1), 1)
    assert not directions[3].any()
    assert np.isfinite(directions).all()  # also of the tag that is constant

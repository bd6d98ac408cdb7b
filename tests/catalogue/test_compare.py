"""What a comparison of two models counts."""

from pathlib import Path

import pytest

from app.catalogue.compare import EXAMPLES, Comparison, compare, raw_side, vocabulary_sides
from app.catalogue.rows import ScoredTags
from app.catalogue.scored import find_model
from app.catalogue.storage import open_storage
from app.domain import ModelRef
from app.errors import SetupError
from app.tagging.projection import project
from app.tagging.vocabulary import Tag, Vocabulary
from tests.catalogue.rows import TAGS, row, write
from tests.tagging.samples import model

NEWER = ScoredTags(ModelRef("model", "2"), TAGS.names)


def comparison(out: Path, new: ScoredTags = NEWER) -> Comparison:
    catalogue = open_storage(out)
    return compare(raw_side(catalogue, TAGS.ref), raw_side(catalogue, new.ref))


def test_top_tags_means_and_tracks_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.catalogue.compare.TOP", 1)
    write(tmp_path, row("same", (0.8, 0.1, 0.1)), row("moves", (0.8, 0.1, 0.1)))
    write(tmp_path, row("gone"), row("also moves", (0.6, 0.5, 0.1)))
    write(
        tmp_path,
        row("moves", (0.2, 0.7, 0.1)),
        row("same", (0.8, 0.1, 0.1)),
        row("also moves", (0.6, 0.65, 0.1)),
        row("new"),
        row("refused", status="silent_audio"),
        tags=NEWER,
    )

    result = comparison(tmp_path)

    assert (result.old, result.new) == ("model/1", "model/2")
    assert (result.files, result.only_old, result.only_new) == (3, 1, 1)
    assert result.top_changed == pytest.approx(2 / 3)
    [change] = result.top_changes
    assert (change.old, change.new, change.tracks) == ("rock", "techno", 2)
    first, second, last = result.tags
    assert [first.tag, second.tag, last.tag] == ["techno", "rock", "ambient"]
    assert first.shift == pytest.approx(0.25)
    assert second.shift == pytest.approx(-0.2)
    assert (first.gained, first.lost) == (pytest.approx(2 / 3), 0)
    assert (second.gained, second.lost) == (0, pytest.approx(2 / 3))
    assert [track.external_id for track in result.tracks] == ["moves", "also moves", "same"]
    assert (result.tracks[0].old, result.tracks[0].new) == (("rock",), ("techno",))
    assert result.tracks[0].change == pytest.approx(0.4)


def test_identical_files_count_once_and_by_their_content(tmp_path: Path) -> None:
    write(tmp_path, row("a", content="song"), row("b", content="song"), row("c"))
    write(tmp_path, row("x", content="song"), row("y", content="song"), tags=NEWER)

    result = comparison(tmp_path)

    assert (result.files, result.only_old, result.only_new) == (1, 1, 0)
    assert [track.external_id for track in result.tracks] == ["x"]


def test_only_rows_that_count_are_compared(tmp_path: Path) -> None:
    write(tmp_path, row("a", (0.9, 0, 0)))
    write(tmp_path, row("a", (0.1, 0.5, 0), minute=1))
    write(tmp_path, row("a", (0.1, 0.5, 0)), tags=NEWER)

    assert comparison(tmp_path).top_changed == 0


def test_models_with_other_tags_are_compared_on_those_that_both_know(tmp_path: Path) -> None:
    other = ScoredTags(ModelRef("other", "1"), ("jazz", "ambient", "rock"))
    write(tmp_path, row("a", (0.5, 0.9, 0.1)))
    write(tmp_path, row("a", (0.9, 0.6, 0.2)), tags=other)

    result = comparison(tmp_path, other)

    assert (result.only_old_tags, result.only_new_tags) == (("techno",), ("jazz",))
    assert {tag.tag for tag in result.tags} == {"ambient", "rock"}
    [change] = result.top_changes
    assert (change.old, change.new) == ("rock", "ambient")


def test_the_tracks_that_change_most_are_kept_of_many(tmp_path: Path) -> None:
    many = range(EXAMPLES + 5)
    write(tmp_path, *(row(f"{number:02}", (0, 0, 0)) for number in many))
    write(tmp_path, *(row(f"{number:02}", (0, number / 100, 0)) for number in many), tags=NEWER)

    found = [track.external_id for track in comparison(tmp_path).tracks]

    assert found == [f"{number:02}" for number in reversed(many)][:EXAMPLES]


def test_two_catalogues_are_compared(tmp_path: Path) -> None:
    old = write(tmp_path / "old", row("a", (0.9, 0.1, 0)))
    new = write(tmp_path / "new", row("b", (0.1, 0.9, 0), content="a"))

    result = compare(raw_side(old, TAGS.ref), raw_side(new, TAGS.ref))

    assert result.top_changed == 1
    assert result.tracks[0].external_id == "b"


def test_models_without_common_tags_are_compared_by_vocabulary(tmp_path: Path) -> None:
    """A model suggests what it knows of the vocabulary, and nothing else."""
    first, second = model("one", ["Rock", "Jazz"]), model("two", ["rock n roll"])
    write(tmp_path, row("a", (0.9, 0.1)), tags=ScoredTags.of(first))
    catalogue = write(tmp_path, row("a", (0.9,)), tags=ScoredTags.of(second))
    with pytest.raises(SetupError, match=r"no tag in common; .*--vocabulary"):
        compare(raw_side(catalogue, first.ref), raw_side(catalogue, second.ref))
    tags = {
        "rock": Tag({"one": ("Rock",), "two": ("rock n roll",)}),
        "jazz": Tag({"one": ("Jazz",)}),
    }
    ours = Vocabulary("ours", "1", "", tags)
    known = [(catalogue, project(ours, (each,))) for each in (first, second)]

    result = compare(*vocabulary_sides(*known))

    jazz, rock = sorted(result.tags, key=lambda tag: tag.tag)
    assert (jazz.tag, rock.tag) == ("jazz", "rock")
    assert rock.shift == pytest.approx(0)
    assert jazz.old_mean > jazz.new_mean == 0
    assert result.top_changed == 0


def test_models_without_common_files_are_refused(tmp_path: Path) -> None:
    write(tmp_path, row("a"))
    write(tmp_path, row("b"), tags=NEWER)

    with pytest.raises(SetupError, match="no file in common"):
        comparison(tmp_path)


def test_a_model_is_found_by_its_name_if_it_has_one_version(tmp_path: Path) -> None:
    catalogue = write(tmp_path, row("a"))
    assert find_model(catalogue, "model") == find_model(catalogue, "model/1") == TAGS.ref
    write(tmp_path, row("a"), tags=NEWER)

    assert find_model(catalogue, "model/2") == NEWER.ref
    with pytest.raises(SetupError, match=r"several versions.*model/1, model/2"):
        find_model(catalogue, "model")
    with pytest.raises(SetupError, match="no rows of other; choose one of model/1, model/2"):
        find_model(catalogue, "other")

"""Figures of synthetic scores with known results, and the file of an evaluation."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score, roc_auc_score

from app.cli.evaluate import compare
from app.datasets.tracks import Split, SplitTrack, Subset, Track
from app.errors import SetupError
from app.evaluation.evaluate import (
    POOLINGS,
    Plan,
    Score,
    evaluate,
    pool_windows,
)
from app.evaluation.evaluation_file import read_evaluation, write_evaluation, write_scores
from app.evaluation.figures import Evaluation
from app.evaluation.scoring import Scored
from tests.support.commands import files_of_at_most

TAGS = ("rock", "pop", "jazz", "polka", "noise")
PARTS = {Subset.TRAIN: 40, Subset.VALIDATION: 60, Subset.TEST: 80}


def split_of(parts: dict[Subset, int] = PARTS) -> Split:
    """Nothing is a polka, all is noise."""
    placed = []
    for part, tracks in parts.items():
        for number in range(tracks):
            tags = tuple(tag for k, tag in enumerate(TAGS[:3]) if number % (k + 2) == 0)
            path = f"{part}/{number}.mp3"
            track = Track(path, "made", path, f"{part} {number}", (*tags, "noise"))
            placed.append(SplitTrack(track, part, repeats=2 if part is Subset.TRAIN else 1))
    return Split("genres", TAGS, "made, seed 1", tuple(placed))


SPLIT = split_of()


def scorer(split: Split, help_by: float = 0.4, seed: int = 0) -> Score:
    """A model with scores slightly better than random, in 3 windows, or more if they overlap."""

    def score(part: Subset, overlap: float) -> Scored:
        tracks = [each.track for each in split.part(part)]
        y_true = np.array([[tag in track.tags for tag in split.tags] for track in tracks])
        random = np.random.RandomState(seed + round(100 * overlap))
        shape = (len(tracks), round(3 / (1 - overlap)), len(split.tags))
        scores = random.uniform(0, 1 - help_by, shape) + help_by * y_true[:, np.newaxis]
        ids = tuple(track.id for track in tracks)
        windows = tuple(scores.astype(np.float32))
        return Scored(split.tags, ids, y_true, windows, {"lost": "why"}, {f"{part} x": "gone"})

    return score


def plan(split: Split = SPLIT, **changes: object) -> Plan:
    return Plan(
        **{"split": split, "part": Subset.TEST, "overlaps": (0.5,), "precision": 0.8, **changes}
    )


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate(plan(), "made/1", scorer(SPLIT))


def test_an_evaluation_states_its_inputs(evaluation: Evaluation) -> None:
    assert (evaluation.model, evaluation.task, evaluation.part) == ("made/1", "genres", "test")
    assert (evaluation.tracks, evaluation.chunks) == (80, 240)
    assert evaluation.fingerprint == SPLIT.fingerprint
    assert evaluation.skipped == {"test x": "gone", "validation x": "gone"}


def test_every_pooling_is_measured_at_every_overlap(evaluation: Evaluation) -> None:
    levels = [(level.pooling, level.overlap) for level in evaluation.songs]
    assert levels == [(pooling, overlap) for overlap in (0.0, 0.5) for pooling in POOLINGS]
    assert evaluation.song is evaluation.songs[0].overall


def test_a_majority_of_any_number_of_tags_is_measured() -> None:
    found = evaluate(plan(overlaps=(), majority_k=(1, 3)), "made/1", scorer(SPLIT))
    by_name = {level.pooling: level.overall for level in found.songs}
    assert list(by_name) == [*POOLINGS, "majority_top3"]
    scored = scorer(SPLIT)(Subset.TEST, 0.0)
    among = np.argsort(np.argsort(-scored.windows[4], axis=1), axis=1) < 3
    np.testing.assert_allclose(pool_windows(scored, "majority_top3")[4], among.mean(axis=0))


def test_the_figures_of_chunks_are_those_of_scikit_learn_and_brute_force(
    evaluation: Evaluation,
) -> None:
    scored = scorer(SPLIT)(Subset.TEST, 0.0)
    scores = np.concatenate(scored.windows)
    y_true = scored.y_true.repeat(3, axis=0)
    chunks = evaluation.chunk_level
    assert chunks
    for index, each in enumerate(chunks.tags[:3]):
        assert each.positives == 3 * evaluation.tags[index].positives
        roc = roc_auc_score(y_true[:, index], scores[:, index])
        assert each.roc_auc.value == pytest.approx(roc)
        pr = average_precision_score(y_true[:, index], scores[:, index])
        assert each.pr_auc.value == pytest.approx(pr)
        assert each.roc_auc.low < each.roc_auc.value < each.roc_auc.high
    assert [each.roc_auc.value for each in chunks.tags[3:]] == [None, None]
    for k in range(1, 6):
        top = np.sort(scores, axis=1)[:, -k]
        among = scores >= top[:, np.newaxis]
        assert chunks.accuracy_at_k[k - 1] == pytest.approx((among | ~y_true).all(1).mean())
        assert chunks.soft_accuracy_at_k[k - 1] == pytest.approx((among & y_true).any(1).mean())
    for true in (0, 1, 2, 4):
        sums = np.array([scores[y_true[:, true], tag].sum(dtype=float) for tag in range(5)])
        column = [row[true] for row in chunks.confusion]
        np.testing.assert_allclose(column, sums / sums.sum())
    assert sum(chunks.calibration.counts) == scores.size


def test_an_evaluation_of_an_earlier_release_has_no_figures_of_chunks(
    evaluation: Evaluation, tmp_path: Path
) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(evaluation.model_dump_json(exclude={"chunk_level"}))
    assert read_evaluation(path) == evaluation.model_copy(update={"chunk_level": None})


def test_songs_are_classified_better_than_chunks(evaluation: Evaluation) -> None:
    assert evaluation.song.roc_auc_macro.value > evaluation.chunk.roc_auc_macro.value > 0.8
    assert evaluation.song.roc_auc_macro.low < evaluation.song.roc_auc_macro.value


def test_tags_that_cannot_be_measured_are_named(evaluation: Evaluation) -> None:
    assert evaluation.left_out == {
        "lost": "why",
        "polka": "no track of the part test has it",
        "noise": "all tracks of the part test have it",
    }
    polka = evaluation.tags[TAGS.index("polka")]
    assert (polka.positives, polka.train_positives) == (0, 0)
    assert (polka.roc_auc.value, polka.threshold, polka.recall) == (None, None, None)
    macro = np.mean([each.pr_auc.value for each in evaluation.tags if each.pr_auc.value])
    assert evaluation.song.pr_auc_macro.value == pytest.approx(macro)


def test_thresholds_are_chosen_on_validation_and_measured_on_the_subset(
    evaluation: Evaluation,
) -> None:
    score = scorer(SPLIT)
    for part, is_met in ((Subset.VALIDATION, True), (Subset.TEST, False)):
        scored = score(part, 0.0)
        songs = pool_windows(scored, "mean")
        for index, each in enumerate(evaluation.tags[:3]):
            chosen, hits = songs[:, index] >= each.threshold, scored.y_true[:, index]
            if is_met:
                assert hits[chosen].mean() >= 0.8
                assert np.isin(np.float32(each.threshold), songs[:, index])
            else:
                assert each.precision == pytest.approx(hits[chosen].mean())
                assert each.recall == pytest.approx(chosen[hits].mean())


def test_resampled_training_tracks_count_once(evaluation: Evaluation) -> None:
    assert [each.train_positives for each in evaluation.tags] == [20, 14, 10, 0, 40]
    assert [each.positives for each in evaluation.tags] == [40, 27, 20, 0, 80]


def test_max_pooling_is_the_highest_of_all_windows() -> None:
    scored = scorer(SPLIT)(Subset.TEST, 0.0)
    np.testing.assert_array_equal(pool_windows(scored, "max")[7], scored.windows[7].max(axis=0))


def test_without_validation_there_are_no_thresholds() -> None:
    split = split_of({Subset.TRAIN: 10, Subset.TEST: 30})
    found = evaluate(plan(split, overlaps=()), "made/1", scorer(split))
    assert {each.threshold for each in found.tags} == {None}
    assert found.song.pr_auc_macro.value is not None


def test_a_subset_without_positives_is_refused() -> None:
    def score(part: Subset, overlap: float) -> Scored:
        scored = scorer(SPLIT)(part, overlap)
        return replace(scored, y_true=np.zeros_like(scored.y_true))

    with pytest.raises(SetupError, match="no track of the part test has a tag that made/1 can"):
        evaluate(plan(), "made/1", score)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"overlaps": (1.0,)}, "overlap 1: expected a share of a window"),
        ({"overlaps": (-0.1,)}, "overlap -0.1"),
        ({"overlaps": (float("nan"),)}, "overlap nan"),
        ({"precision": 0.0}, "precision 0: expected a share"),
        ({"precision": 80.0}, "precision 80"),
        ({"majority_k": (0,)}, "majority of 0 tags: expected at least 1"),
        ({"part": Subset.UNLABELLED}, "the part unlabelled can.t be evaluated"),
    ],
)
def test_an_invalid_plan_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(SetupError, match=message):
        plan(**changes)


def test_an_evaluation_is_read_back_unchanged(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "made" / "1" / "evaluation.json"
    write_evaluation(path, evaluation)
    assert read_evaluation(path) == evaluation
    assert [each.name for each in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the figures can't be read"),
        ("[1]", "not figures that"),
        ('{"model": 1}', "evaluation.json: model: "),
        ("[" * 100_000, "the figures can't be read"),
        ("\udcff", "the figures can't be read"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(text, errors="surrogateescape")
    with pytest.raises(SetupError, match=message):
        read_evaluation(path)


def test_an_unknown_field_is_named(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    path.write_text(evaluation.model_dump_json().replace('"tracks":', '"trakcs":', 1))
    with pytest.raises(SetupError, match="tracks: Field required"):
        read_evaluation(path)


def test_a_full_disk_leaves_the_old_file(evaluation: Evaluation, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    write_evaluation(path, evaluation)
    with files_of_at_most(1_000), pytest.raises(SetupError, match=r"evaluation\.json: .*no space"):
        write_evaluation(path, evaluation.model_copy(update={"model": "other/1"}))
    assert read_evaluation(path) == evaluation
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_scores_are_written_as_a_table(tmp_path: Path) -> None:
    scored = scorer(SPLIT)(Subset.TEST, 0.0)
    write_scores(tmp_path / "scores.csv", scored)
    header, first, *others = (tmp_path / "scores.csv").read_text().splitlines()
    assert header == "track_id,rock,pop,jazz,polka,noise"
    assert first.startswith("test/0.mp3,")
    assert len(others) == 79
    songs = [float(score) for score in first.split(",")[1:]]
    np.testing.assert_allclose(songs, scored.windows[0].mean(axis=0), atol=1e-6)


def test_models_are_compared_and_the_best_is_bold(evaluation: Evaluation) -> None:
    better = evaluate(plan(overlaps=()), "better/2", scorer(SPLIT, help_by=0.5))
    chunk, song = compare([evaluation, better])
    assert bold(row(chunk, "better/2")) == [
        f"{value:.3f}"
        for value in (
            better.chunk.pr_auc_macro.value,
            better.chunk.roc_auc_macro.value,
            better.chunk.cosine.value,
        )
    ]
    assert bold(row(chunk, "made/1")) == []
    assert printed(song).count("made/1") == 2 * len(POOLINGS)
    assert printed(song).count("better/2") == len(POOLINGS)


@pytest.mark.parametrize("other", [{"fingerprint": "x"}, {"part": "train"}, {"tags": ()}])
def test_only_figures_of_the_same_tracks_and_tags_are_compared(
    evaluation: Evaluation, other: dict[str, object]
) -> None:
    assert len(compare([evaluation, evaluation])) == 2
    assert len(compare([evaluation, evaluation.model_copy(update=other)])) == 4


def test_a_figure_that_was_not_measured_is_a_dash(evaluation: Evaluation) -> None:
    nothing = evaluation.chunk.model_copy(
        update={"pr_auc_macro": evaluation.tags[TAGS.index("polka")].pr_auc}
    )
    chunk, _ = compare([evaluation.model_copy(update={"chunk": nothing, "model": "[bold]x"})])
    cells = [cell.strip() for cell in row(chunk, "[bold]x").split("│")]
    assert cells[1:4] == ["[bold]x", "240", "-"]


def row(table: Table, name: str) -> str:
    [found] = [line for line in printed(table).splitlines() if name in line]
    return found


def bold(line: str) -> list[str]:
    return re.findall("\x1b\\[1m *([0-9.]+)", line)


def printed(table: Table) -> str:
    console = Console(width=100, force_terminal=True, color_system="standard", no_color=True)
    with console.capture() as capture:
        console.print(table)
    return capture.get()

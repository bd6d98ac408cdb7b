"""Self-chosen subgenres, compared with the tags of the tracks."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from app.recommender.identities.building import IdentityBuilder, PoolingRule
from app.recommender.identities.denoising import Denoised, Verdict, denoise
from app.recommender.identities.denoising_report import make_report
from app.recommender.identities.files import write_denoised
from app.recommender.simulation.settings import Choice
from app.recommender.simulation.simulate import Simulation
from app.report.html import render


@pytest.fixture(scope="module")
def denoised(simulation: Simulation) -> Denoised:
    platform = simulation.platform
    builder = IdentityBuilder(platform, simulation.vectors, PoolingRule())
    vectors = builder.artists().by_owner(len(platform.artists.ids))
    return denoise(platform.subgenres, platform.artists.subgenres, simulation.vectors.tags, vectors)


def f1(found: np.ndarray, true: np.ndarray) -> float:
    return float(2 * (found * true).sum() / (found.sum() + true.sum()))


def test_denoised_subgenres_are_nearer_to_the_truth_than_chosen_ones(
    simulation: Simulation, denoised: Denoised
) -> None:
    true = simulation.world.artists.subgenres

    assert f1(denoised.denoised, true) > f1(denoised.chosen, true) + 0.25
    wrong = (denoised.chosen > 0) & (true == 0)
    assert (denoised.unlikely & wrong).sum() > 0.85 * denoised.unlikely.sum()
    assert (denoised.unlikely & wrong).sum() > 0.85 * wrong.sum()


def test_verdicts_name_the_planted_kind_of_noise(
    simulation: Simulation, denoised: Denoised
) -> None:
    kinds, verdicts = np.array(simulation.world.artists.choices), np.array(denoised.verdicts)

    def share(kind: Choice, *expected: Verdict) -> float:
        return float(np.isin(verdicts[kinds == kind], expected).mean())

    assert share(Choice.ACCURATE, Verdict.PLAUSIBLE, Verdict.TOO_FEW) > 0.95
    assert share(Choice.SUBJECTIVE, Verdict.UNLIKELY) > 0.75
    assert share(Choice.TOO_MANY, Verdict.TOO_MANY) > 0.9
    assert share(Choice.TOO_FEW, Verdict.NONE_CHOSEN, Verdict.TOO_FEW) > 0.5
    cosines = denoised.cosines
    assert cosines[kinds == Choice.ACCURATE].mean() > cosines[kinds == Choice.TOO_MANY].mean()
    assert abs(cosines[kinds == Choice.SUBJECTIVE].mean()) < 0.2


def test_an_artist_without_scored_tracks_is_not_judged() -> None:
    chosen = np.array([[1, 0], [1, 0]], np.float32)
    scores = np.array([[0, 0], [0.9, 0.1]], np.float32)

    result = denoise(("rock", "jazz"), chosen, ("rock", "jazz"), scores)

    assert result.verdicts[0] is Verdict.NOT_JUDGED
    assert result.denoised[0].tolist() == [1, 0]


def test_subgenres_that_the_vectors_lack_are_named_and_not_judged() -> None:
    chosen = np.array([[1, 1]] * 8 + [[0, 1]], np.float32)
    scores = np.linspace(0.1, 0.9, 9, dtype=np.float32)[:, np.newaxis]

    result = denoise(("polka", "rock"), chosen, ("rock",), scores)

    assert (result.subgenres, result.unknown) == (("rock",), ("polka",))
    assert result.chosen.shape == (9, 1)


def test_subgenres_that_are_not_judged_stay_chosen(tmp_path: Path) -> None:
    chosen = np.array([[1, 0], [1, 1], [0, 1]], np.float32)
    scores = np.array([[0.1], [0.5], [0.9]], np.float32)
    result = denoise(("polka", "rock"), chosen, ("rock",), scores)

    write_denoised(tmp_path, ("a", "b", "c"), result)

    rows = pq.read_table(tmp_path / "denoised.parquet").to_pylist()
    assert [row["chosen"] for row in rows] == [["polka"], ["polka", "rock"], ["rock"]]
    assert [row["not_judged"] for row in rows] == [["polka"], ["polka"], []]
    assert all("polka" in row["denoised"] for row in rows[:2])
    assert rows[0]["verdict"] == "not judged"


def test_the_table_has_the_evidence_of_each_change(
    simulation: Simulation, denoised: Denoised, tmp_path: Path
) -> None:
    write_denoised(tmp_path, simulation.platform.artists.ids, denoised)

    rows = pq.read_table(tmp_path / "denoised.parquet").to_pylist()
    evidence = pq.read_table(tmp_path / "evidence.parquet").to_pylist()

    assert len(rows) == len(simulation.platform.artists.ids)
    assert len(evidence) == denoised.unlikely.sum() + denoised.missing.sum()
    for row in evidence[:20] + evidence[-20:]:
        is_low = row["score"] <= row["threshold"]
        assert is_low if row["change"] == "unlikely" else row["score"] >= row["threshold"]


def test_the_report_shows_verdicts_and_escapes_names(
    simulation: Simulation, denoised: Denoised
) -> None:
    ids = ["<script>", *simulation.platform.artists.ids[1:]]
    page = render(make_report(ids, denoised, "simulated/1"))

    assert "<script>" not in page
    assert all(verdict.value in page for verdict in Verdict)
    assert page.count("<svg") == 1

"""`taggram recommend` and `taggram identities`, as their users run them."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import Refused, Taggram

ESTIMATES = ("logged", "ips", "snips", "doubly_robust", "support")
SIZES = ("--artists", "150", "--curators", "40", "--sparsity", "0.8")


@pytest.fixture
def made(taggram: Taggram) -> Path:
    """A simulated platform."""
    result = taggram("recommend", "simulate", "made", *SIZES)
    assert result.exit_code == 0, result.output
    assert "made: 150 artists, 40 curators" in result.output
    return Path("made")


def test_from_a_simulation_to_a_comparison(taggram: Taggram, made: Path) -> None:
    places = (made / "tables", "--catalogue", made / "catalogue", "--out")

    built = taggram("identities", "build", *places, "ids", "--pooling", "softmax", "--top-n", "9")
    denoised = taggram("identities", "denoise", *places, "denoised")
    models = ("popularity", "linear", "linear-tags")
    chosen = [part for model in models for part in ("--models", model)]
    compared = taggram("recommend", "evaluate", *places, "comparison", *chosen)

    for result in (built, denoised, compared):
        assert result.exit_code == 0, result.output
    vectors = pq.read_table("ids/artist_identities.parquet")["vector"].to_pylist()
    assert {sum(value > 0 for value in vector) for vector in vectors} == {9}
    assert pq.read_table("denoised/denoised.parquet").num_rows == 150
    assert "<svg" in Path("denoised/report.html").read_text()
    metrics = json.loads(Path("comparison/metrics.json").read_text())
    assert {each["model"] for each in metrics["figures"]} >= {"popularity", "linear-tags"}
    assert {"model", "slice", "metric", "value", "low", "high"} == set(metrics["figures"][0])
    assert "tag vectors change auc_sent of linear" in compared.output
    assert "What tag vectors bring" in Path("comparison/report.html").read_text()


def test_a_ranking_is_estimated_from_simulated_lists(taggram: Taggram) -> None:
    taggram("recommend", "simulate", "made", *SIZES, "--lists", "120")
    places = ("made/tables", "--catalogue", "made/catalogue", "--out", "estimated")

    result = taggram(
        *("recommend", "estimate", *places, "--model", "tag-cosine"),
        *("--k", "5", "--at", "2025-01-01T00:00:00.000001"),
    )

    assert result.exit_code == 0, result.output
    assert "tag-cosine: a recommendation is worth a score of" in result.output
    assert "of 1,200 interactions" in result.output
    content = json.loads(Path("estimated/estimates.json").read_text())
    figures = {each["metric"]: each for each in content["figures"]}
    assert set(figures) == {f"{name}@5" for name in ESTIMATES}
    assert 0.5 < figures["support@5"]["value"] < 1.5
    assert figures["snips@5"]["value"] > figures["logged@5"]["value"]
    assert {each["base"] for each in content["differences"]} == {"log"}
    assert (content["k"], content["reward_model"]) == (5, "linear-tags")
    assert content["logged_interactions"] == 1200
    for warning in content["warnings"]:
        assert warning[:30] in result.stderr


@pytest.mark.thorough
def test_by_default_all_models_are_compared(taggram: Taggram, made: Path) -> None:
    for library in ("implicit", "keras_rs"):
        pytest.importorskip(library, reason=f"{library} is not installed")
    result = taggram("recommend", "evaluate", made / "tables", "--out", "comparison")

    assert result.exit_code == 0, result.output
    metrics = json.loads(Path("comparison/metrics.json").read_text())
    names = {each["model"] for each in metrics["figures"]}
    assert names >= {"als", "sequential", "neural"}
    (checkpoint,) = Path("comparison/checkpoints").iterdir()
    assert checkpoint.name.startswith("neural-")


def test_a_model_that_the_data_does_not_suit_is_left_out_or_refused_if_chosen(
    taggram: Taggram,
) -> None:
    pytest.importorskip("keras_rs", reason="keras-rs is not installed")
    sizes = ("--artists", "10", "--curators", "10", "--sparsity", "0.5")
    taggram("recommend", "simulate", "tiny", *sizes)

    result = taggram("recommend", "evaluate", "tiny/tables", "--out", "comparison")

    assert result.exit_code == 0, result.output
    assert "neural is left out: the model neural needs at least 50 interactions" in result.output
    metrics = json.loads(Path("comparison/metrics.json").read_text())
    names = {each["model"] for each in metrics["figures"]}
    assert "linear" in names
    assert not names & {"neural", "tag-cosine", "linear-tags", "neural-tags"}  # no catalogue
    chosen = ("--models", "neural", "--out", "comparison")
    refusal = taggram("recommend", "evaluate", "tiny/tables", *chosen)
    assert refusal.exit_code == 1
    assert "at least 50" in refusal.stderr


def test_invalid_rows_are_shown_with_their_place(taggram: Taggram, made: Path) -> None:
    tables = made / "tables"
    table = pq.read_table(tables / "interactions.parquet").to_pylist()
    table[3]["score"], table[5]["curator_id"] = 0.3, "unknown"
    (tables / "interactions.parquet").unlink()
    names = ["artist_id", "curator_id", "score", "at"]
    lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in table)]
    (tables / "interactions.csv").write_text("\n".join(lines))

    chosen = ("--models", "popularity", "--out", "comparison")
    result = taggram("recommend", "evaluate", tables, *chosen)

    assert result.exit_code == 0, result.output
    assert "invalid value" in result.output
    assert "unknown curator" in result.output


def test_a_folder_that_is_not_empty_is_not_simulated_into(refused: Refused) -> None:
    Path("made").mkdir()
    Path("made/mine.txt").touch()

    assert "it is not empty" in refused("recommend", "simulate", "made")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("nowhere",), "expected a folder with tables, or a URL"),
        (("made/tables", "--models", "best"), "'best' is not a model; use one of popularity"),
        (("made/tables", "--models", "tag-cosine"), "tag-cosine needs tag vectors"),
        (
            ("made/tables", "--models", "linear", "--at", "2020-01-01"),
            "interactions to train on; they are from 2023",
        ),
        (("made/tables", "--subgenres", "flavours"), "--subgenres flavours: it is not a vocab"),
        (("made/tables", "--catalogue", "made"), "it has no files below tracks"),
        (("made/tables", "--catalogue", "made/catalogue", "--tagger", "x"), "choose one of sim"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(
    refused: Refused, made: Path, arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused("recommend", "evaluate", *arguments, "--out", "comparison")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--model", "linear"), "has both a position and a propensity"),
        (("--model", "best"), "'best' is not a model"),
        (("--model", "linear", "--at", "2020-01-01"), "interactions to train on; they are from"),
    ],
)
def test_what_cannot_be_estimated_is_refused(
    refused: Refused, made: Path, arguments: tuple[str, ...], why: str
) -> None:
    assert why in refused("recommend", "estimate", "made/tables", *arguments, "--out", "estimated")


def test_more_lists_than_artists_are_refused(refused: Refused) -> None:
    assert "there are 150 artists" in refused(
        "recommend", "simulate", "x", *SIZES, "--lists", "151"
    )

"""What tag vectors bring on a simulated platform, by how artists chose their subgenres; and costs.

    python -m loadtests.recommender.simulated               # 6,700 artists, 3,000 curators
    python -m loadtests.recommender.simulated --artists 2000 --curators 300 --sparsity 0.98

The linear model with tag vectors is compared with the one without. Slices by choice need the truth
of the simulation, so that `taggram recommend evaluate` does not have them.
"""

import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np
import typer

from app.recommender.evaluation import ALL, Figure, difference, evaluate
from app.recommender.identities.building import IdentityBuilder, PoolingRule
from app.recommender.identities.denoising import denoise
from app.recommender.models.base import prepare_training
from app.recommender.models.linear import Linear
from app.recommender.simulation.settings import Choice, Settings
from app.recommender.simulation.simulate import Simulation, simulate
from app.recommender.simulation.songs import make_songs
from app.recommender.split import Split, split_by_time
from app.recommender.target import TargetWeights
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.report import publish

METRIC = "auc_sent"
KIB_A_GIB = 2**20

Row = dict[str, str | float | int | None]


def main(
    artists: Annotated[int, typer.Option()] = 6_700,
    curators: Annotated[int, typer.Option()] = 3_000,
    sparsity: Annotated[float, typer.Option()] = 0.995,
    seed: Annotated[int, typer.Option()] = 0,
) -> None:
    """Measure, print, and keep as JSON."""
    settings = Settings(artists=artists, curators=curators, sparsity=sparsity, seed=seed)
    random = np.random.RandomState(seed)
    vocabularies = read_vocabularies((), {})
    songs = make_songs(vocabularies["subgenres"], vocabularies["moodthemes"], random)
    simulation = simulate(songs, settings, random)
    split = split_by_time(simulation.platform)
    started = time.process_time()
    training = prepare_training(split.platform, simulation.vectors, TargetWeights())
    models = Linear(has_tags=True), Linear(has_tags=False)
    for model in models:
        model.fit(training)
    trained_s = time.process_time() - started
    rows = list(_compare(models, split, simulation))
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB_A_GIB
    notes = (
        f"{len(simulation.platform.interactions):,} interactions; preparing and training both "
        f"models takes {trained_s:.1f} s of CPU time, the peak of memory is {used:.2f} GiB",
        _denoising(simulation),
    )
    publish("recommender_simulated", "What tag vectors bring", rows, notes)


def _compare(models: tuple[Linear, Linear], split: Split, simulation: Simulation) -> Iterator[Row]:
    """Yield a row for each slice, and for each way of choosing subgenres."""
    with_tags, without = (
        {(each.slice, each.metric): each for each in evaluate(model, split, (10,))}
        for model in models
    )
    for part, metric in with_tags:
        if metric in {METRIC, "ndcg@10"}:
            yield _row(f"{part}, {metric}", with_tags[part, metric], without[part, metric])
    choices = np.array(simulation.world.artists.choices)[split.test.artists]
    for choice in Choice:
        chosen = replace(split, test=split.test.take(choices == choice))
        one, other = (_find(evaluate(model, chosen, (10,))) for model in models)
        yield _row(f"{choice.value} subgenres, {METRIC}", one, other)


def _find(figures: list[Figure]) -> Figure:
    return next(each for each in figures if (each.slice, each.metric) == (ALL, METRIC))


def _row(name: str, with_tags: Figure, without: Figure) -> Row:
    gain = difference(with_tags, without)
    return {
        "slice": name,
        "linear": without.interval.value,
        "linear-tags": with_tags.interval.value,
        "difference": gain.value,
        "from": gain.low,
        "to": gain.high,
    }


def _denoising(simulation: Simulation) -> str:
    """Return how near chosen and denoised subgenres are to the true ones."""
    platform, true = simulation.platform, simulation.world.artists.subgenres
    builder = IdentityBuilder(platform, simulation.vectors, PoolingRule())
    vectors = builder.artists().by_owner(len(platform.artists.ids))
    found = denoise(
        platform.subgenres, platform.artists.subgenres, simulation.vectors.tags, vectors
    )
    before, after = (
        2 * (each * true).sum() / (each.sum() + true.sum())
        for each in (found.chosen, found.denoised)
    )
    return f"F1 with the true subgenres: {before:.3f} as chosen, {after:.3f} denoised"


if __name__ == "__main__":
    typer.run(main)

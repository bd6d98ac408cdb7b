"""The results of an evaluation: the figures of all models, and what tag vectors bring."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.files import write_atomically
from app.recommender.data import Platform
from app.recommender.evaluation import Figure, difference
from app.recommender.metrics.quotient import Interval
from app.recommender.split import Split

FILE = "metrics.json"
VERSION = 1


@dataclass(frozen=True)
class Difference:
    """How much a model is above another, such as the same one without tag vectors.

    Attributes:
        model: The model.
        base: What it is compared with.
        slice: The slice.
        metric: The metric.
        interval: The difference and its interval.
    """

    model: str
    base: str
    slice: str
    metric: str
    interval: Interval


@dataclass(frozen=True, eq=False)
class Results:
    """All figures.

    Attributes:
        figures: By model, slice and metric.
        differences: What is gained, for each pair that was compared.
        about: What was evaluated, for the file and the report.
    """

    figures: Mapping[tuple[str, str, str], Figure]
    differences: tuple[Difference, ...]
    about: Mapping[str, object]

    @property
    def models(self) -> tuple[str, ...]:
        """Return the names of the models, in order."""
        return tuple(dict.fromkeys(model for model, _, _ in self.figures))

    @property
    def slices(self) -> tuple[str, ...]:
        """Return the names of the slices, in order."""
        return tuple(dict.fromkeys(part for _, part, _ in self.figures))


def collect(
    figures: Iterable[Figure], pairs: Sequence[tuple[str, str]], about: Mapping[str, object]
) -> Results:
    """Return the results.

    Args:
        figures: The figures of all models.
        pairs: Names of a model with tag vectors and the same one without.
        about: What was evaluated.
    """
    by_name = {(each.model, each.slice, each.metric): each for each in figures}
    differences = [
        Difference(model, base, part, metric, difference(figure, other))
        for with_tags, base in pairs
        for (model, part, metric), figure in by_name.items()
        if model == with_tags
        and (other := by_name.get((base, part, metric))) is not None
        and figure.draws is not None
        and other.draws is not None
    ]
    return Results(by_name, tuple(differences), about)


def describe(split: Split, source: str) -> dict[str, object]:
    """Return what was evaluated: sizes, the moment of the split, what computed the tags."""
    platform: Platform = split.platform
    return {
        "artists": len(platform.artists.ids),
        "curators": len(platform.curators.ids),
        "tracks": len(platform.tracks.artists),
        "train_interactions": len(split.train),
        "test_interactions": len(split.test),
        "split_at": str(split.at),
        "tags": source,
    }


def write_results(folder: Path, results: Results, name: str = FILE) -> None:
    """Write the figures as JSON.

    Args:
        folder: The folder.
        results: The figures.
        name: The name of the file.

    Raises:
        SetupError: The file can't be written.
    """
    content = {
        "version": VERSION,
        **results.about,
        "figures": [
            {
                "model": each.model,
                "slice": each.slice,
                "metric": each.metric,
                **_interval(each.interval),
            }
            for each in results.figures.values()
        ],
        "differences": [
            {
                "model": each.model,
                "base": each.base,
                "slice": each.slice,
                "metric": each.metric,
                **_interval(each.interval),
            }
            for each in results.differences
        ],
    }
    write_atomically(folder / name, json.dumps(content, indent=1).encode() + b"\n")


def _interval(interval: Interval) -> dict[str, float | None]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}

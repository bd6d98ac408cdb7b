"""How many tags of each vocabulary models can suggest.

    python -m loadtests.quality.coverage                                  # the shipped models
    python -m loadtests.quality.coverage audioset=yamnet_class_map.csv discogs=discogs.json

An argument adds a family and its labels: essentia's metadata, or a file as `--tags` takes it.
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from app.settings import Settings
from app.store.importers.labels import read_labels
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from app.tagging.vocabulary import Vocabulary
from app.tagging.vocabulary_file import read_vocabularies
from loadtests.report import Row, publish

Families = dict[str, frozenset[str]]


def main(families: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Count and print."""
    added = [each.partition("=") for each in families or ()]
    labels = {family: read_family(Path(file)) for family, _, file in added}
    shipped: Families = shipped_families()
    known = {family: set(names) for family, names in (shipped | labels).items()}
    vocabularies = read_vocabularies((), known)
    combinations: dict[str, Families] = {
        "shipped models": shipped,
        **{family: {family: names} for family, names in labels.items()},
        **{f"shipped models and {family}": shipped | {family: labels[family]} for family in labels},
        "all of these": shipped | labels,
    }
    rows: list[Row] = [
        {
            "families": name,
            **{each.name: count_covered(each, chosen) for each in vocabularies.values()},
        }
        for name, chosen in combinations.items()
    ]
    sizes = ", ".join(f"{each.name} {len(each.tags)}" for each in vocabularies.values())
    publish("coverage", f"Tags with a raw tag of these families, of {sizes}", rows)


def read_family(path: Path) -> frozenset[str]:
    """Read the labels of a family."""
    if path.suffix == ".json":
        return frozenset(json.loads(path.read_text(encoding="utf-8"))["classes"])
    return frozenset(read_labels(path))


def shipped_families() -> Families:
    """Return the raw tags of the models that the service serves by default, by family."""
    published = read_store(Store(Settings().model_store))
    models = [published[name] for name in Settings.model_fields["models"].default]
    return {model.tags.family: frozenset(model.tags.names) for model in models}


def count_covered(vocabulary: Vocabulary, families: Families) -> int:
    """Return the number of tags that a raw tag of the families means."""
    return sum(
        any(families.get(family, frozenset()) & set(raw) for family, raw in tag.raw_tags.items())
        for tag in vocabulary.tags.values()
    )


if __name__ == "__main__":
    typer.run(main)

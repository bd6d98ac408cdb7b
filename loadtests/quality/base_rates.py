"""How often each raw tag is true in the data that a model was trained on, for its manifest.

    python -m loadtests.quality.base_rates mtt msd-musicnn annotations_final.csv
    python -m loadtests.quality.base_rates jamendo jamendo-fcn autotagging_top50tags-train.tsv
    python -m loadtests.quality.base_rates msd msd-musicnn

prints the table `[base_rates]` for the tags of that model, in their order. The first two count the
datasets' own public tables. Of the Million Song Dataset's Last.fm tags, the ten commonest have
published counts; the fifty that models were trained on are published in the order of their
frequency. The rates of the others are those of the power law that fits the ten.
"""

import csv
from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from app.settings import Settings
from app.store.manifest.manifest import Manifest, read_store
from app.store.storage.store import Store

LAST_FM_COUNTS = {
    "rock": 101_071,
    "pop": 69_159,
    "alternative": 55_777,
    "indie": 48_175,
    "electronic": 46_270,
    "female vocalists": 42_565,
    "favorites": 39_921,
    "Love": 34_901,
    "dance": 33_618,
    "00s": 31_432,
}
"""Tracks with the tag, of `LAST_FM_TRACKS` with any: millionsongdataset.com/lastfm."""
LAST_FM_TRACKS = 505_216
LEFT_OUT = ("favorites", "Love")
"""Among the ten, but not among the fifty."""

SOURCES = {
    "mtt": "Share of the clips in MagnaTagATune's annotations_final.csv",
    "jamendo": "Share of the tracks in MTG-Jamendo's autotagging_top50tags-train.tsv, split 0",
    "msd": "Share of the tagged tracks in the Last.fm dataset of the Million Song Dataset: the "
    "published counts of the ten commonest tags, and the power law through them by rank",
}


def count_mtt(table: Path) -> dict[str, float]:
    """The share of MagnaTagATune's clips that have each tag."""
    with table.open(newline="", encoding="utf-8") as file:
        clips = list(csv.DictReader(file, delimiter="\t"))
    tags = [name for name in clips[0] if name not in ("clip_id", "mp3_path")]
    return {tag: sum(clip[tag] == "1" for clip in clips) / len(clips) for tag in tags}


def count_jamendo(table: Path) -> dict[str, float]:
    """The share of MTG-Jamendo's tracks that have each tag, without the tags' categories."""
    tracks = [line.split("\t")[5:] for line in table.read_text("utf-8").splitlines()[1:]]
    counts = Counter(tag.partition("---")[2] for tags in tracks for tag in tags)
    return {tag: count / len(tracks) for tag, count in counts.items()}


def extrapolate_msd(names: tuple[str, ...]) -> dict[str, float]:
    """The share of Last.fm's tagged tracks that have each of these tags, given by frequency."""
    ranks = np.log(1 + np.arange(len(LAST_FM_COUNTS)))
    slope, intercept = np.polyfit(ranks, np.log(list(LAST_FM_COUNTS.values())), 1)
    rates = {}
    for place, name in enumerate(names):
        rank = 1 + place + (len(LEFT_OUT) if name not in list(LAST_FM_COUNTS)[:6] else 0)
        count = LAST_FM_COUNTS.get(name, np.exp(intercept + slope * np.log(rank)))
        rates[name] = float(count) / LAST_FM_TRACKS
    return rates


def main(
    data: Annotated[str, typer.Argument(help="mtt, jamendo or msd.")],
    model: Annotated[str, typer.Argument(help="Whose tags, by its name in the model store.")],
    table: Annotated[Path | None, typer.Argument(help="The dataset's table.")] = None,
) -> None:
    """Print the table `[base_rates]` of a model's manifest."""
    manifest: Manifest = read_store(Store(Settings().model_store))[model]
    if data == "msd":
        rates = extrapolate_msd(manifest.tags.names)
    elif table is None:
        raise typer.BadParameter(f"{data} needs the dataset's table")
    else:
        rates = {"mtt": count_mtt, "jamendo": count_jamendo}[data](table)
    print(f'[base_rates]\nsource = "{SOURCES[data]}"\nrates = [')
    of_tags = [f"{rates[name]:.4f}" for name in manifest.tags.names]
    for start in range(0, len(of_tags), 10):
        print(f"  {', '.join(of_tags[start : start + 10])},")
    print("]")


if __name__ == "__main__":
    typer.run(main)

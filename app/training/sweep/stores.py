"""The audio of a sweep: a store for each sample rate and number of channels of its front ends."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from app.datasets.audio.audio_store import AudioStore
from app.datasets.tracks import Split
from app.errors import SetupError


def open_stores(folders: Sequence[Path], split: Split) -> list[AudioStore]:
    """Open audio stores with the same tracks of a split, so that trials on them can be compared.

    Raises:
        SetupError: One is not an audio store, or two have the same form or other tracks.
    """
    stores = [AudioStore.open(folder) for folder in folders]
    for one, other in combinations(stores, 2):
        if one.about == other.about:
            raise SetupError(
                f"{one.folder} and {other.folder} both have {one.about.words}; a sweep takes one "
                "audio store of each sample rate and number of channels"
            )
        differing = [
            each.track.id
            for each in split.placed
            if one.digests.get(each.track.id) != other.digests.get(each.track.id)
        ]
        if differing:
            raise SetupError(
                f"{one.folder} and {other.folder} differ in {len(differing)} tracks of the split, "
                f"such as {differing[0]}, so that trials can't be compared; fill both with "
                "`taggram data store` from the same files"
            )
    return stores


def fingerprint_of(stores: Sequence[AudioStore]) -> str:
    """Return the fingerprints of all stores; their order does not matter."""
    return " ".join(sorted(store.fingerprint for store in stores))

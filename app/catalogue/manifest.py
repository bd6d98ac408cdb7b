"""The manifest of a catalogue: what wrote it, with which models, and its counts."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from app.catalogue.storage import Storage
from app.catalogue.tables import models_in, read_batches
from app.domain import ModelRef
from app.installation import installed_version
from app.store.manifest.manifest import Manifest

NAME = "manifest.json"
VERSION = 1
"""The version of the layout of a catalogue."""


def count_statuses(out: Storage) -> dict[ModelRef, Counter[str]]:
    """Return the number of tracks of each status, by model.

    Raises:
        SetupError: It is not a catalogue, or a file can't be read.
    """
    return {ref: _count(out, ref) for ref in models_in(out)}


def write_manifest(out: Storage, models: Sequence[Manifest]) -> None:
    """Write the manifest.

    Args:
        out: The catalogue.
        models: The models of this run; of others, the counts alone are written.

    Raises:
        SetupError: A file can't be read or written.
    """
    weights = {manifest.ref: manifest.weights.sha256 for manifest in models}
    about = {
        "version": VERSION,
        "taggram": installed_version(),
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "models": [
            {
                "name": ref.name,
                "version": ref.version,
                "weights_sha256": weights.get(ref),
                "tracks": dict(counts),
            }
            for ref, counts in count_statuses(out).items()
        ],
    }
    with out.write(NAME) as file:
        file.write(json.dumps(about, indent=2).encode() + b"\n")


def _count(out: Storage, ref: ModelRef) -> Counter[str]:
    """Count the latest row of each track."""
    latest: dict[str, tuple[datetime, str]] = {}
    for _, table in read_batches(out, ref, ("external_id", "tagged_at", "status")):
        columns = [column.to_pylist() for column in table.columns]
        for external_id, tagged_at, status in zip(*columns, strict=True):
            row = tagged_at, status
            latest[external_id] = max(latest.get(external_id, row), row)
    return Counter(status for _, status in latest.values())

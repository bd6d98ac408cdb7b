"""The descriptors of a catalogue's tracks: `descriptors/<time>-<random>.parquet`.

A row is that of one track and file, and of no model. A file that changes adds a row, so queries
join with `tracks` on `external_id` and `track_id`.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from app.catalogue.entries import Entry
from app.catalogue.results import BATCH_ROWS, BATCH_S
from app.catalogue.rows import File, as_text, entry_key
from app.catalogue.storage import Storage, open_storage
from app.catalogue.tables import ABOUT, new_file_name, read_table, write_table
from app.descriptors.frames import Statistic
from app.descriptors.spectral import CONTRAST_BANDS, SpectralShape
from app.descriptors.track import Descriptors
from app.installation import installed_version

DESCRIPTORS = "descriptors"
"""The folder of the table."""

INDEX = ("external_id", "uri", "fingerprint", "track_id")
"""The columns that a later run reads to continue."""

STATISTICS = ("centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness")

Values = dict[str, Any]
"""The columns of a row that depend on nothing but the file."""


def descriptor_schema() -> pa.Schema:
    """Return the schema of the table."""
    number = pa.float32()
    bands = pa.list_(number, CONTRAST_BANDS)
    about = {"table": DESCRIPTORS, "taggram": installed_version()}
    names = ("track_id", "external_id", "uri", "artist_id", "fingerprint")
    fields = [
        *(pa.field(name, pa.string(), nullable=name == "artist_id") for name in names),
        pa.field("described_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("duration_s", pa.float64(), nullable=False),
        pa.field("sample_rate", pa.int32(), nullable=False),
        *(pa.field(f"tempo_{name}", number) for name in ("bpm", "half_bpm", "double_bpm")),
        pa.field("tempo_strength", number, nullable=False),
        pa.field("key_tonic", pa.string()),
        pa.field("key_mode", pa.string()),
        pa.field("key_strength", number),
        *(pa.field(name, number) for name in ("loudness_lufs", "loudness_range_lu")),
        pa.field("true_peak_dbtp", number),
        pa.field("onsets_per_s", number, nullable=False),
        *(pa.field(f"{name}_{of}", number) for name in STATISTICS for of in ("mean", "std")),
        *(pa.field(f"contrast_db_{of}", bands) for of in ("mean", "std")),
    ]
    return pa.schema(fields, metadata={ABOUT: json.dumps(about)})


def descriptor_values(track: Descriptors) -> Values:
    """Return the columns of a track's descriptors; what is unknown is None."""
    tempo, key, loudness = track.tempo, track.key, track.loudness
    return {
        "duration_s": track.duration_s,
        "sample_rate": track.sample_rate,
        **{f"tempo_{name}": value for name, value in vars(tempo).items()},
        "key_tonic": key and key.tonic,
        "key_mode": key and str(key.mode),
        "key_strength": key and key.strength,
        "loudness_lufs": loudness.integrated_lufs,
        "loudness_range_lu": loudness.range_lu,
        "true_peak_dbtp": loudness.true_peak_dbtp,
        "onsets_per_s": track.onsets_per_s,
        **(_shape_values(track.spectrum) if track.spectrum else {}),
    }


def _shape_values(shape: SpectralShape) -> Values:
    values: Values = {}
    for name in STATISTICS:
        statistic: Statistic = getattr(shape, name)
        values |= {f"{name}_mean": statistic.mean, f"{name}_std": statistic.std}
    values["contrast_db_mean"] = [band.mean for band in shape.contrast_db]
    values["contrast_db_std"] = [band.std for band in shape.contrast_db]
    return values


@dataclass(frozen=True)
class DescriptorRow:
    """A row of the table.

    Attributes:
        entry: The track of the platform.
        file: Its file.
        values: The columns of its descriptors.
        described_at: The time of the row.
    """

    entry: Entry
    file: File
    values: Values
    described_at: datetime

    @property
    def key(self) -> bytes:
        """Return the key of the track with this file."""
        return entry_key(self.entry.external_id, self.entry.uri, self.file.fingerprint)


class DescriptorIndex:
    """Which tracks have rows in files of the catalogue. Several threads may use it.

    On a cluster there is one for all processes, in a process of its own.
    """

    def __init__(self, out: str) -> None:
        """Read nothing yet: the catalogue is read at the first use.

        Args:
            out: The catalogue: a folder, or the URL of a prefix.
        """
        self._out = open_storage(out)
        self._keys: set[bytes] = set()
        self._places: dict[bytes, str] = {}
        self._is_read = False
        self._lock = threading.Lock()

    def has(self, key: bytes) -> bool:
        """Return whether a track with this file, from its `entry_key`, has a row.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self._read()
        return key in self._keys

    def find(self, track_id: str) -> Values | None:
        """Return the values of an identical file, if they are known.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        self._read()
        path = self._places.get(bytes.fromhex(track_id))
        if path is None:
            return None
        table = read_table(self._out, path)
        own = ("artist_id", "described_at", *INDEX)
        rows = table.filter(pc.equal(table["track_id"], track_id)).drop_columns(list(own))
        return next(iter(rows.to_pylist()), None)

    def note(self, path: str, files: Mapping[bytes, str]) -> None:
        """Note that a file of the catalogue has been written.

        Args:
            path: The file, as a path in the catalogue.
            files: By the key of each track, the SHA-256 of its file, in hex.
        """
        self._keys |= files.keys()
        self._places |= {bytes.fromhex(track_id): path for track_id in files.values()}

    def _read(self) -> None:
        with self._lock:
            if self._is_read:
                return
            for path in self._out.files(DESCRIPTORS):
                if path.endswith(".parquet"):
                    rows = read_table(self._out, path, INDEX).to_pylist()
                    self.note(path, {_index_key(row): row["track_id"] for row in rows})
            self._is_read = True


def _index_key(row: Values) -> bytes:
    return entry_key(row["external_id"], row["uri"], row["fingerprint"])


class DescriptorTable:
    """The rows in files of the catalogue, and those of the batch in hand.

    Several threads may use it.
    """

    def __init__(
        self,
        out: Storage,
        index: DescriptorIndex,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with an empty batch.

        Args:
            out: The catalogue.
            index: Knows the rows in its files.
            clock: Returns the time in seconds.
        """
        self._out = out
        self._index = index
        self._clock = clock
        self._batch: dict[bytes, DescriptorRow] = {}
        self._since = 0.0
        self._lock = threading.RLock()

    def has(self, key: bytes) -> bool:
        """Return whether a track with this file, from its `entry_key`, has a row.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        return key in self._batch or self._index.has(key)

    def find(self, track_id: str) -> Values | None:
        """Return the values of an identical file, if they are known.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        with self._lock:
            for row in self._batch.values():
                if row.file.track_id == track_id:
                    return row.values
        return self._index.find(track_id)

    def add(self, row: DescriptorRow) -> None:
        """Add a row to the batch in hand, which is written once it is large or old.

        Raises:
            SetupError: It can't be written.
        """
        with self._lock:
            if not self._batch:
                self._since = self._clock()
            self._batch[row.key] = row
            if len(self._batch) >= BATCH_ROWS or self._clock() - self._since >= BATCH_S:
                self.flush()

    def flush(self) -> None:
        """Write the batch in hand.

        Raises:
            SetupError: It can't be written; the batch stays in hand.
        """
        with self._lock:
            if not self._batch:
                return
            path = f"{DESCRIPTORS}/{new_file_name()}"
            rows = [_row_values(row) for row in self._batch.values()]
            write_table(self._out, path, pa.Table.from_pylist(rows, descriptor_schema()))
            self._index.note(path, {key: row.file.track_id for key, row in self._batch.items()})
            self._batch = {}


def _row_values(row: DescriptorRow) -> Values:
    entry = row.entry
    return {
        "track_id": row.file.track_id,
        "external_id": as_text(entry.external_id),
        "uri": as_text(entry.uri),
        "artist_id": entry.artist_id and as_text(entry.artist_id),
        "fingerprint": row.file.fingerprint,
        "described_at": row.described_at,
        **row.values,
    }

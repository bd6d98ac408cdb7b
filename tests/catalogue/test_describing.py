"""Descriptors of a catalogue's tracks: rows, failures, and what a later run does."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.catalogue.entries import Entry
from app.catalogue.files import digest, fingerprint, open_entry
from app.catalogue.rows import File, entry_key
from app.catalogue.storage import open_storage
from app.catalogue.summary import Summary
from testing.known_tracks import RATE, beats
from testing.sounds import encoded

pytest.importorskip("pyloudnorm", reason="the extra `descriptors` is not installed")
from app.catalogue.describing import TrackDescriber
from app.catalogue.descriptor_table import DescriptorIndex, DescriptorTable


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = tmp_path / "song.wav"
    path.write_bytes(encoded(beats(100, 3), RATE))
    return path


def describe(song: Path, out: Path, entry_id: str = "1") -> Summary:
    """Run over one file; return the counts."""

    async def run() -> Summary:
        decoder = Decoder(AudioLimits(RATE, 0.5, 60.0), 1, 300.0)
        table = DescriptorTable(open_storage(out), DescriptorIndex(str(out)))
        describer = TrackDescriber(decoder, table, 1)
        mark = fingerprint(str(song))
        if describer.lacks(entry_key(entry_id, str(song), mark)):
            with open_entry(str(song)) as source:
                file = File(mark, digest(source))
                await describer.describe(Entry(entry_id, str(song)), file, source)
        describer.close()
        return describer.summary

    return asyncio.run(run())


def test_a_track_is_measured_once(song: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    first, second, other = describe(song, out), describe(song, out), describe(song, out, "2")

    assert (first.inferred, first.shared) == (1, 0)
    assert second.total == 0
    assert (other.inferred, other.shared) == (0, 1)


def test_a_changed_file_is_measured_again(song: Path, tmp_path: Path) -> None:
    describe(song, tmp_path / "out")

    song.write_bytes(encoded(beats(120, 3), RATE))

    assert describe(song, tmp_path / "out").inferred == 1


def test_a_failure_leaves_no_row(song: Path, tmp_path: Path) -> None:
    out, sound = tmp_path / "out", song.read_bytes()
    song.write_bytes(b"no audio" * 100)

    for _ in range(2):
        summary = describe(song, out)
        assert summary.failures == {"unsupported_audio": 1}
    assert not out.exists()

    song.write_bytes(sound)
    assert describe(song, out).inferred == 1


def test_an_error_in_measuring_fails_one_track(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(samples: np.ndarray, rate: int) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr("app.catalogue.describing.measure_descriptors", fail)

    summary = describe(song, tmp_path / "out")

    assert summary.failures == {"internal_error": 1}
    assert "a defect" in summary.examples["internal_error"][1]


def test_silence_has_a_row(song: Path, tmp_path: Path) -> None:
    """Quiet sounds count as silence in descriptors, where the decoder takes them."""
    quiet = np.where(np.arange(3 * RATE) == RATE, 0.01, 0).astype(np.float32)
    song.write_bytes(encoded(quiet, RATE))
    out = tmp_path / "out"

    assert describe(song, out).inferred == 1
    assert DescriptorIndex(str(out)).has(entry_key("1", str(song), fingerprint(str(song))))

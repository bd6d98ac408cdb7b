"""The page of one track: its descriptors and its figures."""

from collections.abc import Mapping

from app.descriptors.figures.canvas import Excerpt, NamedPicture
from app.descriptors.figures.mels import draw_mels, mel_power
from app.descriptors.figures.pitch import draw_pitch
from app.descriptors.figures.spectra import draw_histograms, draw_spectra
from app.descriptors.figures.tempo import draw_tempo
from app.descriptors.frames import Statistic
from app.descriptors.spectral import CONTRAST_F_MIN
from app.descriptors.track import Descriptors
from app.domain import Samples
from app.report.blocks import Cell, Document, Grid, Prose, Section

UNKNOWN = "unknown"

Pictures = Mapping[str, tuple[NamedPicture, ...]]
"""The pictures by the titles of their sections."""


def draw_track(samples: Samples, track: Descriptors) -> Pictures:
    """Return the figures of the middle of a track.

    Args:
        samples: (samples,) float32, mono.
        track: Its descriptors.

    Raises:
        ValueError: The track is too short for them.
    """
    excerpt = Excerpt.of(samples, track.sample_rate)
    mels = mel_power(excerpt)
    return {
        "Waveform and spectrum": draw_spectra(excerpt),
        "Mel bands": (*draw_mels(mels, excerpt), draw_histograms(mels)),
        "Pitch": draw_pitch(excerpt),
        "Tempo": draw_tempo(excerpt, track.tempo),
    }


def make_page(title: str, descriptors: Descriptors, pictures: Pictures) -> Document:
    """Return the page.

    Args:
        title: Its title.
        descriptors: The descriptors of the whole track.
        pictures: The figures.
    """
    lead = (
        f"Measured on a mono mix at {descriptors.sample_rate:,} Hz. Figures over time show the "
        "middle of the track; the taggram shows all of it."
    )
    sections = [
        Section(name, tuple(named.picture for named in several))
        for name, several in pictures.items()
    ]
    return Document(title, lead, (_section(descriptors), *sections))


def _section(track: Descriptors) -> Section:
    notes = (
        "An unknown tempo has no regular beat. Half and double of a tempo fit the same beats. "
        "A strength is a correlation, from 0 to 1.",
        "Loudness and true peak are those of the mono mix. A stereo file is up to 3 LU louder.",
    )
    return Section("Descriptors", (_grid(track), *_spectrum(track), *map(Prose, notes)))


def _grid(track: Descriptors) -> Grid:
    tempo, key, loudness = track.tempo, track.key, track.loudness
    rows = {
        "Duration": _number(track.duration_s, "s"),
        "Tempo": _number(tempo.bpm, "beats/min"),
        "Half": _number(tempo.half_bpm, "beats/min"),
        "Double": _number(tempo.double_bpm, "beats/min"),
        "Strength of the tempo": _number(tempo.strength, "", 2),
        "Key": f"{key.tonic} {key.mode}" if key else UNKNOWN,
        "Strength of the key": _number(key.strength if key else None, "", 2),
        "Integrated loudness": _number(loudness.integrated_lufs, "LUFS"),
        "Loudness range": _number(loudness.range_lu, "LU"),
        "True peak": _number(loudness.true_peak_dbtp, "dBTP"),
        "Onsets": _number(track.onsets_per_s, "per second", 2),
    }
    cells = tuple((Cell(name), Cell(value)) for name, value in rows.items())
    return Grid("The whole track", ("descriptor", "value"), cells)


def _spectrum(track: Descriptors) -> tuple[Grid, ...]:
    """Return the table of the spectral shape, if the track is not silent."""
    shape = track.spectrum
    if shape is None:
        return ()
    rows = [
        _row("Centroid (Hz)", shape.centroid_hz, 0),
        _row("Bandwidth (Hz)", shape.bandwidth_hz, 0),
        _row("Roll-off, 85 % (Hz)", shape.rolloff_hz, 0),
        _row("Flatness", shape.flatness, 4),
    ]
    edges = [CONTRAST_F_MIN * 2**octave for octave in range(len(shape.contrast_db) - 1)]
    bands = [f"{low:,.0f}–{high:,.0f} Hz" for low, high in zip([0, *edges], edges, strict=False)]
    bands.append(f"above {edges[-1]:,.0f} Hz")
    rows += [
        _row(f"Contrast, {band} (dB)", values, 1)
        for band, values in zip(bands, shape.contrast_db, strict=True)
    ]
    return (
        Grid(
            "Spectrum, over the frames that are not silent",
            ("descriptor", "mean", "deviation"),
            tuple(rows),
        ),
    )


def _row(name: str, values: Statistic, digits: int) -> tuple[Cell, ...]:
    return Cell(name), Cell(f"{values.mean:,.{digits}f}"), Cell(f"{values.std:,.{digits}f}")


def _number(value: float | None, unit: str, digits: int = 1) -> str:
    return UNKNOWN if value is None else f"{value:,.{digits}f} {unit}".rstrip()

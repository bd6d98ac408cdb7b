"""The constant-Q transform as data."""

import math
from dataclasses import dataclass

from app.ranges import check_positive


@dataclass(frozen=True)
class ConstantQ:
    """A constant-Q transform: bands evenly spaced in pitch, each by a filter of its own length.

    Each filter spans as many periods of its pitch as the others, so that neighbouring bands differ
    in the bass too. The scale is librosa's: the magnitude of a tone grows with the square root of
    the filter's length.

    Attributes:
        n_bins: Number of bands.
        bins_per_octave: Number of bands in an octave.
        pitch_min: Centre of the lowest band, in Hz.
        filter_scale: Length of the filters, in multiples of that which separates neighbouring
            bands; less than 1 gives better resolution in time.
    """

    n_bins: int
    bins_per_octave: int
    pitch_min: float
    filter_scale: float

    def __post_init__(self) -> None:
        check_positive(n_bins=self.n_bins, bins_per_octave=self.bins_per_octave)
        check_positive(pitch_min=self.pitch_min, filter_scale=self.filter_scale)

    @property
    def bandwidth(self) -> float:
        """Return the distance of neighbouring bands as a share of their frequency, as librosa."""
        ratio = 2 ** (2 / self.bins_per_octave)
        return (ratio - 1) / (ratio + 1)

    @property
    def edges(self) -> tuple[float, float]:
        """Return the lowest pitch, and the upper edge of the highest band, in Hz."""
        highest = self.pitch_min * 2 ** ((self.n_bins - 1) / self.bins_per_octave)
        return self.pitch_min, highest * (1 + self.bandwidth / self.filter_scale)

    def longest_filter(self, sample_rate: int) -> int:
        """Return the length of the lowest band's filter, in samples, rounded up to an even one."""
        length = self.filter_scale / self.bandwidth * sample_rate / self.pitch_min
        return 2 * math.ceil(length / 2)

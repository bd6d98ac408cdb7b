"""Augments windows with random parameters.

audiomentations draws from global random generators, so with threads a window's result would depend
on the other threads. So all parameters are drawn here, from a generator with the window's own seed,
and are set on a transform that is created for the one window.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import audiomentations
import numpy as np
import numpy.typing as npt
import pyroomacoustics
from audiomentations.core.transforms_interface import BaseWaveformTransform
from scipy.signal import fftconvolve

from app.domain import Samples
from app.errors import SetupError
from app.training.data.augmentation import Augmentation

_CONSTANTS = threading.Lock()
"""pyroomacoustics reads its number of threads from process-wide constants."""

ROLLOFF = 12
"""Of the filters, in dB per octave."""

REFLECTIONS = 15
"""The largest number of reflections of an echo; later ones are negligible."""

STACKED = ("polarity", "filters", "delay", "pitch", "noise", "reverb", "gain")
"""Each has a probability in `Augmentation` and a method in `Transforms`."""

SINGLE = ("polarity", "high_pass", "low_pass", "delay", "pitch", "noise", "reverb", "gain")
"""The augmentations that `taggram data listen` writes one by one."""


class Augmenter:
    """Applies random augmentations, reproducible by seed. It is thread-safe.

    Args:
        augmentation: Probabilities and ranges.
        sample_rate: In Hz, of all samples.

    Raises:
        SetupError: A filter's cutoff is above the Nyquist frequency.
    """

    def __init__(self, augmentation: Augmentation, sample_rate: int) -> None:
        for name in ("high_pass_hz", "low_pass_hz"):
            highest = getattr(augmentation, name)[1]
            if highest >= sample_rate / 2:
                raise SetupError(
                    f"augmentation: {name}: {highest:g} Hz is not below {sample_rate / 2:g} Hz, "
                    "half of the audio's sample rate"
                )
        self._augmentation, self._rate = augmentation, sample_rate

    def __call__(self, samples: Samples, seed: int) -> Samples:
        """Augment samples, (n,) or (n, channels); the result depends on samples and seed alone.

        It may exceed -1..1.
        """
        transforms = self._transforms(seed)
        rng = transforms.rng
        chosen = [name for name in STACKED if rng.random() < getattr(self._augmentation, name)]
        for name in rng.permutation(chosen):
            samples = getattr(transforms, name)(samples)
        return samples

    def alone(self, name: str, samples: Samples, seed: int) -> Samples:
        """Apply one augmentation of `SINGLE`, regardless of its probability.

        Args:
            name: One of `SINGLE`.
            samples: (n,) or (n, channels) float32.
            seed: Seed of the random parameters.
        """
        changed: Samples = getattr(self._transforms(seed), name)(samples)
        return changed

    def _transforms(self, seed: int) -> "Transforms":
        return Transforms(self._augmentation, self._rate, np.random.default_rng(seed))


@dataclass(frozen=True)
class Transforms:
    """The augmentations of samples, (n,) or (n, channels); every call draws new parameters.

    Parameters are the same for all channels, so that stereo sounds stay in their places. Only the
    noise of each channel is its own.

    Attributes:
        augmentation: The ranges to draw from.
        sample_rate: In Hz.
        rng: The random generator.
    """

    augmentation: Augmentation
    sample_rate: int
    rng: np.random.Generator

    def polarity(self, samples: Samples) -> Samples:
        """Invert the polarity of samples."""
        return -samples

    def filters(self, samples: Samples) -> Samples:
        """Apply a high-pass or a low-pass filter to samples."""
        change = self.high_pass if self.rng.random() < 0.5 else self.low_pass  # noqa: PLR2004
        return change(samples)

    def high_pass(self, samples: Samples) -> Samples:
        """Apply a high-pass filter to samples."""
        edge = self.rng.uniform(*self.augmentation.high_pass_hz)
        drawn = {"cutoff_freq": edge, "rolloff": ROLLOFF}
        return self._transformed(audiomentations.HighPassFilter(), samples, drawn)

    def low_pass(self, samples: Samples) -> Samples:
        """Apply a low-pass filter to samples."""
        edge = self.rng.uniform(*self.augmentation.low_pass_hz)
        drawn = {"cutoff_freq": edge, "rolloff": ROLLOFF}
        return self._transformed(audiomentations.LowPassFilter(), samples, drawn)

    def delay(self, samples: Samples) -> Samples:
        """Add an echo to samples, which audiomentations does not have."""
        shift = round(self.rng.uniform(*self.augmentation.delay_s) * self.sample_rate)
        gain = np.float32(self.rng.uniform(*self.augmentation.delay_gain))
        echoed = samples.copy()
        echoed[shift:] += gain * samples[: max(len(samples) - shift, 0)]
        return echoed

    def pitch(self, samples: Samples) -> Samples:
        """Shift the pitch of samples by semitones, and keep the tempo."""
        low, high = self.augmentation.pitch_semitones
        semitones = int(self.rng.integers(low, high + 1) * self.rng.choice([-1, 1]))
        return self._transformed(
            audiomentations.PitchShift(), samples, {"num_semitones": semitones}
        )

    def noise(self, samples: Samples) -> Samples:
        """Add white noise to samples; audiomentations draws it from a global generator."""
        below = 10 ** (-self.rng.uniform(*self.augmentation.noise_snr_db) / 20)
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) * below
        noise = self.rng.standard_normal(samples.shape, np.float32)
        return samples + np.float32(level) * noise

    def reverb(self, samples: Samples) -> Samples:
        """Add the reverberation of a room to samples, at about the same loudness.

        audiomentations' RoomSimulator computes the same rooms, and the absorption by air, at three
        times the cost.
        """
        response = self._room(self.rng.uniform(*self.augmentation.reverb_room_m, 3))
        response = response.reshape(-1, *[1] * (samples.ndim - 1))
        wet = fftconvolve(samples, response / np.linalg.norm(response), axes=0)
        return wet[: len(samples)].astype(np.float32)

    def gain(self, samples: Samples) -> Samples:
        """Fade samples from one gain to another, over at least a fifth of the time."""
        count = len(samples)
        fade = int(self.rng.integers(count // 5, count, endpoint=True))
        start, end = self.rng.uniform(*self.augmentation.gain_db, 2)
        drawn = {
            "fade_time_samples": fade,
            "t0": int(self.rng.integers(0, count - fade, endpoint=True)),
            "start_gain_db": start,
            "end_gain_db": end,
        }
        return self._transformed(audiomentations.GainTransition(), samples, drawn)

    def _room(self, sides: npt.NDArray[np.float64]) -> Samples:
        """Return the impulse response, (n,), of a room with these sides in metres, (3,).

        By the image-source method (Allen & Berkley 1979).
        """
        walls = pyroomacoustics.Material(self.rng.uniform(*self.augmentation.reverb_absorption))
        room = pyroomacoustics.ShoeBox(
            sides, fs=self.sample_rate, materials=walls, max_order=REFLECTIONS
        )
        # Source and microphone are in different halves of the room, so they never coincide.
        room.add_source(sides * self.rng.uniform(0.1, 0.45, 3))
        room.add_microphone(sides * self.rng.uniform(0.55, 0.9, 3))
        with _one_thread():
            room.compute_rir()
        response: Samples = room.rir[0][0]
        return response

    def _transformed(
        self, transform: BaseWaveformTransform, samples: Samples, drawn: dict[str, float]
    ) -> Samples:
        transform.parameters |= {"should_apply": True, **drawn}
        transform.freeze_parameters()  # so that the transform draws nothing
        # Its arrays are (n,) or (channels, n).
        changed: Samples = transform(np.ascontiguousarray(samples.T), self.sample_rate).T
        return changed


@contextmanager
def _one_thread() -> Iterator[None]:
    """Limit pyroomacoustics to one thread: with more, sums differ in their last bits."""
    with _CONSTANTS:
        before = pyroomacoustics.constants.get("num_threads")
        pyroomacoustics.constants.set("num_threads", 1)
        try:
            yield
        finally:
            pyroomacoustics.constants.set("num_threads", before)

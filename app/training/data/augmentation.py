"""Changes that leave a track's tags as they are (the thesis, section 3.5), stacked at random.

Probabilities are the noisy student's (Won et al. 2021, arXiv:2111.13457); filters, delay and pitch
go as far as CLMR's (Spijkervet & Burgoyne 2021, arXiv:2103.09410).

audiomentations draws from the generators that all of Python shares: with threads, what a window
becomes would hang on what others drew meanwhile. So all is drawn here, from a generator of the
window's own seed, and its transforms are handed what was drawn; each is made for one window alone.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, TypeVar

import audiomentations
import numpy as np
import numpy.typing as npt
import pyroomacoustics
from audiomentations.core.transforms_interface import BaseWaveformTransform
from pydantic import AfterValidator, Field
from scipy.signal import fftconvolve

from app.domain import Samples
from app.errors import SetupError
from app.store.manifest.tables import Table

_CONSTANTS = threading.Lock()
"""pyroomacoustics reads its number of threads from constants that all of a process shares."""

ROLLOFF = 12
"""Of the filters, in dB an octave."""

REFLECTIONS = 15
"""So often an echo met a wall at most; by then little of it is left."""

Number = TypeVar("Number", int, float)


def _rising(ends: tuple[Number, Number]) -> tuple[Number, Number]:
    if ends[0] > ends[1]:
        raise ValueError(f"{ends[0]} is above {ends[1]}; the lower end comes first")
    return ends


RISING = AfterValidator(_rising)
Chance = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Decibels = Annotated[float, Field(ge=-80, le=80)]
Semitones = Annotated[int, Field(ge=1, le=12)]


class Augmentation(Table):
    """How probable each change is, and from which range its strength is drawn.

    `filters`: either a high-pass or a low-pass. `pitch_semitones`: so many, up or down.
    `delay_gain`: how loud the echo is. `gain_db`: from one of this range to another.
    `reverb_room_m`: each side of the room; `reverb_absorption`: what its walls keep.
    """

    polarity: Chance = 0.8
    filters: Chance = 0.8
    delay: Chance = 0.5
    pitch: Chance = 0.4
    noise: Chance = 0.3
    reverb: Chance = 0.3
    gain: Chance = 0.2
    high_pass_hz: Annotated[tuple[Positive, Positive], RISING] = (200, 1_200)
    low_pass_hz: Annotated[tuple[Positive, Positive], RISING] = (2_200, 4_000)
    delay_s: Annotated[tuple[Positive, Positive], RISING] = (0.2, 0.5)
    delay_gain: Annotated[tuple[Share, Share], RISING] = (0.3, 0.6)
    pitch_semitones: Annotated[tuple[Semitones, Semitones], RISING] = (1, 5)
    noise_snr_db: Annotated[tuple[Decibels, Decibels], RISING] = (10, 40)
    reverb_room_m: Annotated[tuple[Positive, Positive], RISING] = (3, 12)
    reverb_absorption: Annotated[tuple[Share, Share], RISING] = (0.1, 0.5)
    gain_db: Annotated[tuple[Decibels, Decibels], RISING] = (-20, 0)


STACKED = ("polarity", "filters", "delay", "pitch", "noise", "reverb", "gain")
"""Each with its probability in `Augmentation`, and its method in `Changes`."""

SINGLE = ("polarity", "high_pass", "low_pass", "delay", "pitch", "noise", "reverb", "gain")
"""What there is to listen to."""


class Augmenter:
    """Stacks changes as a seed has it. Any thread may call it.

    Args:
        augmentation: Which changes.
        sample_rate: In Hz, of all samples.

    Raises:
        SetupError: A filter's edge is above what this rate can carry.
    """

    def __init__(self, augmentation: Augmentation, sample_rate: int) -> None:
        for name in ("high_pass_hz", "low_pass_hz"):
            highest = getattr(augmentation, name)[1]
            if highest >= sample_rate / 2:
                raise SetupError(
                    f"augmentation: {name}: {highest:g} Hz is not below {sample_rate / 2:g} Hz, "
                    "the highest that the audio's sample rate carries"
                )
        self._wanted, self._rate = augmentation, sample_rate

    def __call__(self, samples: Samples, seed: int) -> Samples:
        """Change samples, (n,) to (n,): the same bytes for a seed, whatever else is drawn.

        They may go beyond -1..1, as sums do.
        """
        changes = self._changes(seed)
        rng = changes.rng
        chosen = [name for name in STACKED if rng.random() < getattr(self._wanted, name)]
        for name in rng.permutation(chosen):
            samples = getattr(changes, name)(samples)
        return samples

    def alone(self, name: str, samples: Samples, seed: int) -> Samples:
        """Make one change of `SINGLE`, whatever its probability, (n,) to (n,)."""
        changed: Samples = getattr(self._changes(seed), name)(samples)
        return changed

    def _changes(self, seed: int) -> "Changes":
        return Changes(self._wanted, self._rate, np.random.default_rng(seed))


@dataclass(frozen=True)
class Changes:
    """The changes, (n,) to (n,) each; every call draws anew.

    Attributes:
        wanted: The ranges to draw from.
        sample_rate: In Hz.
        rng: What draws.
    """

    wanted: Augmentation
    sample_rate: int
    rng: np.random.Generator

    def polarity(self, samples: Samples) -> Samples:
        """Turn it upside down."""
        return -samples

    def filters(self, samples: Samples) -> Samples:
        """Take away what is low, or what is high."""
        change = self.high_pass if self.rng.random() < 0.5 else self.low_pass  # noqa: PLR2004
        return change(samples)

    def high_pass(self, samples: Samples) -> Samples:
        """Take away what is low."""
        edge = self.rng.uniform(*self.wanted.high_pass_hz)
        drawn = {"cutoff_freq": edge, "rolloff": ROLLOFF}
        return self._made(audiomentations.HighPassFilter(), samples, drawn)

    def low_pass(self, samples: Samples) -> Samples:
        """Take away what is high."""
        edge = self.rng.uniform(*self.wanted.low_pass_hz)
        drawn = {"cutoff_freq": edge, "rolloff": ROLLOFF}
        return self._made(audiomentations.LowPassFilter(), samples, drawn)

    def delay(self, samples: Samples) -> Samples:
        """Add an echo; audiomentations has none."""
        late = round(self.rng.uniform(*self.wanted.delay_s) * self.sample_rate)
        gain = np.float32(self.rng.uniform(*self.wanted.delay_gain))
        echoed = samples.copy()
        echoed[late:] += gain * samples[: max(len(samples) - late, 0)]
        return echoed

    def pitch(self, samples: Samples) -> Samples:
        """Shift it by semitones; its tempo stays."""
        low, high = self.wanted.pitch_semitones
        semitones = int(self.rng.integers(low, high + 1) * self.rng.choice([-1, 1]))
        return self._made(audiomentations.PitchShift(), samples, {"num_semitones": semitones})

    def noise(self, samples: Samples) -> Samples:
        """Add white noise; audiomentations would draw it where all of Python does."""
        below = 10 ** (-self.rng.uniform(*self.wanted.noise_snr_db) / 20)
        level = np.sqrt(np.mean(np.square(samples, dtype=np.float64))) * below
        noise = self.rng.standard_normal(len(samples), np.float32)
        return samples + np.float32(level) * noise

    def reverb(self, samples: Samples) -> Samples:
        """Put it into a room, about as loud as before.

        audiomentations' RoomSimulator builds the same rooms, with air, at three times the cost.
        """
        response = self._room(self.rng.uniform(*self.wanted.reverb_room_m, 3))
        wet = fftconvolve(samples, response / np.linalg.norm(response))
        return wet[: len(samples)].astype(np.float32)

    def gain(self, samples: Samples) -> Samples:
        """Fade from one loudness to another, over a fifth of the time at least."""
        count = len(samples)
        fade = int(self.rng.integers(count // 5, count, endpoint=True))
        start, end = self.rng.uniform(*self.wanted.gain_db, 2)
        drawn = {
            "fade_time_samples": fade,
            "t0": int(self.rng.integers(0, count - fade, endpoint=True)),
            "start_gain_db": start,
            "end_gain_db": end,
        }
        return self._made(audiomentations.GainTransition(), samples, drawn)

    def _room(self, sides: npt.NDArray[np.float64]) -> Samples:
        """What is heard of a click in a room of these sides in metres."""
        walls = pyroomacoustics.Material(self.rng.uniform(*self.wanted.reverb_absorption))
        room = pyroomacoustics.ShoeBox(
            sides, fs=self.sample_rate, materials=walls, max_order=REFLECTIONS
        )
        # In two halves of the room, so that they are never in one place.
        room.add_source(sides * self.rng.uniform(0.1, 0.45, 3))
        room.add_microphone(sides * self.rng.uniform(0.55, 0.9, 3))
        with _one_thread():
            room.compute_rir()
        response: Samples = room.rir[0][0]
        return response

    def _made(
        self, transform: BaseWaveformTransform, samples: Samples, drawn: dict[str, float]
    ) -> Samples:
        transform.parameters |= {"should_apply": True, **drawn}
        transform.freeze_parameters()  # it draws nothing itself
        changed: Samples = transform(samples, self.sample_rate)
        return changed


@contextmanager
def _one_thread() -> Iterator[None]:
    """Have pyroomacoustics use one thread: with more of them, sums differ in their last bits."""
    with _CONSTANTS:
        before = pyroomacoustics.constants.get("num_threads")
        pyroomacoustics.constants.set("num_threads", 1)
        try:
            yield
        finally:
            pyroomacoustics.constants.set("num_threads", before)

"""Changes that leave a track's tags as they are (the thesis, section 3.5).

Stacked at random: each with its probability, in an order that is drawn too. All but the delay are
audiomentations'; probabilities are the noisy student's (Won, Choi & Serra 2021), ranges those of
CLMR (Spijkervet & Burgoyne 2021) where it has the change.
"""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Self

import audiomentations
import numpy as np
from audiomentations.core.transforms_interface import BaseWaveformTransform
from pydantic import AfterValidator, Field

from app.domain import Samples
from app.store.tables import Table

_DRAWING = threading.Lock()
"""audiomentations draws from the generators that all of Python shares."""

Chance = Annotated[float, Field(ge=0, le=1)]


def _rising(numbers: tuple[float, float]) -> tuple[float, float]:
    if numbers[0] > numbers[1]:
        raise ValueError("the lower end comes first")
    return numbers


Range = Annotated[tuple[float, float], AfterValidator(_rising)]


class Augmentation(Table):
    """How probable each change is, and between what its strength is drawn.

    `filters`: high-pass or low-pass. `reverb_absorption`: of a room's walls, the rest comes back.
    """

    polarity: Chance = 0.8
    filters: Chance = 0.8
    delay: Chance = 0.5
    pitch: Chance = 0.4
    noise: Chance = 0.3
    reverb: Chance = 0.3
    gain: Chance = 0.2
    high_pass_hz: Range = (200, 1_200)
    low_pass_hz: Range = (2_200, 4_000)
    delay_s: Range = (0.2, 0.5)
    delay_gain: Range = (0.3, 0.6)
    pitch_semitones: Range = (-5, 5)
    noise_snr_db: Range = (10, 40)
    reverb_absorption: Range = (0.2, 0.6)
    gain_db: Range = (-20, 0)


class Augmenter:
    """Draws changes from a seed and makes them."""

    def __init__(self, augmentation: Augmentation, sample_rate: int) -> None:
        self._rate = sample_rate
        changes = list(transforms(augmentation).values())
        self._all = audiomentations.Compose(changes, shuffle=True)

    @classmethod
    def only(cls, name: str, augmentation: Augmentation, sample_rate: int) -> Self:
        """One that makes a single change, and always."""
        chances = {each: float(each == name) for each in transforms(augmentation)}
        return cls(augmentation.model_copy(update=chances), sample_rate)

    def __call__(self, samples: Samples, seed: int) -> Samples:
        """Change samples, (samples,) to as many: the same for a seed, whatever was drawn before.

        They may be louder than 1, as sums are; networks take them so.
        """
        with _drawing(seed):
            changed = self._all(samples, self._rate)
        return np.ascontiguousarray(changed[: len(samples)], np.float32)


def transforms(wanted: Augmentation) -> dict[str, BaseWaveformTransform]:
    """Each change by the name of its probability."""
    return {
        "polarity": audiomentations.PolarityInversion(p=wanted.polarity),
        "filters": audiomentations.OneOf(
            [
                audiomentations.HighPassFilter(*wanted.high_pass_hz, p=1.0),
                audiomentations.LowPassFilter(*wanted.low_pass_hz, p=1.0),
            ],
            p=wanted.filters,
        ),
        "delay": Delay(wanted.delay_s, wanted.delay_gain, p=wanted.delay),
        "pitch": audiomentations.PitchShift(*wanted.pitch_semitones, p=wanted.pitch),
        "noise": audiomentations.AddGaussianSNR(*wanted.noise_snr_db, p=wanted.noise),
        "reverb": audiomentations.RoomSimulator(
            min_absorption_value=wanted.reverb_absorption[0],
            max_absorption_value=wanted.reverb_absorption[1],
            max_order=6,
            use_ray_tracing=False,  # ten times as slow
            leave_length_unchanged=True,
            p=wanted.reverb,
        ),
        "gain": audiomentations.GainTransition(
            *wanted.gain_db, min_duration=0.2, max_duration=1.0, duration_unit="fraction",
            p=wanted.gain,
        ),
    }  # fmt: skip


class Delay(BaseWaveformTransform):
    """Adds one echo: audiomentations has none."""

    supports_multichannel = True

    def __init__(self, delay_s: Sequence[float], gain: Sequence[float], p: float) -> None:
        super().__init__(p)
        self.delay_s, self.gain = delay_s, gain

    def randomize_parameters(self, samples: Samples, sample_rate: int) -> None:
        """Draw how late and how loud the echo is."""
        super().randomize_parameters(samples, sample_rate)
        if self.parameters["should_apply"]:
            self.parameters["delay_s"] = random.uniform(*self.delay_s)  # noqa: S311 - no secret
            self.parameters["gain"] = random.uniform(*self.gain)  # noqa: S311

    def apply(self, samples: Samples, sample_rate: int) -> Samples:
        """(samples,) and its echo."""
        late = round(self.parameters["delay_s"] * sample_rate)
        echoed = samples.copy()
        echoed[late:] += self.parameters["gain"] * samples[: max(len(samples) - late, 0)]
        return echoed


@contextmanager
def _drawing(seed: int) -> Iterator[None]:
    """Have all of Python draw from a seed in the body, and then go on as if nothing had been."""
    with _DRAWING:
        states = random.getstate(), np.random.get_state()
        random.seed(seed)
        np.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])

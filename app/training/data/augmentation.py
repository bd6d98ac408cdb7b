"""The options of audio augmentations that preserve the tags (the thesis, section 3.5).

Probabilities are the noisy student's (Won et al. 2021, arXiv:2111.13457); the ranges of filters,
delay and pitch are CLMR's (Spijkervet & Burgoyne 2021, arXiv:2103.09410).
"""

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from app.store.manifest.tables import Table

Number = TypeVar("Number", int, float)


def _rising(ends: tuple[Number, Number]) -> tuple[Number, Number]:
    if ends[0] > ends[1]:
        raise ValueError(f"{ends[0]} is above {ends[1]}; give the lower end first")
    return ends


RISING = AfterValidator(_rising)
Chance = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(gt=0, lt=1)]
Decibels = Annotated[float, Field(ge=-80, le=80)]
Semitones = Annotated[int, Field(ge=1, le=12)]


class Augmentation(Table):
    """The probability of each augmentation, and the range that its strength is drawn from.

    `filters`: either a high-pass or a low-pass. `pitch_semitones`: the shift, up or down.
    `delay_gain`: the echo's amplitude. `gain_db`: start and end of the fade.
    `reverb_room_m`: the sides of the room; `reverb_absorption`: the energy that its walls absorb.
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

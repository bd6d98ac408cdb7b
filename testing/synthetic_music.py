"""Synthetic music from a seed, with tags that depend on timbre, tempo, register and pulse.

Each style is a function from a `Studio` to samples. Key, mode, tempo, level, noise and width vary
from song to song, so that none of them identifies a style alone.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

Samples = npt.NDArray[np.floating]
Starts = npt.NDArray[np.intp]

RATES = (22_050, 22_050, 22_050, 22_050, 32_000, 44_100)
"""In Hz; most songs have the lowest, which is the fastest to make."""

MODES = {"major": (0, 4, 7, 11), "minor": (0, 3, 7, 10)}
"""Semitones over the root: the chords of a song."""


@dataclass(frozen=True)
class Studio:
    """What a song is made with.

    Attributes:
        rate: In Hz.
        count: Samples.
        rng: Of this layer alone.
    """

    rate: int
    count: int
    rng: np.random.Generator

    @cached_property
    def chord(self) -> tuple[int, ...]:
        """Semitones of the song's mode."""
        return MODES["minor" if self.rng.random() < 0.5 else "major"]

    def root(self, low: int, high: int) -> float:
        """A note between two MIDI numbers, in Hz."""
        return hertz(int(self.rng.integers(low, high)))

    def noise(self, count: int | None = None) -> Samples:
        """White, (count,)."""
        return self.rng.standard_normal(self.count if count is None else count, np.float32)

    def beats(self, bpm: float, *, each: float = 1.0, first: float = 0.0) -> Starts:
        """The samples at which beats begin, one every `each` beats."""
        step = 60 / bpm * self.rate
        return np.arange(first * step, self.count, each * step).astype(int)

    def placed(self, sound: Samples, starts: Starts) -> Samples:
        """One sound, again and again."""
        song = np.zeros(self.count + len(sound), np.float32)
        for start in starts:
            song[start : start + len(sound)] += sound
        return song[: self.count]

    def steps(self, values: npt.ArrayLike, starts: Starts) -> Samples:
        """A value from each start on, round and round, (n,)."""
        turns = np.resize(np.asarray(values, np.float32), len(starts))
        return np.repeat(turns, self._lengths(starts))

    def decaying(self, starts: Starts, seconds: float) -> Samples:
        """Falls by 1/e in `seconds` after each start, (n,)."""
        lengths = self._lengths(starts)
        fall = np.exp(-np.arange(lengths.max()) / self.rate / seconds).astype(np.float32)
        return np.concatenate([fall[:length] for length in lengths])

    def phase(self, frequency: float | Samples) -> Samples:
        """Turns since the beginning, (n,): the fraction is the phase of a wave."""
        steps = np.broadcast_to(np.asarray(frequency, np.float64) / self.rate, self.count)
        turns = np.cumsum(steps)
        return (turns - np.floor(turns)).astype(np.float32)

    def sine(self, frequency: float | Samples) -> Samples:
        """As a flute."""
        wave: Samples = np.sin(2 * np.pi * self.phase(frequency), dtype=np.float32)
        return wave

    def saw(self, frequency: float | Samples) -> Samples:
        """As strings."""
        return 2 * self.phase(frequency) - 1

    def square(self, frequency: float | Samples, duty: float) -> Samples:
        """As an old console."""
        return np.where(self.phase(frequency) < duty, 1, -1).astype(np.float32)

    def filtered(
        self,
        sound: Samples,
        edge: float | tuple[float, float],
        kind: Literal["band", "low", "high"],
    ) -> Samples:
        """Through a filter of second order with edges in Hz."""
        return sosfilt(butter(2, edge, kind, fs=self.rate, output="sos"), sound).astype(np.float32)

    def kick(self) -> Samples:
        """A bass drum, once."""
        time = np.arange(int(0.25 * self.rate)) / self.rate
        turns = 50 * time + 5 * (1 - np.exp(-time * 30))
        drum: Samples = (np.sin(2 * np.pi * turns) * np.exp(-time * 14)).astype(np.float32)
        return drum

    def hit(self, seconds: float, edge: float) -> Samples:
        """A hat or a snare, once: noise above an edge in Hz."""
        count = int(4 * seconds * self.rate)
        falling = np.exp(-np.arange(count) / self.rate / seconds)
        return (self.filtered(self.noise(count), edge, "high") * falling).astype(np.float32)

    def _lengths(self, starts: Starts) -> Starts:
        """Samples from each start to the next; those before the first belong to the first."""
        return np.diff([0, *starts[1:], self.count])


def _mixed(voices: Iterable[Samples]) -> Samples:
    """Add sounds of the same length."""
    return reduce(np.add, voices)


def hertz(note: float) -> float:
    """Of a MIDI number."""
    return 440 * 2 ** ((note - 69) / 12)


def ambient(studio: Studio) -> Samples:
    """Slow chords of soft voices in the middle, and air."""
    root, changes = studio.root(57, 69), studio.beats(60, each=studio.rng.uniform(5, 9))
    moves = studio.steps([1, 2 ** (5 / 12), 2 ** (-3 / 12), 2 ** (-5 / 12)], changes)
    swell = 0.6 + 0.4 * studio.sine(studio.rng.uniform(0.08, 0.2))
    voices = [
        studio.sine(root * moves * 2 ** (tone / 12) * detuned)
        for tone in studio.chord
        for detuned in (1, 1.004)
    ]
    return sum(voices) * swell + 0.6 * studio.filtered(studio.noise(), (1500, 4000), "band")


def techno(studio: Studio) -> Samples:
    """A kick on each beat, hats between, one low note that stutters."""
    bpm = studio.rng.uniform(124, 132)
    kick = studio.placed(studio.kick(), studio.beats(bpm))
    hats = studio.placed(studio.hit(0.03, 6500), studio.beats(bpm, first=0.5))
    sixteenths = studio.beats(bpm, each=0.25)
    bass = studio.saw(studio.root(33, 43)) * studio.decaying(sixteenths, 0.05)
    song: Samples = 1.5 * kick + 0.7 * hats + 0.5 * studio.filtered(bass, 500, "low")
    return song


def metal(studio: Studio) -> Samples:
    """Fast, dense, distorted fifths under a noisy snare."""
    bpm, root = studio.rng.uniform(150, 190), studio.root(38, 46)
    bars, eighths = studio.beats(bpm, each=4), studio.beats(bpm, each=0.5)
    riff = root * studio.steps([2 ** (step / 12) for step in (0, 3, 5, 1)], bars)
    chord = sum(studio.saw(riff * ratio) for ratio in (1, 1.498, 2))
    muted = chord * (0.4 + studio.decaying(eighths, 0.12))
    snare = studio.placed(studio.hit(0.08, 1200), studio.beats(bpm, first=1, each=2))
    song: Samples = np.tanh(6 * muted) + 0.9 * snare + studio.placed(studio.kick(), eighths)
    return song


def chiptune(studio: Studio) -> Samples:
    """Square waves that run through chords, high and without any space."""
    notes = studio.beats(60, each=1 / studio.rng.uniform(9, 14))
    bars = studio.beats(60, each=studio.rng.uniform(1.2, 2))
    root = studio.root(69, 79) * studio.steps([1, 2 ** (5 / 12), 2 ** (7 / 12), 1], bars)
    run = studio.steps([2 ** (tone / 12) for tone in (*studio.chord, 12)], notes)
    lead = studio.square(root * run, float(studio.rng.choice([0.125, 0.25, 0.5])))
    return lead + 0.6 * studio.square(root / 4, 0.5)


def dubstep(studio: Studio) -> Samples:
    """Half as fast as it counts, over a growling bass that opens and shuts."""
    bpm, root = studio.rng.uniform(138, 144), studio.root(31, 38)
    speeds = studio.steps(studio.rng.permutation([1.0, 2, 3, 4]), studio.beats(bpm, each=2))
    opened = (0.5 + 0.5 * studio.sine(bpm / 60 * speeds)) ** 2
    growl = studio.filtered(studio.saw(root * 2) * studio.square(root, 0.4), (250, 2500), "band")
    kick = studio.placed(studio.kick(), studio.beats(bpm, each=4))
    snare = studio.placed(studio.hit(0.09, 900), studio.beats(bpm, first=2, each=4))
    song: Samples = 2.5 * growl * opened + 0.8 * studio.sine(root) + 1.3 * kick + snare
    return song


def reggaedub(studio: Studio) -> Samples:
    """Organ chords off the beat, with their echoes, and a round slow bass."""
    bpm, root = studio.rng.uniform(68, 82), studio.root(55, 63)
    stabs = studio.decaying(studio.beats(bpm, first=0.5), 0.09)
    stabs[: int(30 / bpm * studio.rate)] = 0  # the first beat has none before it
    organ = sum(
        studio.sine(root * 2 ** (tone / 12) * partial) / partial
        for tone in studio.chord[:3]
        for partial in (1, 2, 3)
    )
    dry = organ * stabs
    delay = int(45 / bpm * studio.rate)
    echo = 0.5 * np.concatenate([np.zeros(delay, np.float32), dry[:-delay]])
    bass = studio.sine(root / 4) * studio.decaying(studio.beats(bpm, each=1.5), 0.35)
    rim = studio.placed(studio.hit(0.015, 2500), studio.beats(bpm, first=1, each=2))
    return dry + echo + 2 * bass + 0.5 * rim


def minimal(studio: Studio) -> Samples:
    """One low fifth that never moves but for its slow beating, and a rumble."""
    root = studio.root(33, 45)
    beating = 1 + studio.rng.uniform(0.001, 0.004)
    voices = [studio.sine(root * ratio * off) for ratio in (1, 1.5, 2, 3) for off in (1, beating)]
    return sum(voices) + 2 * studio.filtered(studio.noise(), (60, 250), "band")


def trance(studio: Studio) -> Samples:
    """Bright strings that run in sixteenths over a kick on each beat and a bass between."""
    bpm, root = studio.rng.uniform(136, 142), studio.root(60, 69)
    sixteenths = studio.beats(bpm, each=0.25)
    bars = studio.steps([2 ** (step / 12) for step in (0, -4, 3, -2)], studio.beats(bpm, each=4))
    run = studio.steps([2 ** (tone / 12) for tone in (*studio.chord, 12, 7)], sixteenths)
    lead = _mixed(studio.saw(root * bars * run * off) for off in (0.994, 1, 1.006))
    bass = studio.saw(root * bars / 8) * studio.decaying(studio.beats(bpm, first=0.5), 0.1)
    kick = studio.placed(studio.kick(), studio.beats(bpm))
    high = studio.filtered(lead, 700, "high") * studio.decaying(sixteenths, 0.15)
    return high + 0.8 * bass + 1.4 * kick


STYLES: dict[str, Callable[[Studio], Samples]] = {
    style.__name__: style
    for style in (ambient, techno, metal, chiptune, dubstep, reggaedub, minimal, trance)
}
"""By their names in the vocabulary of subgenres."""


def make_track(tags: Sequence[str], seed: int, seconds: float) -> tuple[Samples, int]:
    """A song that has these tags, all at once.

    Args:
        tags: Of `STYLES`.
        seed: The same gives the same song.
        seconds: How long, 2 at least.

    Returns:
        Samples, (n,) or (n, 2), and their rate in Hz.
    """
    rng = np.random.default_rng(seed)
    rate = int(rng.choice(RATES))
    layers = [
        STYLES[tag](Studio(rate, int(seconds * rate), child))
        for tag, child in zip(tags, rng.spawn(len(tags)), strict=True)
    ]
    mixed = sum(layer / np.sqrt(np.mean(layer**2)) for layer in layers)
    wide = _wide(mixed, rate) if rng.random() < 0.2 else mixed
    hiss = rng.standard_normal(wide.shape, np.float32) * 10 ** (-rng.uniform(25, 45) / 20)
    loud = (wide + hiss) / np.abs(wide + hiss).max() * 10 ** (-rng.uniform(1, 12) / 20)
    return loud.astype(np.float32), rate


def _wide(mono: Samples, rate: int) -> Samples:
    """Two channels, (n, 2), of which the right one lags by a millisecond and is less loud."""
    return np.stack([mono, 0.8 * np.roll(mono, rate // 1000)], axis=1)

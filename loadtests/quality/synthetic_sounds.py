"""Noise and tones, drawn at random: many kinds, and of each kind many sounds."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator

from app.domain import Samples

RATE, SECONDS = 16_000, 18
"""Of a clip."""
TIME = np.arange(SECONDS * RATE) / RATE
HZ = np.fft.rfftfreq(len(TIME), 1 / RATE)
LEVELS_DBFS = (-45, -6)

Make = Callable[[Generator], np.ndarray]


def make(of: Make, random: Generator) -> Samples:
    """Draw a sound of a kind, at a level drawn at random, clipped as a recording would be."""
    sound = of(random)
    sound = sound - sound.mean()
    level = 10 ** (random.uniform(*LEVELS_DBFS) / 20)
    return np.asarray(np.clip(sound / sound.std() * level, -1, 1), np.float32)


def draw(random: Generator, low: float, high: float) -> float:
    """A number between two, by its logarithm."""
    return float(np.exp(random.uniform(np.log(low), np.log(high))))


def sine(hz: float) -> np.ndarray:
    """A pure tone."""
    return np.asarray(np.sin(2 * np.pi * hz * TIME))


def shaped(random: Generator, gain: np.ndarray) -> np.ndarray:
    """Noise with this spectrum."""
    return np.asarray(np.fft.irfft(np.fft.rfft(random.standard_normal(len(TIME))) * gain))


def coloured(random: Generator) -> np.ndarray:
    """From violet over white and pink to brown."""
    return shaped(random, np.maximum(HZ, 20) ** (-random.uniform(-1, 2.5) / 2))


def band(random: Generator) -> np.ndarray:
    """A band, from a whistle's width to all."""
    centre, octaves = draw(random, 80, 5000), random.uniform(0.1, 4)
    low, high = centre * 2 ** (-octaves / 2), centre * 2 ** (octaves / 2)
    return shaped(random, ((low <= HZ) & (high >= HZ)).astype(float))


def wind(random: Generator) -> np.ndarray:
    """Gusts: low noise whose loudness and brightness wander."""
    gust = np.interp(TIME, np.arange(SECONDS + 1), random.uniform(0.05, 1, SECONDS + 1))
    dark, bright = (shaped(random, np.maximum(HZ, 30) ** -power) for power in (1.2, 0.6))
    gusts = gust * dark / dark.std() + gust**2 * random.uniform(0, 1) * bright / bright.std()
    return np.asarray(gusts)


def waves(random: Generator) -> np.ndarray:
    """Noise that swells and fades, as of the sea or an engine."""
    swell = 1 + random.uniform(0.3, 1) * sine(draw(random, 0.08, 40))
    return np.asarray(coloured(random) * swell)


def interrupted(random: Generator) -> np.ndarray:
    """Noise that is on and off."""
    share = random.uniform(0.1, 0.9)
    gate = (TIME * draw(random, 0.3, 12)) % 1 < share
    return np.asarray(coloured(random) * gate)


def crackle(random: Generator) -> np.ndarray:
    """Single clicks, as of a worn record."""
    hits = random.uniform(size=len(TIME)) < draw(random, 2, 600) / RATE
    clicks = np.where(hits, random.uniform(-1, 1, len(TIME)), 0)
    return clicks + 10 ** random.uniform(-4, -1.5) * random.standard_normal(len(TIME))


def rain(random: Generator) -> np.ndarray:
    """Drops that ring for a moment, over a hiss."""
    length = int(RATE * draw(random, 0.001, 0.02))
    drop = np.exp(-5 * np.arange(length) / length) * random.standard_normal(length)
    hits = random.uniform(size=len(TIME)) < draw(random, 20, 2000) / RATE
    drops = np.convolve(hits * random.exponential(1, len(TIME)), drop)[: len(TIME)]
    hiss = random.uniform(0, 0.5) * shaped(random, np.maximum(HZ, 20) ** -0.5)
    return np.asarray(drops / drops.std() + hiss)


def room(random: Generator) -> np.ndarray:
    """An empty room: dull noise, and some hum."""
    noise = shaped(random, np.maximum(HZ, 40) ** -random.uniform(0.7, 1.5))
    return np.asarray(noise / noise.std() + random.uniform(0, 0.3) * hum(random))


def pure(random: Generator) -> np.ndarray:
    """One sine."""
    return sine(draw(random, 50, 6000))


def buzz(random: Generator) -> np.ndarray:
    """A square, saw or triangle wave."""
    turns = TIME * draw(random, 40, 2000) % 1
    waves = (np.sign(turns - random.uniform(0.2, 0.8)), turns, np.abs(turns - 0.5))
    return np.asarray(waves[random.integers(len(waves))])


def chord(random: Generator) -> np.ndarray:
    """Some sines at once."""
    pitches = [draw(random, 80, 4000) for _ in range(random.integers(2, 7))]
    return np.asarray(np.sum([sine(hz) for hz in pitches], axis=0))


def beating(random: Generator) -> np.ndarray:
    """A sine whose loudness or pitch trembles."""
    hz, per_second = draw(random, 100, 3000), draw(random, 0.3, 15)
    if random.uniform() < 0.5:
        return np.asarray(sine(hz) * (1 + random.uniform(0.2, 1) * sine(per_second)))
    swing = random.uniform(0.01, 0.3) * hz / per_second
    return np.asarray(np.sin(2 * np.pi * hz * TIME + swing * sine(per_second)))


def sweep(random: Generator) -> np.ndarray:
    """A tone that rises or falls, over and over: chirps and sirens."""
    low, high, seconds = draw(random, 50, 800), draw(random, 900, 7000), draw(random, 0.2, 18)
    if random.uniform() < 0.5:
        low, high = high, low
    rise = np.log(high / low) / seconds
    return np.asarray(np.sin(2 * np.pi * low * np.expm1(rise * (TIME % seconds)) / rise))


def hum(random: Generator) -> np.ndarray:
    """Of mains and motors."""
    hz = random.choice((50, 60, 100, 120, draw(random, 30, 200)))
    strengths = random.exponential(1, 12) / np.arange(1, 13) ** random.uniform(0.5, 2)
    tone = np.sum([each * sine(hz * (1 + n)) for n, each in enumerate(strengths)], axis=0)
    return np.asarray(
        tone / tone.std() + random.uniform(0, 0.3) * random.standard_normal(len(TIME))
    )


def telephone(random: Generator) -> np.ndarray:
    """Dial, ring and busy tones."""
    pairs = ((350, 440), (440, 480), (480, 620), (425, 425), (400, 450), (941, 1336))
    low, high = pairs[random.integers(len(pairs))]
    seconds = random.choice((0.25, 0.5, 1, 2, 99))
    return np.asarray((sine(low) + sine(high)) * (TIME % (2 * seconds) < seconds))


def dialled(random: Generator) -> np.ndarray:
    """Numbers on a telephone's keys."""
    keys = [sine(row) + sine(key) for row in (697, 770, 852, 941) for key in (1209, 1336, 1477)]
    seconds = draw(random, 0.06, 0.5)
    pressed = random.integers(len(keys), size=400)[(TIME / seconds / 2).astype(int)]
    return np.asarray(np.choose(pressed, keys) * (TIME % (2 * seconds) < seconds))


def beeps(random: Generator) -> np.ndarray:
    """Of alarms and machines: one or two pitches, on and off."""
    period, share = draw(random, 0.1, 3), random.uniform(0.1, 0.8)
    first, second = draw(random, 300, 4000), draw(random, 300, 4000)
    tone = np.where(TIME % (2 * period) < period, sine(first), sine(random.choice((first, second))))
    return np.asarray(tone * (TIME % period < share * period))


def clicks(random: Generator) -> np.ndarray:
    """Of clocks and metronomes."""
    since = TIME % (60 / draw(random, 30, 300))
    decay, hz = draw(random, 20, 2000), draw(random, 300, 5000)
    return np.asarray(np.exp(-decay * since) * np.cos(2 * np.pi * hz * since))


NOISE: Mapping[str, Make] = {
    each.__name__: each for each in (coloured, band, wind, waves, interrupted, crackle, rain, room)
}
TONES: Mapping[str, Make] = {
    each.__name__: each
    for each in (pure, buzz, chord, beating, sweep, hum, telephone, dialled, beeps, clicks)
}

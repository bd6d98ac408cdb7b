"""Builds front ends with kapre's layers; the only module that imports kapre.

kapre's `get_melspectrogram_layer` uses magnitudes instead of power, does not centre its frames, and
clips decibels per sample, so that a track's scores would depend on the rest of its batch. Therefore
the front ends are built here of single layers. They always compute in float32: in bf16 the rounding
of a loud frame exceeds a quiet one.
"""

import math
from functools import partial

import keras
import librosa
import numpy as np
import scipy
import tensorflow as tf
from kapre import STFT, ApplyFilterbank, Magnitude
from keras import KerasTensor, layers, ops
from librosa.filters import chroma as chroma_filters

from app.constant_q import ConstantQ
from app.front_ends import BAND_PASS_TAPS, BandPass, FrontEnd
from app.models.constant_q import constant_q
from app.spectra import (
    DELTA_FRAMES,
    Chroma,
    Decibels,
    Log10,
    LogFrequency,
    Mel,
    NaturalLog,
    Padding,
    Spectrum,
    Standardisation,
    Weighting,
    WindowFunction,
)

CHANNELS_LAST = "channels_last"
FLOAT32 = "float32"

PADDINGS = {Padding.REFLECT: "REFLECT", Padding.ZERO: "CONSTANT"}
"""TensorFlow's names."""

WEIGHTINGS = {Weighting.A: librosa.A_weighting, Weighting.C: librosa.C_weighting}


@keras.saving.register_keras_serializable("taggram")
class PadEnds(layers.Layer):
    """Pads a waveform at both ends: by reflection, as in the training of musicnn, or with zeros.

    (batch, samples) -> (batch, samples + 2 * margin, 1), with the channel axis that kapre expects;
    a stereo waveform has it: (batch, samples, 2) -> (batch, samples + 2 * margin, 2).
    Reflection needs more than `margin` samples. (librosa 0.10 and later pads with zeros.)
    """

    def __init__(self, margin: int, padding: Padding, **kwargs: object) -> None:
        super().__init__(dtype=FLOAT32, **kwargs)
        self.margin = margin
        self.padding = padding

    def call(self, waveform: tf.Tensor) -> tf.Tensor:
        """Pad the time axis of (batch, samples), and add the channel axis."""
        margins = [[0, 0], [self.margin, self.margin], [0, 0]][: len(waveform.shape)]
        return with_channels(tf.pad(waveform, margins, mode=PADDINGS[self.padding]))


@keras.saving.register_keras_serializable("taggram")
class SymmetricSTFT(layers.Layer):
    """The short-time Fourier transform with a symmetric Hann window; kapre's has a periodic one.

    (batch, samples, 1) -> (batch, frames, n_fft / 2 + 1, 1), complex64.
    """

    def __init__(self, n_fft: int, win_length: int, hop: int, **kwargs: object) -> None:
        super().__init__(dtype=FLOAT32, **kwargs)
        self.n_fft = n_fft
        self.win_length = win_length
        self.hop = hop

    def call(self, waveform: tf.Tensor) -> tf.Tensor:
        """Transform the time axis of (batch, samples, 1)."""
        spectra = tf.signal.stft(
            waveform[:, :, 0],
            self.win_length,
            self.hop,
            self.n_fft,
            window_fn=partial(tf.signal.hann_window, periodic=False),
        )
        return spectra[..., tf.newaxis]


def track_frames(front: FrontEnd, samples: int | None = None) -> keras.Model:
    """Build a model: waveform (batch, samples) to frames (batch, frames, *front.shape), float32.

    A stereo waveform is (batch, samples, 2).

    Args:
        front: The front end.
        samples: Length of the waveforms, if it is fixed.
    """
    waveform = keras.Input((samples, *front.sample_shape), name="waveform", dtype=FLOAT32)
    x = PadEnds(front.margin, front.padding, name="padded")(waveform)
    return keras.Model(waveform, _frames(x, front), name="track_frames")


def part_frames(front: FrontEnd) -> keras.Model:
    """Build a model for parts of a waveform, which does not pad.

    Part (batch, samples, channels) to frames (batch, frames, *front.shape), float32. The first
    frame begins at the first sample, so the caller pads a track at its ends.
    """
    samples = keras.Input((None, front.channels), name="samples", dtype=FLOAT32)
    return keras.Model(samples, _frames(samples, front), name="part_frames")


def with_channels(waveform: tf.Tensor) -> tf.Tensor:
    """Return (batch, samples) with a channel axis, or (batch, samples, channels) as it is."""
    return waveform if len(waveform.shape) == 3 else waveform[:, :, tf.newaxis]  # noqa: PLR2004


def _frames(x: KerasTensor, front: FrontEnd) -> KerasTensor:
    """Compute frames: (batch, samples, channels) -> (batch, frames, *front.shape)."""
    if front.standardised:
        x = _standardised(x, front.standardised)
    if front.band_pass:
        x = _band_passed(x, front.band_pass, front.sample_rate)
    if front.envelope:
        x = layers.AveragePooling1D(front.envelope, strides=1, dtype=FLOAT32)(ops.abs(x))
    if front.spectrum is None:
        # A model has to have a layer between its input and its output.
        return ops.squeeze(x, -1) if front.channels == 1 else layers.Identity(dtype=FLOAT32)(x)
    channels = [
        _channel(x, n_fft, front.spectrum, front.sample_rate) for n_fft in front.spectrum.n_fft
    ]
    return ops.squeeze(channels[0], -1) if len(channels) == 1 else ops.concatenate(channels, -1)


def _band_passed(x: KerasTensor, band: BandPass, sample_rate: int) -> KerasTensor:
    """Filter: (batch, samples, channels) -> (batch, samples - BAND_PASS_TAPS + 1, channels)."""
    edges = [edge for edge in (band.f_min, band.f_max) if 0 < edge < sample_rate / 2]
    if not edges:  # nothing to filter
        taps = scipy.signal.unit_impulse(BAND_PASS_TAPS, "mid")
    else:
        taps = scipy.signal.firwin(BAND_PASS_TAPS, edges, pass_zero=band.f_min == 0, fs=sample_rate)
    # `conv` correlates, which is convolution as the filter is symmetrical.
    each_channel = np.eye(x.shape[-1], dtype=np.float32)
    return ops.conv(x, taps.astype(np.float32)[:, np.newaxis, np.newaxis] * each_channel)


def _channel(x: KerasTensor, n_fft: int, spectrum: Spectrum, sample_rate: int) -> KerasTensor:
    """Compute one resolution: (batch, samples, 1) -> (batch, frames, height, 1)."""
    if isinstance(spectrum.bands, ConstantQ):
        x = constant_q(x, spectrum.bands, n_fft, spectrum.hop, sample_rate)
    else:
        stft = _stft(n_fft, spectrum)
        x = Magnitude(name=f"magnitude_{n_fft}", dtype=FLOAT32)(stft(_cut(x, n_fft, spectrum)))
    x = ops.square(x) if spectrum.power == 2 else ops.power(x, spectrum.power)  # noqa: PLR2004
    if spectrum.weighting is not Weighting.NONE:
        x = _scaled(x, _weights(spectrum, n_fft, sample_rate))
    match spectrum.bands:
        case Mel() | LogFrequency():
            x = _filterbank(spectrum.bands, n_fft, sample_rate)(x)
        case Chroma(n_chroma):
            x = _pitch_classes(x, n_chroma, n_fft, sample_rate)
        case ConstantQ() | None:
            pass
    x = _log(x, spectrum)
    if spectrum.cepstrum:
        x = _cepstrum(x, spectrum.cepstrum)
    if spectrum.deltas:
        x = _with_deltas(x, spectrum.deltas)
    return _standardised(x, spectrum.standardised) if spectrum.standardised else x


def _stft(n_fft: int, spectrum: Spectrum) -> layers.Layer:
    """Build the layer (batch, samples, 1) -> (batch, frames, bins, 1), complex."""
    win_length = spectrum.win_length or n_fft
    if spectrum.window is WindowFunction.SYMMETRIC_HANN:
        return SymmetricSTFT(n_fft, win_length, spectrum.hop, name=f"stft_{n_fft}")
    return STFT(
        n_fft=n_fft,
        win_length=win_length,
        hop_length=spectrum.hop,
        input_data_format=CHANNELS_LAST,
        output_data_format=CHANNELS_LAST,
        name=f"stft_{n_fft}",
        dtype=FLOAT32,
    )


def _cut(x: KerasTensor, n_fft: int, spectrum: Spectrum) -> KerasTensor:
    """Crop the samples so that all resolutions have equally many frames at the same times."""
    spare = max(spectrum.n_fft) - n_fft
    before = spare // 2 if spectrum.centred else 0
    return x[:, before : before - spare or None] if spare else x


def _weights(spectrum: Spectrum, n_fft: int, sample_rate: int) -> np.ndarray:
    """Return the factor of each FFT bin, (bins,)."""
    frequencies = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    decibels = WEIGHTINGS[spectrum.weighting](np.maximum(frequencies, 1e-9))
    weights: np.ndarray = 10.0 ** (spectrum.power / 20 * decibels)
    return weights


def _filterbank(bands: Mel | LogFrequency, n_fft: int, sample_rate: int) -> layers.Layer:
    """Build the layer (batch, frames, bins, 1) -> (batch, frames, bands, 1)."""
    layer = partial(ApplyFilterbank, data_format=CHANNELS_LAST, dtype=FLOAT32)
    arguments: dict[str, object] = {"sample_rate": sample_rate, "n_freq": n_fft // 2 + 1}
    match bands:
        case Mel(n_mels, f_min, f_max, scale, by_area):
            arguments |= {"n_mels": n_mels, "f_min": f_min, "f_max": f_max}
            arguments |= {"htk": scale == "htk", "norm": "slaney" if by_area else None}
            return layer(type="mel", filterbank_kwargs=arguments, name=f"mel_{n_fft}")
        case LogFrequency(n_bins, bins_per_octave, pitch_min):
            arguments |= {"n_bins": n_bins, "bins_per_octave": bins_per_octave, "f_min": pitch_min}
            return layer(type="log", filterbank_kwargs=arguments, name=f"log_frequency_{n_fft}")


def _pitch_classes(x: KerasTensor, n_chroma: int, n_fft: int, sample_rate: int) -> KerasTensor:
    """Compute chroma: (batch, frames, bins, 1) -> (batch, frames, n_chroma, 1)."""
    filters = chroma_filters(sr=sample_rate, n_fft=n_fft, n_chroma=n_chroma, tuning=0.0)
    return ops.expand_dims(ops.matmul(ops.squeeze(x, -1), filters.T.astype(np.float32)), -1)


def _log(x: KerasTensor, spectrum: Spectrum) -> KerasTensor:
    match spectrum.log:
        case Log10(gain):
            return ops.log(gain * x + 1.0) / math.log(10.0)
        case Decibels(floor):
            # Decibels are those of power, also if the spectrum has magnitudes.
            lowest = floor ** (spectrum.power / 2)
            return 20 / spectrum.power * ops.log10(ops.maximum(x, lowest))
        case NaturalLog(offset):
            return ops.log(x + offset)
        case None:
            return x


def _cepstrum(x: KerasTensor, coefficients: int) -> KerasTensor:
    """Apply the DCT: (batch, frames, bands, 1) -> (batch, frames, coefficients, 1)."""
    basis = scipy.fft.dct(np.eye(x.shape[2]), norm="ortho", axis=0)[:coefficients]
    coefficients_last = ops.matmul(ops.squeeze(x, -1), basis.T.astype(np.float32))
    return ops.expand_dims(coefficients_last, -1)


def _with_deltas(x: KerasTensor, count: int) -> KerasTensor:
    """Append derivatives over time, by Savitzky and Golay's filters.

    (batch, frames + DELTA_FRAMES - 1, height, 1) -> (batch, frames, height * (1 + count), 1).
    """
    half = DELTA_FRAMES // 2
    parts = [x[:, half:-half]]
    for order in range(1, count + 1):
        weights = scipy.signal.savgol_coeffs(DELTA_FRAMES, order, deriv=order, use="dot")
        parts.append(ops.conv(x, weights.astype(np.float32).reshape(-1, 1, 1, 1)))
    return ops.concatenate(parts, axis=2)


def _standardised(x: KerasTensor, scale: Standardisation) -> KerasTensor:
    mean, deviation = np.array(scale.mean), np.array(scale.deviation)
    return _scaled(x, 1 / deviation, -mean / deviation)


def _scaled(x: KerasTensor, scale: np.ndarray, offset: np.ndarray | float = 0.0) -> KerasTensor:
    """Scale each row of (batch, frames, height, 1), or all of (batch, samples, channels)."""
    columns = (np.reshape(numbers, (-1, 1)).tolist() for numbers in (scale, offset))
    return layers.Rescaling(*columns, dtype=FLOAT32)(x)

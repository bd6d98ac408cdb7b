"""From waveform to log-melgram with kapre's layers: the only import of kapre.

kapre's ready-made `get_melspectrogram_layer` takes magnitudes where the published models take
power, does not centre its frames, and clips decibels per sample, which would make a tag's score
depend on what else is in the batch. So the layers are put together here, one by one.
"""

import keras
import tensorflow as tf
from kapre import STFT, ApplyFilterbank, Magnitude
from keras import layers

from app.domain import FrontEnd

KAPRE_CHANNELS = "channels_last"


@keras.saving.register_keras_serializable("taggram")
class CentreFrames(layers.Layer):
    """Reflects half a frame at both ends, so that frame i is centred on sample i * hop.

    (batch, samples) -> (batch, samples + 2 * margin, 1); needs more than `margin` samples.
    librosa 0.10 and later pad with zeros; the published models were trained on reflections.
    """

    def __init__(self, margin: int, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, waveform: tf.Tensor) -> tf.Tensor:
        """Pad the time axis and add the channel axis that kapre expects."""
        padded = tf.pad(waveform, [[0, 0], [self.margin, self.margin]], mode="REFLECT")
        return padded[:, :, tf.newaxis]


@keras.saving.register_keras_serializable("taggram")
class LogCompression(layers.Layer):
    """`log10(gain * power + 1)` in float32, and without kapre's channel axis.

    (batch, frames, mels, 1) -> (batch, frames, mels). The musicnn wheel casts the power to float16
    first, where loud music overflows to infinity: a naive run of it differs from us there.
    """

    def __init__(self, gain: float, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.gain = gain

    def call(self, power: tf.Tensor) -> tf.Tensor:
        """Compress the dynamics."""
        return tf.math.log(self.gain * tf.squeeze(power, axis=-1) + 1.0) / tf.math.log(10.0)


def melgram(front_end: FrontEnd) -> keras.Model:
    """Waveform (batch, samples) to log-melgram (batch, frames, mels), float32."""
    waveform = keras.Input((None,), name="waveform")
    x = CentreFrames(front_end.n_fft // 2, name="centre")(waveform)
    return keras.Model(waveform, framed_melgram(front_end)(x), name="melgram")


def framed_melgram(front_end: FrontEnd) -> keras.Model:
    """Part of a waveform (batch, samples, 1) to log-melgram (batch, frames, mels), float32.

    The first frame begins with the first sample: at a track's ends the caller adds the margins.
    """
    samples = keras.Input((None, 1), name="samples")
    x = STFT(
        n_fft=front_end.n_fft,
        hop_length=front_end.hop,
        input_data_format=KAPRE_CHANNELS,
        output_data_format=KAPRE_CHANNELS,
        name="stft",
    )(samples)
    x = Magnitude(name="magnitude")(x)
    x = layers.Multiply(name="power")([x, x])
    x = ApplyFilterbank(
        type="mel",
        filterbank_kwargs={
            "sample_rate": front_end.sample_rate,
            "n_freq": front_end.n_fft // 2 + 1,
            "n_mels": front_end.n_mels,
            "f_min": front_end.f_min,
            "f_max": front_end.f_max,
            "htk": False,
            "norm": "slaney",
        },
        data_format=KAPRE_CHANNELS,
        name="mel",
    )(x)
    log = LogCompression(front_end.log_gain, name="log")(x)
    return keras.Model(samples, log, name="framed_melgram")

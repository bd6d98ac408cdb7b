"""On a GPU: tracks per second, the share of time that it computes, and the share of its roofline.

`python -m loadtests.serving.gpu [SECONDS]` compares the function that takes the waveform with one
for frames and one for scores: a track's time, copies to and from the device, differences to a CPU.
Then it analyses tracks of three minutes with each for SECONDS, with one decoder per core. Without a
GPU it prints a message and measures nothing.
"""

import sys

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.settings import Settings

SECONDS = 30
SAMPLE_RATE = 16_000


def main() -> None:
    """Start the decoders before TensorFlow starts a device, then measure."""
    settings = Settings()
    limits = AudioLimits(SAMPLE_RATE, settings.min_duration_s, settings.max_duration_s)
    decoder = Decoder(limits, settings.decode_workers, settings.decode_timeout_s)

    from loadtests.serving.gpu_figures import measure  # TensorFlow stays out of the decoders

    measure(decoder, float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)


if __name__ == "__main__":
    main()

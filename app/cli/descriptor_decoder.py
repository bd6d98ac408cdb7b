"""The decoder whose waveform descriptors are measured in, by `describe` and `catalogue tag`."""

from app.audio.limits import AudioLimits
from app.audio.worker.processes import Decoder
from app.settings import Settings

SAMPLE_RATE = 16_000
"""In Hz, whatever the models take: descriptors of all tracks must be comparable."""


def make_descriptor_decoder(settings: Settings, jobs: int) -> Decoder:
    """Return a decoder to mono with the service's limits, which confines its processes likewise.

    Args:
        settings: The settings of the service.
        jobs: Number of files decoded at a time.

    Raises:
        SetupError: A library is missing, or decoders can't be confined or started.
    """
    limits = AudioLimits(
        SAMPLE_RATE, settings.min_duration_s, settings.max_duration_s, settings.decoders
    )
    return Decoder(limits, jobs, settings.decode_timeout_s)

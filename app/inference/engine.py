"""What runs a model: the one thing that the rooms above know of it."""

from typing import Protocol

from app.domain import Scores, Waveform


class Engine(Protocol):
    """A loaded model, ready to hear."""

    def scores(self, waveform: Waveform) -> Scores:
        """Score a track: (windows, tags). One shorter than a window is repeated to fill it.

        Raises:
            ValueError: The waveform is not at the model's sample rate.
        """

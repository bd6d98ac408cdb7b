"""A permit before work: an upload is accepted only where there is room for it."""

from collections.abc import Iterator
from contextlib import contextmanager

from app.errors import Kind, RequestError
from app.metrics import Metrics


class Admission:
    """Counts the uploads that are being received or answered."""

    def __init__(self, max_in_flight: int, metrics: Metrics) -> None:
        self._free = max_in_flight
        self._metrics = metrics

    @contextmanager
    def permit(self) -> Iterator[None]:
        """Hold a place for the body, or refuse before any of the upload is read.

        Raises:
            RequestError: `overloaded`.
        """
        if self._free == 0:
            raise RequestError(Kind.OVERLOADED, "All places are taken. Try again in a moment.")
        self._free -= 1
        self._metrics.upload_began()
        try:
            yield
        finally:
            self._free += 1
            self._metrics.upload_ended()

"""A service that a test may kill, and that comes back where it was."""

from contextlib import ExitStack
from pathlib import Path
from unittest.mock import patch

from testing.server import Server, free_port, serving


class Mortal:
    """One port, and a service that listens there while it lives.

    Attributes:
        origin: Where a page finds it.
    """

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._port = free_port()
        self._folder = folder
        self._settings = settings
        self._lives = ExitStack()
        self.origin = f"http://127.0.0.1:{self._port}"
        self.revive()

    def revive(self) -> None:
        """Start it; it is ready when this returns."""
        with patch("testing.server.free_port", return_value=self._port):
            life = serving(self._folder / "log", self._settings)
            self.server: Server = self._lives.enter_context(life)

    def kill(self) -> None:
        """End it at once, as a lack of memory does."""
        self.server.process.kill()
        self.server.process.wait()

    def close(self) -> None:
        """End it for good."""
        self._lives.close()

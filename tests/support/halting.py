"""A stub service whose engines can be halted."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testing.server import STUB, Server, serving


@dataclass(frozen=True)
class HaltingServer:
    """A server whose engines can be halted.

    Attributes:
        server: The running service.
        fault: The file that halts them.
    """

    server: Server
    fault: Path

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Let no inference end before the body does."""
        self.fault.write_text("halt")
        try:
            yield
        finally:
            self.fault.write_text("")


@contextmanager
def serving_with_fault(
    folder: Path, name: str, settings: Mapping[str, str]
) -> Iterator[tuple[Server, Path]]:
    """Run a stub service during the body; yield it, and the file that halts its engines.

    Args:
        folder: Gets its log and that file.
        name: Begins the names of both.
        settings: Its settings.
    """
    fault = folder / f"{name}-fault"
    fault.write_text("")
    with serving(folder / f"{name}-log", {**settings, "FAULT_FILE": str(fault)}, STUB) as server:
        yield server, fault
        fault.write_text("")  # a failed test may have left it halted

"""The counts of a run, and whether it succeeded."""

from collections import Counter
from dataclasses import dataclass, field

from app.catalogue.entries import Entry

MANY_FAILURES = 100
"""A run with more failures, and too large a share of them, ends early."""


@dataclass
class Summary:
    """What became of the tracks of a source so far.

    Attributes:
        total: Number of tracks, with entries that can't be used.
        inferred: Number of tracks that this run decoded and scored.
        shared: Number of tracks whose file is identical to one that was scored before.
        known: Number of tracks that earlier runs finished.
        audio_s: Length of the tracks that this run scored, in seconds.
        seconds: Length of the run.
        failures: Number of failures by status; also of those that are known.
        examples: The first failure of each status: its place, and the detail.
        deferred: Tracks for later, as another process infers an identical file.
        described: The same counts of the descriptors, if they were measured.
    """

    total: int
    inferred: int = 0
    shared: int = 0
    known: int = 0
    audio_s: float = 0.0
    seconds: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)
    examples: dict[str, tuple[str, str]] = field(default_factory=dict)
    deferred: list[Entry] = field(default_factory=list)
    described: "Summary | None" = None

    @property
    def done(self) -> int:
        """Return the number of tracks that are finished, failed ones included."""
        return self.scored + self.failed

    @property
    def failed(self) -> int:
        """Return the number of failures."""
        return self.failures.total()

    @property
    def scored(self) -> int:
        """Return the number of tracks with scores."""
        return self.inferred + self.shared + self.known

    def fail(self, status: str, place: str, detail: str) -> None:
        """Count a failure."""
        self.failures[status] += 1
        self.examples.setdefault(status, (place, detail))

    def add(self, part: "Summary") -> None:
        """Add the counts of a part of the source; the total stays."""
        self.inferred += part.inferred
        self.shared += part.shared
        self.known += part.known
        self.audio_s += part.audio_s
        self.failures += part.failures
        self.examples = part.examples | self.examples
        self.deferred += part.deferred
        if part.described:
            self.described = self.described or Summary(0)
            self.described.add(part.described)

    def find_fault(self, max_failed_share: float) -> str | None:
        """Return why a finished run is no success, or None if it is one."""
        if not self.scored:
            return f"none of {self.total:,} tracks has scores"
        if self.failed > max_failed_share * self.total:
            share = self.failed / self.total
            return (
                f"{share:.1%} of {self.total:,} tracks failed; the limit is {max_failed_share:.1%}"
            )
        return None

    def is_hopeless(self, max_failed_share: float) -> bool:
        """Return whether it is certain before the end that too large a share fails."""
        return self.failed > max(MANY_FAILURES, max_failed_share * self.total)

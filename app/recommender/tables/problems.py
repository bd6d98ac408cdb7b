"""Problems of tables: counted by kind, with examples, so that nothing is dropped silently."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from app.errors import SetupError


class Problem(StrEnum):
    """What is wrong with a row, or with a whole table."""

    INVALID_VALUE = "invalid value"
    UNKNOWN_ARTIST = "unknown artist"
    UNKNOWN_CURATOR = "unknown curator"
    DUPLICATE_ID = "duplicate id"
    DUPLICATE_INTERACTION = "duplicate interaction"
    REPLACED_INTERACTION = "replaced interaction"
    IN_THE_FUTURE = "in the future"
    UNKNOWN_TRACK = "unknown track"
    UNKNOWN_SUBGENRE = "unknown subgenre"
    CONTRADICTORY_TASTE = "contradictory taste"
    NO_TRACKS = "artist without tracks"
    NO_HISTORY = "curator without interactions"
    UNUSED_COLUMN = "unused column"


LEFT_OUT = frozenset(
    {
        Problem.INVALID_VALUE,
        Problem.UNKNOWN_ARTIST,
        Problem.UNKNOWN_CURATOR,
        Problem.DUPLICATE_ID,
        Problem.DUPLICATE_INTERACTION,
        Problem.REPLACED_INTERACTION,
        Problem.IN_THE_FUTURE,
    }
)
"""Problems whose rows are left out; rows with the others are used."""

REPEATED = frozenset({Problem.DUPLICATE_INTERACTION, Problem.REPLACED_INTERACTION})
"""Problems of rows whose information is in another row, so that nothing is lost."""

EXAMPLES = 3
"""The examples that are kept of each kind."""


class InvalidTablesError(SetupError):
    """Too many rows of a table are not valid, or it is empty.

    Attributes:
        problems: All problems that were found.
    """

    def __init__(self, message: str, problems: "Problems") -> None:
        super().__init__(message)
        self.problems = problems


@dataclass(frozen=True)
class Example:
    """A problem: its place, such as `tracks.csv, line 3, column artist_id`, and the detail."""

    place: str
    detail: str


@dataclass(frozen=True)
class Problems:
    """The problems of a platform's tables.

    Attributes:
        rows: The number of rows of each table, those that are left out included.
        lost: The number of rows of each table that are left out, without repeated ones.
        counts: The number of problems of each kind.
        examples: The first of each kind.
        unknown_subgenres: How often each unknown subgenre is mentioned.
    """

    rows: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    counts: Counter[Problem] = field(default_factory=Counter)
    examples: dict[Problem, list[Example]] = field(default_factory=dict)
    unknown_subgenres: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, problem: Problem, place: str, detail: str) -> None:
        """Count a problem."""
        self.counts[problem] += 1
        self.lost[table] += problem in LEFT_OUT - REPEATED
        examples = self.examples.setdefault(problem, [])
        if len(examples) < EXAMPLES:
            examples.append(Example(place, detail))

    def find_fault(self, max_invalid_share: float) -> str | None:
        """Return why a table is not usable, or None if all are.

        Args:
            max_invalid_share: The largest share of a table's rows that may be lost.
        """
        for table, rows in self.rows.items():
            lost = self.lost[table]
            if lost > max_invalid_share * rows:
                problem = next(each for each in self.counts if each in LEFT_OUT - REPEATED)
                first = self.examples[problem][0]
                return (
                    f"{lost:,} of {rows:,} rows of {table} are not valid; the limit is "
                    f"{max_invalid_share:.1%}. Such as {first.place}: {first.detail}"
                )
            if lost == rows:
                return f"the table {table} is empty; it needs a row"
        return None

"""TOML that somebody wrote, checked: what is wrong in it is said with its file and place."""

import tomllib
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ManifestError
from app.paths import shortened


class Table(BaseModel):
    """A table in which nothing may stand that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_LONGEST_REASON = 1_000
"""Characters; a manifest may name a thousand tags wrongly."""

LONGEST_LINE = 2**14
"""Bytes of a line of TOML."""

MOST_POINTS = 256
"""In a line of TOML: a key of many parts takes the square of their number to read."""

AnyTable = TypeVar("AnyTable", bound=Table)


def parsed(data: bytes, where: str) -> dict[str, object]:
    """Read TOML.

    Raises:
        ManifestError: It is none.
    """
    for number, line in enumerate(data.splitlines(), 1):
        if len(line) > LONGEST_LINE or line.count(b".") > MOST_POINTS:
            raise ManifestError(
                f"{where}: line {number} has more than {LONGEST_LINE:,} bytes or {MOST_POINTS} "
                "points; write what it lists in several lines"
            )
    try:
        return tomllib.loads(data.decode())
    # No UTF-8, no TOML, a number of thousands of digits; brackets without end.
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{where}: {error}") from error


def checked(table: type[AnyTable], values: Mapping[str, object], where: str) -> AnyTable:
    """Make a table of what somebody wrote.

    Raises:
        ManifestError: Something in it is wrong; it says where.
    """
    try:
        return table.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")  # pydantic's name for our own words
        words = shortened(": ".join(filter(None, (place, said))), _LONGEST_REASON)
        raise ManifestError(": ".join(filter(None, (where, words)))) from error
    except (OverflowError, RecursionError) as error:
        raise ManifestError(
            f"{where}: a number in it is larger, or it nests deeper, than is meant"
        ) from error

"""Parses and validates TOML; errors name the file and the key."""

import tomllib
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ManifestError
from app.paths import shortened


class Table(BaseModel):
    """A table without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_LONGEST_REASON = 1_000
"""Characters of a message; a manifest may have a thousand wrong tags."""

LONGEST_LINE = 2**14
"""Longest line of TOML, in bytes."""

MAX_POINTS = 256
"""Most points in a line of TOML: parsing a dotted key takes quadratic time in its parts."""

AnyTable = TypeVar("AnyTable", bound=Table)


def parse_toml(data: bytes, where: str) -> dict[str, object]:
    """Parse TOML.

    Args:
        data: The content of a file.
        where: The file, as messages name it.

    Raises:
        ManifestError: It is not valid TOML.
    """
    for number, line in enumerate(data.splitlines(), 1):
        if len(line) > LONGEST_LINE or line.count(b".") > MAX_POINTS:
            raise ManifestError(
                f"{where}: line {number} has more than {LONGEST_LINE:,} bytes or {MAX_POINTS} "
                "points; break it into several lines"
            )
    try:
        return tomllib.loads(data.decode())
    # Invalid UTF-8 or TOML, a number of thousands of digits; endlessly nested brackets.
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"{where}: {error}") from error


def validate(table: type[AnyTable], values: Mapping[str, object], where: str) -> AnyTable:
    """Validate values as a table.

    Args:
        table: The class of the table.
        values: Parsed TOML.
        where: The file, as messages name it.

    Raises:
        ManifestError: A value is not valid; the message names its key.
    """
    try:
        return table.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")  # pydantic's prefix of our messages
        message = shortened(": ".join(filter(None, (place, reason))), _LONGEST_REASON)
        raise ManifestError(": ".join(filter(None, (where, message)))) from error
    except (OverflowError, RecursionError) as error:
        raise ManifestError(
            f"{where}: a number is too large, or values are nested too deeply"
        ) from error

"""TOML that somebody wrote, checked: what is wrong in it is said with its file and place."""

import tomllib
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from app.errors import ManifestError


class Table(BaseModel):
    """A table in which nothing may stand that is not known."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


AnyTable = TypeVar("AnyTable", bound=Table)


def parsed(data: bytes, where: str) -> dict[str, object]:
    """Read TOML.

    Raises:
        ManifestError: It is none.
    """
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
        raise ManifestError(": ".join(filter(None, (where, place, said)))) from error
    except OverflowError as error:
        raise ManifestError(f"{where}: a number in it is larger than any that is meant") from error

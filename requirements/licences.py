"""Prints the licence of each package that Taggram installs; one that is not allowed fails.

Licences are SPDX expressions. They come from the metadata of the installed packages, or from
`licences.toml`, which also says what is allowed and why some packages are, that are under another
licence.
"""

import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

from license_expression import (
    ExpressionError,
    LicenseExpression,
    get_spdx_licensing,
)
from locks import LOCKS, Locked, read_lock

CHECKED = ("cpu", "train", "ray")
"""The locks of what users install. Programs of developers are not passed on."""

NEVER = 'sys_platform == "never"'
"""The marker of packages that are installed nowhere."""

SPDX = get_spdx_licensing()


@dataclass(frozen=True)
class Exempt:
    """An exception for one package.

    Attributes:
        licences: The licences that it may have beside the allowed ones.
        reason: Why it is used nevertheless.
    """

    licences: list[str]
    reason: str


NO_EXCEPTION = Exempt([], "")


@dataclass(frozen=True)
class Rules:
    """The content of `licences.toml`.

    Attributes:
        allowed: Licences that need no reason.
        stated: The licence of packages whose metadata name none as an SPDX expression.
        bundled: The licences of libraries of other projects in a package's wheel.
        exceptions: By package, further licences that it may have, and why.
    """

    allowed: frozenset[str]
    stated: dict[str, str]
    bundled: dict[str, str]
    exceptions: dict[str, "Exempt"]


def main() -> None:
    """Print the licences; end with status 1 if one is unknown, or not allowed."""
    rules = read_rules()
    problems = []
    for package in list_packages():
        try:
            licence = get_licence(package.name, rules)
        except ValueError as error:
            problems.append(str(error))
            continue
        exempt = rules.exceptions.get(package.name, NO_EXCEPTION)
        print(
            f"{package.name} {package.version}: {licence}", exempt.reason and f"({exempt.reason})"
        )
        if not is_allowed(licence, rules.allowed.union(exempt.licences)):
            problems.append(
                f"{package.name}: {licence} is not among the allowed licences; replace the "
                "package, or give the reason to use it in requirements/licences.toml"
            )
    print(*problems, sep="\n", file=sys.stderr)
    sys.exit(1 if problems else 0)


@cache
def read_rules() -> Rules:
    """Read `licences.toml`."""
    tables = tomllib.loads((LOCKS / "licences.toml").read_text())
    return Rules(
        allowed=frozenset(tables["allowed"]),
        stated=tables["stated"],
        bundled=tables["bundled"],
        exceptions={name: Exempt(**table) for name, table in tables["exceptions"].items()},
    )


def list_packages() -> list[Locked]:
    """Return the packages of all checked locks, each once, by name."""
    packages = {
        package.name: package
        for lock in reversed(CHECKED)
        for package in read_lock(lock)
        if str(package.requirement.marker) != NEVER
    }
    return [packages[name] for name in sorted(packages)]


def get_licence(name: str, rules: Rules) -> LicenseExpression:
    """Return the licence of a package, with those of the libraries in its wheel.

    Raises:
        ValueError: The package states no SPDX expression, and neither does `licences.toml`.
    """
    stated = rules.stated.get(name) or _read_metadata(name)
    try:
        own = SPDX.parse(stated, validate=True)
    except ExpressionError:
        own = None
    if own is None:
        raise ValueError(
            f"{name}: its metadata names no SPDX licence ({stated[:40]!r}); add it to "
            "requirements/licences.toml, under [stated]"
        )
    bundled = SPDX.parse(rules.bundled.get(name, ""), validate=True)
    return own if bundled is None else SPDX.AND(own, bundled).flatten()


def is_allowed(licence: LicenseExpression, allowed: frozenset[str]) -> bool:
    """Return whether a licence is allowed: of alternatives one, of several parts all."""
    if isinstance(licence, SPDX.OR):
        return any(is_allowed(part, allowed) for part in licence.args)
    if isinstance(licence, SPDX.AND):
        return all(is_allowed(part, allowed) for part in licence.args)
    return str(licence) in allowed


def _read_metadata(name: str) -> str:
    """Return the licence field of an installed package; nothing if it is not installed here."""
    try:
        fields = metadata(name).json
    except PackageNotFoundError:
        return ""
    return str(fields.get("license_expression") or fields.get("license") or "")


if __name__ == "__main__":
    main()

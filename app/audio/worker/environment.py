"""Selects the environment variables that decode processes get: those without secrets."""

import re
from collections.abc import Mapping

KEPT = re.compile(r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|LD_LIBRARY_PATH|PYTHON[A-Z0-9_]*")
"""The variables that Python and its libraries need to start. Python finds a virtual environment by
its own path, not by `VIRTUAL_ENV`."""


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that decode processes get."""
    return {name: value for name, value in environment.items() if KEPT.fullmatch(name)}

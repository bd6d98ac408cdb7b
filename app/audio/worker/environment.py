"""What decode processes get of the service's environment, which holds secrets."""

import re
from collections.abc import Mapping

KEPT = re.compile(r"PATH|LANG|LANGUAGE|LC_[A-Z]+|TMPDIR|LD_LIBRARY_PATH|PYTHON[A-Z0-9_]*")
"""What Python and its libraries need to be found and to start. A virtual environment is known by
where its Python lies, not by `VIRTUAL_ENV`."""


def kept(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that holds no secrets."""
    return {name: value for name, value in environment.items() if KEPT.fullmatch(name)}

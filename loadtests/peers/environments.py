"""The peers' environments, below `.cache/peers`: their requirements conflict with Taggram's."""

import subprocess
import sys
from pathlib import Path

from loadtests.report import REPOSITORY

PEERS = REPOSITORY / ".cache" / "peers"
PYTHONS = ">=3.11,<3.13"
"""Those for which all of the peers' dependencies have wheels."""

SHOWN_CHARACTERS = 400
"""The last characters of a failing command's output are shown."""

UV = Path(sys.executable).parent / "uv"


class CannotRunError(Exception):
    """A contender cannot run on this machine; the message has the reason."""


def environment(name: str) -> Path:
    """Create the environment of a peer unless it matches its lock; return its Python.

    Raises:
        CannotRunError: It cannot be created.
    """
    folder, lock = PEERS / name, REPOSITORY / "requirements" / f"peer-{name}.lock"
    python, made_from = folder / "bin" / "python", folder / "made-from.lock"
    if not made_from.is_file() or made_from.read_bytes() != lock.read_bytes():
        uv = (str(UV), "--quiet")
        run(*uv, "venv", "--clear", "--python", PYTHONS, str(folder))
        install = (*uv, "pip", "install", "--no-deps", "--require-hashes", "--compile-bytecode")
        run(*install, "--python", str(python), "--requirement", str(lock))
        made_from.write_bytes(lock.read_bytes())
    return python


def frozen_graph() -> Path:
    """The published network of musicnn as essentia reads it.

    Raises:
        CannotRunError: It cannot be created.
    """
    python = environment("musicnn")
    graph = PEERS / "musicnn" / "msd-musicnn.pb"  # deleted when the environment is created again
    if not graph.is_file():
        run("env", "TF_USE_LEGACY_KERAS=1", str(python), "-m", "loadtests.peers.freeze", str(graph))
    return graph


def run(*command: str) -> None:
    """Run a command in the repository.

    Raises:
        CannotRunError: It failed.
    """
    try:
        result = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise CannotRunError(str(error)) from error
    if result.returncode != 0:
        raise CannotRunError(" ".join(result.stderr.split())[-SHOWN_CHARACTERS:])


def last_line(text: str) -> str:
    """Return the last line of a traceback or a log, which has the error."""
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"

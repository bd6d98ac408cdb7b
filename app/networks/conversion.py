"""Runs the conversion of a network's file in a process with limits; see `app.networks.convert`."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from pydantic import TypeAdapter

from app.errors import SetupError
from app.networks.ir import GRAPH, WEIGHTS, NetworkFiles
from app.networks.request import ANSWER, Failure, NetworkReport, NetworkRequest

log = logging.getLogger(__name__)

TIMEOUT_S = 600

_ANSWER: TypeAdapter[NetworkReport | Failure] = TypeAdapter(NetworkReport | Failure)


def convert(request: NetworkRequest) -> tuple[NetworkFiles, NetworkReport]:
    """Convert a network's file to the canonical form of networks.

    Raises:
        SetupError: It can't be read or used as requested, or reading it crashes.
    """
    with tempfile.TemporaryDirectory() as folder:
        _run(request, folder)
        answer = _ANSWER.validate_json(Path(folder, ANSWER).read_bytes())
        if isinstance(answer, Failure):
            raise SetupError(f"{request.file}: {answer.failure}")
        files = NetworkFiles(*(Path(folder, name).read_bytes() for name in (GRAPH, WEIGHTS)))
    return files, answer


def _run(request: NetworkRequest, folder: str) -> None:
    request = request.model_copy(update={"file": request.file.absolute()})
    path = os.pathsep.join(filter(None, sys.path))
    try:
        done = subprocess.run(  # noqa: S603 - a program of ours
            [sys.executable, "-m", "app.networks.convert", folder],
            input=request.model_dump_json().encode(),
            capture_output=True,
            env={"PYTHONPATH": path, "PATH": os.defpath},  # without secrets
            cwd=folder,
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SetupError(
            f"{request.file}: reading it took more than {TIMEOUT_S} s; nothing is imported"
        ) from error
    if done.returncode or not Path(folder, ANSWER).is_file():
        log.debug("the conversion's output: %s", done.stderr.decode(errors="replace"))
        raise SetupError(
            f"{request.file}: reading it crashed ({_how(done.returncode)}); the file is damaged, "
            "hostile, or too large for this machine; nothing is imported"
        )


def _how(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit status {code}"

"""Converts a network's file; runs in a process of its own, as the file may be hostile.

request (JSON, stdin) --> network.xml, network.bin in the folder of the argument,
                          and a report or a failure (JSON, stdout)
"""

import resource
import sys
from pathlib import Path

import numpy as np
import openvino

from app.errors import SetupError
from app.networks.canonical import to_canonical
from app.networks.formats import check_format
from app.networks.ir import GRAPH, LARGEST_NETWORK, WEIGHTS
from app.networks.request import Failure, NetworkReport, NetworkRequest

MEMORY_BYTES = 12 * 2**30
CPU_S = 600


def main() -> None:
    """Answer one request."""
    _limit()
    request = NetworkRequest.model_validate_json(sys.stdin.read())
    answer: NetworkReport | Failure
    try:
        answer = _convert(request, Path(sys.argv[1]))
    except SetupError as error:
        answer = Failure(failure=str(error))
    except MemoryError:
        answer = Failure(failure="the network needs more memory than a conversion may use")
    except (RuntimeError, ValueError, OSError) as error:
        answer = Failure(failure=f"OpenVINO can't read it: {_reason(error)}")
    sys.stdout.write(answer.model_dump_json())


def _convert(request: NetworkRequest, folder: Path) -> NetworkReport:
    check_format(request.file)
    network = openvino.Core().read_model(request.file)
    canonical, report = to_canonical(network, request)
    _try_out(canonical, report)
    openvino.serialize(canonical, folder / GRAPH, folder / WEIGHTS)
    return report


def _try_out(network: openvino.Model, report: NetworkReport) -> None:
    """Run it once: what crashes does so here, and shapes that can't be resolved show."""
    compiled = openvino.compile_model(network, "CPU")
    compiled(np.zeros((report.batch or 1, *report.window), np.float32))


def _limit() -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_NETWORK),
    ):
        resource.setrlimit(kind, (limit, limit))


def _reason(error: Exception) -> str:
    """Return the last line that says something: the first ones are places in OpenVINO's source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    useful = [line for line in lines if not line.startswith(("Check '", "Exception from", "src/"))]
    return (useful or lines or [type(error).__name__])[-1][:500]


if __name__ == "__main__":
    main()

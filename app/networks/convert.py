"""Converts a network's file; runs in a process of its own, as the file may be hostile.

request (JSON, stdin) --> network.xml, network.bin and answer.json, with a report or a failure,
                          in the folder of the argument
"""

import resource
import sys
from pathlib import Path

import openvino

from app.errors import SetupError
from app.networks.batches import check_batches
from app.networks.canonical import to_canonical
from app.networks.formats import Format, find_format
from app.networks.ir import GRAPH, LARGEST_NETWORK, WEIGHTS
from app.networks.onnx_files import external_names
from app.networks.reading import read_network_file, reason
from app.networks.request import ANSWER, Failure, NetworkReport, NetworkRequest

MEMORY_BYTES = 12 * 2**30
CPU_S = 600


def main() -> None:
    """Answer one request."""
    _limit()
    request, folder = NetworkRequest.model_validate_json(sys.stdin.read()), Path(sys.argv[1])
    answer: NetworkReport | Failure
    try:
        answer = convert_file(request, folder)
    except SetupError as error:
        answer = Failure(failure=str(error))
    except MemoryError:
        answer = Failure(failure="the network needs more memory than a conversion may use")
    except (RuntimeError, ValueError, OSError) as error:
        answer = Failure(failure=f"OpenVINO can't run it: {reason(error)}")
    (folder / ANSWER).write_text(answer.model_dump_json())


def convert_file(request: NetworkRequest, folder: Path) -> NetworkReport:
    """Convert a network's file to the canonical form, in a folder, and return its description.

    Raises:
        SetupError: It can't be read or used as requested.
    """
    canonical, report = to_canonical(read_network_file(request.file), request)
    check_batches(canonical, report)
    openvino.serialize(canonical, folder / GRAPH, folder / WEIGHTS)
    if find_format(request.file) is Format.ONNX:
        return report.model_copy(update={"external": external_names(request.file)})
    return report


def _limit() -> None:
    for kind, limit in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, LARGEST_NETWORK),
    ):
        _, hard = resource.getrlimit(kind)
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


if __name__ == "__main__":
    main()

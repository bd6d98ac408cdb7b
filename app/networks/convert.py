"""Converts a network's file; runs in a process of its own, as the file may be hostile.

request (JSON, stdin) --> network.xml, network.bin and answer.json, with a report or a failure,
                          in the folder of the argument
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
from app.networks.request import ANSWER, Failure, NetworkReport, NetworkRequest

MEMORY_BYTES = 12 * 2**30
CPU_S = 600

TRIED_WINDOWS = 3
"""Batch size of the first inference of networks that take any."""

TOLERANCE = 1e-3
"""How much an output may change with the other windows of its batch, relative and absolute."""


def main() -> None:
    """Answer one request."""
    _limit()
    request, folder = NetworkRequest.model_validate_json(sys.stdin.read()), Path(sys.argv[1])
    answer: NetworkReport | Failure
    try:
        answer = _convert(request, folder)
    except SetupError as error:
        answer = Failure(failure=str(error))
    except MemoryError:
        answer = Failure(failure="the network needs more memory than a conversion may use")
    except (RuntimeError, ValueError, OSError) as error:
        answer = Failure(failure=f"OpenVINO can't read it: {_reason(error)}")
    (folder / ANSWER).write_text(answer.model_dump_json())


def _convert(request: NetworkRequest, folder: Path) -> NetworkReport:
    check_format(request.file)
    network = openvino.Core().read_model(request.file)
    canonical, report = to_canonical(network, request)
    _try_out(canonical, report)
    openvino.serialize(canonical, folder / GRAPH, folder / WEIGHTS)
    return report


def _try_out(network: openvino.Model, report: NetworkReport) -> None:
    """Run it: what crashes does so here, and shapes that can't be resolved show."""
    precision = {openvino.properties.hint.inference_precision: openvino.Type.f32}
    compiled = openvino.compile_model(network, "CPU", precision)
    batch = report.batch or TRIED_WINDOWS
    windows = np.random.RandomState(0).standard_normal((batch, *report.window)).astype(np.float32)
    try:
        together = compiled(windows)[0].copy()
    except RuntimeError as error:
        raise SetupError(
            f"the network can't compute a batch of {batch} windows, although it does not state "
            f"another size: {_reason(error)}; export it with a fixed or a dynamic batch size"
        ) from error
    if len(together) != batch:
        raise SetupError(
            f"the network has {len(together)} rows of outputs for {batch} windows; expected one "
            "row a window"
        )
    windows[1:] = 0
    alone = compiled(windows)[0][0]
    if not np.allclose(together[0], alone, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        raise SetupError(
            "the outputs for a window change with the other windows of its batch; export the "
            "network for inference, not for training, and without dynamic quantisation"
        )


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


def _reason(error: Exception) -> str:
    """Return the last line that says something: the first ones are places in OpenVINO's source."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if not line.startswith(("Check '", "Exception from", "src/"))]
    return (told or lines or [type(error).__name__])[-1][:500]


if __name__ == "__main__":
    main()

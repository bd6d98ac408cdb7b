"""Checks that a network gives each window of a batch outputs of its own."""

import numpy as np
import openvino

from app.errors import SetupError
from app.networks.core import core
from app.networks.reading import reason
from app.networks.request import NetworkReport

TRIED_WINDOWS = 3
"""Batch size for networks that take any."""

TOLERANCE = 1e-3
"""How much an output may change with the other windows of its batch, relative and absolute."""


def check_batches(network: openvino.Model, report: NetworkReport) -> None:
    """Run a network: what crashes does so here, and shapes that can't be resolved show.

    Args:
        network: In the canonical form.
        report: Its description.

    Raises:
        SetupError: It can't compute a batch, or windows of a batch depend on each other.
    """
    precision = {openvino.properties.hint.inference_precision: openvino.Type.f32}
    compiled = core().compile_model(network, "CPU", precision)
    batch = report.batch or TRIED_WINDOWS
    windows = np.random.RandomState(0).standard_normal((batch, *report.window)).astype(np.float32)
    try:
        together = compiled(windows)[0].copy()
    except RuntimeError as error:
        raise SetupError(
            f"the network can't compute a batch of {batch} windows, although it does not state "
            f"another size: {reason(error)}; export it with a fixed or a dynamic batch size"
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

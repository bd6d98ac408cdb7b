"""Makes heads: networks of one dense layer on an embedding."""

import numpy as np
import numpy.typing as npt
import openvino
from openvino import opset13 as ops

from app.networks.ir import NetworkFiles
from app.networks.running import to_files


def make_head(kernel: npt.NDArray[np.float32], bias: npt.NDArray[np.float32]) -> NetworkFiles:
    """Return a head in the canonical form of networks: a dense layer with a sigmoid.

    Args:
        kernel: (embedding, tags).
        bias: (tags,).
    """
    embeddings = ops.parameter([-1, len(kernel)], np.float32, name="windows")
    logits = ops.matmul(embeddings, ops.constant(kernel), transpose_a=False, transpose_b=False)
    scores = ops.sigmoid(ops.add(logits, ops.constant(bias[np.newaxis])))
    return to_files(openvino.Model([ops.result(scores)], [embeddings], "head"))

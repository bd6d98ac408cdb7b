"""Write musicnn's published network as a frozen graph, which essentia reads.

`python -m loadtests.peers.freeze FILE`, in the environment of `loadtests.peers.musicnn`.
"""

import sys
from pathlib import Path

from tensorflow.compat.v1.graph_util import convert_variables_to_constants

from loadtests.peers.musicnn import network


def main() -> None:
    """Write the file, whole or not at all."""
    file = Path(sys.argv[1])
    session, _, scores = network()
    frozen = convert_variables_to_constants(session, session.graph.as_graph_def(), [scores.op.name])
    partial = file.with_suffix(".partial")
    partial.write_bytes(frozen.SerializeToString())
    partial.replace(file)


if __name__ == "__main__":
    main()

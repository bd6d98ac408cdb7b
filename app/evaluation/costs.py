"""The measured cost of each architecture, which `make bench-zoo` writes to `costs.json`."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from app.files import write_atomically

COSTS = Path(__file__).parent / "costs.json"


@dataclass(frozen=True)
class Cost:
    """What an architecture costs, with 50 tags and random weights.

    Attributes:
        parameters: The number of trainable parameters.
        gflop_a_minute: The network's arithmetic for a minute of audio, adjacent windows.
        audio_s_a_s: Seconds of audio scored a second in float32, by engine.
    """

    parameters: int
    gflop_a_minute: float
    audio_s_a_s: Mapping[str, int]


@dataclass(frozen=True)
class Costs:
    """The costs of all architectures, and the machine on which speed was measured.

    With other mel bands than published, the name of an architecture is that of `Result.cost`.
    """

    machine: str
    architectures: Mapping[str, Cost]


def read_costs(path: Path = COSTS) -> Costs:
    """Return the costs that were measured last."""
    values = json.loads(path.read_text(encoding="utf-8"))
    costs = {name: Cost(**cost) for name, cost in values["architectures"].items()}
    return Costs(values["machine"], costs)


def write_costs(costs: Costs, path: Path = COSTS) -> None:
    """Write costs, a line for each architecture.

    Raises:
        SetupError: They can't be written.
    """
    rows = (
        f"  {json.dumps(name)}: {json.dumps(asdict(cost))}"
        for name, cost in costs.architectures.items()
    )
    text = (
        f'{{\n "machine": {json.dumps(costs.machine)},\n "architectures": {{\n'
        + ",\n".join(rows)
        + "\n }\n}\n"
    )
    write_atomically(path, text.encode())

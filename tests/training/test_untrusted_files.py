"""Runs that came from elsewhere: no name and no link in them reaches a file outside."""

import json
from pathlib import Path

import pytest
from safetensors.numpy import save

from app.errors import SetupError
from app.training.loop.checkpoint import read_schedule_state
from app.training.run.recipe_run import phase_folder


@pytest.mark.parametrize("link", ["phases", "phases/one"])
def test_no_weights_of_a_run_are_deleted_through_a_link(
    link: str, precious: Path, received: Path
) -> None:
    (received / link).parent.mkdir(exist_ok=True)
    (received / link).symlink_to(precious.parent)
    with pytest.raises(SetupError, match="a link leads out of"):
        phase_folder(received, "one")


@pytest.mark.parametrize("best", ["../../x", 1.5, None, [1]])
def test_a_checkpoint_of_a_run_names_no_file(best: object, received: Path) -> None:
    schedule_state = json.dumps({"learning_rate": 0.1, "best_loss": 1.0, "best_epoch": best})
    data = save({}, {"standing": schedule_state, "rows": "[]"})
    (received / "state.safetensors").write_bytes(data)
    with pytest.raises(SetupError, match="damaged"):
        read_schedule_state(received / "state.safetensors")

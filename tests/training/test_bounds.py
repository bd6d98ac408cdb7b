"""Recipes with absurd numbers are refused."""

from pathlib import Path

import pytest

from app.errors import SetupError
from app.training.loop.networks import build
from app.training.recipe.schema import Phase, read_recipe
from tests.test_yaml_files import RECIPE


@pytest.mark.parametrize(
    "line",
    [
        "batch_size: 99999999",
        "batch_size: 0x" + "f" * 60,
        "projection: 1000000",
        "batch_size: 1e400",
    ],
)
def test_a_recipe_with_absurd_numbers_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(f"{RECIPE}    {line}\n")
    with pytest.raises(SetupError, match=rf"own\.yaml: phases\.0\.{line.partition(':')[0]}: "):
        read_recipe(str(tmp_path / "own.yaml"))


def test_a_phase_with_a_network_of_absurd_size_is_refused() -> None:
    phase = Phase(name="one", architecture="musicnn", arguments={"mid_channels": 60_000})
    with pytest.raises(SetupError, match="phase 'one': arguments: the network has"):
        build(phase, 3)

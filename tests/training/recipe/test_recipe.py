"""Recipes are read completely, or refused with the mistake."""

from pathlib import Path

import pytest
import yaml

from app.errors import SetupError
from app.training.recipe.schema import read_recipe, recipe_names
from tests.support.toy import toy_phase


@pytest.mark.parametrize("name", recipe_names())
def test_shipped_recipes_can_be_read(name: str) -> None:
    assert read_recipe(name).name == name


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 3}, "epochs"),
        ({"architecture": "vggish"}, "the architecture 'vggish' does not exist"),
        ({"learns": "contrast"}, "needs an augmentation"),
        ({"teacher": "nobody"}, "refers to 'nobody'"),
        ({"augmentation": {"wobble": 1}}, "wobble"),
    ],
)
def test_an_invalid_recipe_is_refused_with_file_and_field(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    values = {"name": "own", "summary": "", "source": "", "phases": [toy_phase(**change)]}
    path.write_text(yaml.safe_dump(values))
    with pytest.raises(SetupError) as refused:
        read_recipe(str(path))
    assert message in str(refused.value)
    assert str(path) in str(refused.value)


def test_an_unknown_recipe_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match="clmr, ensemble, fine-tune, multi-level-multi-scale"):
        read_recipe("nothing")

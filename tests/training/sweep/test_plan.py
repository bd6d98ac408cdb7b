"""The file of a sweep becomes recipes, or is refused with the mistake."""

from pathlib import Path

import pytest

from app.errors import SetupError
from app.training.recipe.schema import Recipe, read_recipe
from app.training.sweep.plan import Candidate, combine, read_sweep, shorten
from tests.support.toy import toy_phase, toy_recipe

FRONT_ENDS = """
[front_ends.mel-96]
sample_rate = 16000
[front_ends.mel-96.spectrum]
n_fft = [512]
hop = 256
bands = { n_mels = 96, f_min = 0.0, f_max = 8000.0 }
log = { floor = 1e-10 }

[front_ends.linear]
sample_rate = 16000
[front_ends.linear.spectrum]
n_fft = [512]
hop = 256
"""


def combined(tmp_path: Path, text: str, recipe: Recipe | None = None) -> list[Candidate]:
    """Return the combinations of a sweep with this text."""
    path = tmp_path / "sweep.toml"
    path.write_text(text)
    return combine(read_sweep(path), recipe or toy_recipe(), str(path))


def test_all_combinations_of_front_ends_and_choices_are_made(tmp_path: Path) -> None:
    text = f"""
    [choices]
    "stages.learning_rate" = [0.1, 0.01]
    "arguments.conv_dropout" = [0.0]
    batch_size = [8, 16, 32]
    {FRONT_ENDS}"""
    found = combined(tmp_path, text)
    assert len(found) == 2 * 2 * 1 * 3
    assert [each.number for each in found] == list(range(1, 13))
    first, last = found[0].recipe.phases[0], found[-1].recipe.phases[0]
    assert found[0].title == (
        "front_end mel-96, stages.learning_rate 0.1, arguments.conv_dropout 0.0, batch_size 8"
    )
    assert first.front_end.spectrum.bands.n_mels == 96
    assert last.front_end.spectrum.bands is None
    assert (first.stages[0].learning_rate, last.stages[0].learning_rate) == (0.1, 0.01)
    assert (first.batch_size, last.batch_size) == (8, 32)
    assert first.arguments["conv_dropout"] == 0.0
    assert first.arguments["hidden_units"] == 16  # as in the recipe


def test_a_rate_is_that_of_all_stages_and_augmentation_can_be_left_out(tmp_path: Path) -> None:
    text = """
    [choices]
    "stages.learning_rate" = [0.5]
    augmentation = [false, {}, { pitch = 0.0 }]
    "loss.class_weights" = [true]
    """
    without, with_all, with_less = (
        each.recipe.phases[0] for each in combined(tmp_path, text, read_recipe("zoo"))
    )
    assert {stage.learning_rate for stage in without.stages} == {0.5}
    assert without.augmentation is None
    assert with_all.augmentation.pitch == 0.4
    assert with_less.augmentation.pitch == 0.0
    assert without.loss.class_weights


def test_epochs_are_limited_for_trials_only(tmp_path: Path) -> None:
    (one,) = combined(tmp_path, "epochs = 2")
    assert one.title == "as is"
    assert one.recipe.phases[0].stages[0].epochs == 3
    assert shorten(one.recipe, 2).phases[0].stages[0].epochs == 2
    assert shorten(one.recipe, None) == one.recipe


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[choices]\nwindow_x = [1]", "choices: window_x"),
        ('[choices]\n"stages.rate" = [1]', "choices: stages.0.rate"),
        ("[choices]\nbatch_size = [0]", "choices: batch_size"),
        ("[choices]\nbatch_size = []", "choices.batch_size"),
        ('[choices]\narchitecture = ["vggish"]', "'vggish' does not exist"),
        ("[choices]\nfront_end = [1]", "write front ends as tables"),
        ("[choices]\nbatch_size = 16", "choices.batch_size"),
        ('search = "random"', "search"),
        ("keep = 1", "keep"),
        ("[front_ends.a]\nsample_rate = 0", "front_ends.a"),
        ("[choices", "sweep.toml: "),
        (f"[choices]\nbatch_size = {list(range(1, 1002))}", "1,001 combinations"),
    ],
)
def test_an_invalid_sweep_is_refused_with_file_and_key(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SetupError) as refused:
        combined(tmp_path, text)
    assert message in str(refused.value)
    assert "sweep.toml" in str(refused.value)


def test_a_sweep_needs_a_recipe_of_one_phase_and_a_file(tmp_path: Path) -> None:
    both = toy_recipe([toy_phase(name="one"), toy_phase(name="two")])
    with pytest.raises(SetupError, match="has several phases"):
        combined(tmp_path, "", both)
    with pytest.raises(SetupError, match="can't be read"):
        read_sweep(tmp_path / "none.toml")

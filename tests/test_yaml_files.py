"""Recipes, vocabularies and other YAML that came from elsewhere are refused in a line, at once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.datasets.tasks import read_correspondences
from app.errors import SetupError
from app.tagging.vocabulary_file import read_vocabulary
from app.training.recipe.configuration import read_configuration
from app.training.recipe.schema import read_recipe

RECIPE = """name: own
summary: Ours.
source: Made up.
phases:
  - name: one
    architecture: fcn
"""


def doubled(first: str, wrapped: str) -> str:
    """Aliases that stand for twice as much each."""
    lines = (f"l{n}: &l{n} {wrapped.replace('*', f'*l{n - 1}')}" for n in range(1, 30))
    return "\n".join([f"l0: &l0 {first}", *lines])


WRONG_YAML = {
    "aliases that explode": RECIPE + doubled("[a, b]", "[*, *]"),
    "merges that explode": RECIPE + doubled("{a: 1}", "{<<: [*, *]}"),
    "an alias in itself": RECIPE + "more: &more [*more]",
    "nesting without end": RECIPE + "more: " + "[" * 5_000,
    "nesting to the end": RECIPE + "more: " + "{a: " * 1_000 + "}" * 1_000,
    "a number without end": RECIPE + "more: " + "9" * 100_000,
    "a number of base 60": RECIPE + "more: 1" + ":1" * 100_000,
    "a date that is none": RECIPE + "more: 2026-13-45",
    "a truth that is none": RECIPE + "more: !!bool maybe",
    "a time that is none": RECIPE + "more: !!timestamp maybe",
    "a key twice": RECIPE + "name: other",
    "a file without end": RECIPE + "# more\n" * 100_000,
    "code": RECIPE + "more: !!python/object/apply:os.system [true]",
    "a NUL": RECIPE + "more: \0",
    "no mapping": "[a, b]",
    "nothing": "",
}


@pytest.mark.parametrize("read", [read_recipe, read_correspondences, read_configuration])
@pytest.mark.parametrize("what", WRONG_YAML)
def test_oversized_yaml_is_refused(
    what: str, read: Callable[[Path | str], object], tmp_path: Path
) -> None:
    (tmp_path / "run.yaml").write_text(WRONG_YAML[what])
    given = tmp_path if read is read_configuration else tmp_path / "run.yaml"

    with pytest.raises(SetupError, match=f"^{tmp_path / 'run.yaml'}:") as error:
        read(str(given) if read is read_recipe else given)

    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1_000


def test_small_yaml_aliases_are_read(tmp_path: Path) -> None:
    stage = "{optimizer: adam, learning_rate: 0.1, epochs: 1}"
    text = (
        RECIPE
        + f"    stages: &stages [&stage {stage}, *stage]\n"
        + "  - {name: two, architecture: fcn, stages: *stages}\n"
    )
    (tmp_path / "own.yaml").write_text(text)
    assert [len(each.stages) for each in read_recipe(str(tmp_path / "own.yaml")).phases] == [2, 2]


def test_a_vocabulary_whose_aliases_multiply_is_refused(tmp_path: Path) -> None:
    raw = "[" + ",".join(f"r{number}" for number in range(2_000)) + "]"
    families = "{" + f"f0: &raw {raw}," + ",".join(f"f{n}: *raw" for n in range(1, 1_000)) + "}"
    tags = f"  t0: &families {families}\n" + "".join(
        f"  t{n}: *families\n" for n in range(1, 1_000)
    )
    path = tmp_path / "own.yaml"
    path.write_text(f"name: own\nversion: '1'\ndescription: Ours.\ntags:\n{''.join(tags)}")
    with pytest.raises(SetupError, match=f"^{path}:.*has more than"):
        read_vocabulary(path, {f"f{number}": {"r0"} for number in range(1_000)})

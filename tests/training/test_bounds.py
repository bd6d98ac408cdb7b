"""Recipes, vocabularies and tables that came from elsewhere are refused by a line, at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.datasets import tables
from app.datasets.audio.library import read_checksums
from app.datasets.loaders import folder
from app.datasets.tables import read_split
from app.datasets.word_mapping import read_correspondences
from app.errors import SetupError
from app.tagging.vocabulary_file import read_vocabulary
from app.training.loop.networks import build
from app.training.recipe.configuration import read_configuration
from app.training.recipe.schema import Phase, read_recipe
from tests.training.commands import refused

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


@pytest.mark.parametrize("read", [folder.load, read_checksums, read_split])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_is_refused_as_a_table(
    make: Callable[[Path], None], read: Callable[[Path], object], tmp_path: Path
) -> None:
    make(tmp_path / "own.csv")
    with pytest.raises(SetupError, match=r"own\.csv: can't be read: it is a pipe"):
        read(tmp_path / "own.csv")


@pytest.mark.parametrize("read", [folder.load, read_checksums])
def test_an_endless_line_is_not_read(read: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text("path,tags\n")
    os.truncate(path, 2**40)  # of holes
    with pytest.raises(SetupError, match=r"own\.csv: can't be read: line 2 is longer than"):
        read(path)


LONG = "a" * 5_000


@pytest.mark.parametrize(
    "command",
    [
        ("data", "describe", "folder", LONG),
        ("data", "fetch", LONG, "--from", "a=b", "--to", "c"),
        ("data", "split", LONG, "out.parquet"),
        ("teach", LONG, "--name", "own"),
        ("train", LONG, "--audio-store", "a", "--to", "b"),
        ("train", "a", "--audio-store", "a", "--to", "b", "--recipe", LONG),
        ("evaluate", LONG, "--split", LONG, "--audio-store", "a", "--out", "b"),
        ("models", "list", "--store", LONG),
        ("feedback", "export", f"{LONG}.csv", "--file", "a"),
        ("feedback", "acceptance", "--file", LONG),
    ],
)
def test_too_long_a_path_is_refused_in_one_line(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (line,) = filter(None, refused(*command).splitlines())
    assert line.startswith("taggram: ")


def test_a_table_that_unpacks_to_very_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"track_id": ["x" * 10_000] * 2_000}), bomb)
    monkeypatch.setattr(tables, "LARGEST_TABLE", 10_000_000)

    with pytest.raises(SetupError, match="it unpacks to more than 10,000,000 bytes"):
        read_split(bomb)

    assert bomb.stat().st_size < 100_000

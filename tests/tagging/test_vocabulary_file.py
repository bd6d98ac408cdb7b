"""An operator's vocabularies: the right ones are taken, a wrong one is refused by file and line."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.errors import VocabularyError
from app.store.manifest.manifest import read_store
from app.store.storage.store import Store
from app.tagging.vocabulary import Tag, Vocabulary
from app.tagging.vocabulary_file import BUILT_IN, read_vocabularies, read_vocabulary

FAMILIES = {"msd": ("ambient", "Mellow", "metal"), "mtt": ("ambient", "new age")}

RIGHT = """\
name: own
version: 3
description: Our own words.
tags:
  calm: {msd: [ambient, Mellow], mtt: [new age]}
  loud:
    msd: [metal]
  not yet: {}
"""

WITH_GENRES = (
    RIGHT
    + """\
  softer:
    label: {en: Softer, fr: Plus doux, pt-BR: Mais suave}
    parents: [calm, quiet]
    msd: [Mellow]
genres:
  quiet:
    label: Quiet music
    mtt: [new age]
"""
)

WRONG = {
    "unknown field": (RIGHT + "colour: red\n", 9, ["'colour'", "name, version"]),
    "missing field": (RIGHT.replace("version: 3\n", ""), 1, ["'version'", "missing"]),
    "field twice": (RIGHT + "name: other\n", 9, ["'name'", "twice"]),
    "tag twice": (RIGHT + "  calm: {}\n", 9, ["'calm'", "twice"]),
    "unknown family": (RIGHT + "  new:\n    lastfm: [x]\n", 10, ["'lastfm'", "msd, mtt"]),
    "family twice": (RIGHT + "  new: {msd: [metal], msd: [metal]}\n", 9, ["'msd'", "twice"]),
    "misspelt raw tag": (RIGHT.replace("[metal]", "[mettal]"), 7, ["'msd'", "'mettal'"]),
    "raw tag in another case": (RIGHT.replace("Mellow", "mellow"), 5, ["'msd'", "'mellow'"]),
    "raw tag of the other family": (RIGHT + "  new: {mtt: [metal]}\n", 9, ["'mtt'", "'metal'"]),
    "empty list": (RIGHT.replace("[metal]", "[]"), 7, ["expected a list of raw tags"]),
    "no list": (RIGHT.replace("[metal]", "metal"), 7, ["expected a list of raw tags"]),
    "list of lists": (RIGHT.replace("[metal]", "[[metal]]"), 7, ["expected a text"]),
    "tag without braces": (RIGHT + "  new:\n", 9, ["expected raw tags by family"]),
    "tag that is a list": (RIGHT + "  [a, b]: {}\n", 9, ["expected a text"]),
    "blank tag": (RIGHT + "  ' ': {}\n", 9, ["expected a text"]),
    "formula": (RIGHT + "  '=1+1': {}\n", 9, ["'=1+1'", "formula"]),
    "formula by another sign": (RIGHT + "  '@SUM(1)': {}\n", 9, ["formula"]),
    "formula in full width": (RIGHT + "  \uff1d1: {}\n", 9, ["formula"]),
    "formula after a space": (RIGHT + "  ' -1': {}\n", 9, ["formula"]),
    "no tags": (
        RIGHT[: RIGHT.index("  calm")].replace("tags:", "tags: {}"),
        4,
        ["at least one tag"],
    ),
    "tags as a list": (RIGHT[: RIGHT.index("  calm")] + "  - calm\n", 5, ["expected tags"]),
    "merge key": (RIGHT + "  <<: {msd: [metal]}\n", 9, ["<<"]),
    "name raw": (RIGHT.replace("own", "raw", 1), 1, ["'raw'", "raw tags"]),
    "empty name": (RIGHT.replace("own", "", 1), 1, ["expected a text"]),
    "name that is a list": (RIGHT.replace("own", "[own]", 1), 1, ["expected a text"]),
    "surrogate in the name": (RIGHT.replace("own", '"\\ud800"', 1), 1, []),
    "no mapping": ("- calm\n- loud\n", 1, ["expected a mapping"]),
    "a word": ("calm\n", 1, ["expected a mapping"]),
    "empty file": ("", 1, ["empty"]),
    "only a comment": ("# later\n", 1, ["empty"]),
    "two documents": (RIGHT + "---\n" + RIGHT, 9, ["document"]),
    "broken YAML": (RIGHT + "  new: {msd: [metal\n", 10, ["expected"]),
    "tab": (RIGHT + "\tnew: {}\n", 9, ["\\t"]),
    "undefined alias": (RIGHT + "  new: *calm\n", 9, ["calm"]),
    "tag inside itself": (RIGHT + "  new: &new {msd: *new}\n", 9, ["nests deeper"]),
    "control character": (RIGHT + "  n\x07w: {}\n", 9, []),
    "label without a word": (RIGHT + "  new: {label: }\n", 9, ["expected a text"]),
    "label as a list": (RIGHT + "  new: {label: [New]}\n", 9, ["expected a label"]),
    "label in no language": (RIGHT + "  new: {label: {english: New}}\n", 9, ["'english'", "fr"]),
    "label twice": (RIGHT + "  new: {label: {en: A, en: B}}\n", 9, ["'en'", "twice"]),
    "unknown parent": (RIGHT + "  new: {parents: [rock]}\n", 9, ["'rock' is neither"]),
    "parent that is not a list": (RIGHT + "  new: {parents: calm}\n", 9, ["list of parent genres"]),
    "parent of a genre": (WITH_GENRES + "    parents: [loud, rock]\n", 15, ["'rock' is neither"]),
    "genre that is a tag": (WITH_GENRES + "  calm: {}\n", 17, ["'calm' is also a tag"]),
    "genres without one": (RIGHT + "genres: {}\n", 9, ["at least one tag"]),
    "formula as a genre": (WITH_GENRES + "  '=1': {}\n", 17, ["formula"]),
    "misspelt raw tag of a genre": (WITH_GENRES + "  new: {msd: [rok]}\n", 17, ["'rok'"]),
}

UNUSUAL = [
    "[" * 5_000,
    "{a: " * 5_000,
    "- " * 5_000,
    "\x00",
    '"\\UFFFFFFFF"',
    '"\\U00110000"',
    "!%ff x",
    "!<%ff> x",
    "%YAML 1." + "1" * 5_000 + "\n---\nx",
    "a: &a [*a, *a]",
    "<<: *x",
    "? [a, {b: c}]\n: d",
    "2026-01-01",
    "!!binary x",
    "!!python/object/apply:os.abort []",
    "!!python/name:os.abort",
    "\ufeff" + RIGHT,
]

PIECE = st.sampled_from(
    [*WITH_GENRES.split(), *"-?:,[]{}#&*!|>'\"%@`~\n\t ", "  ", "<<", "!!", "\\x"]
)
YAML_LIKE = st.lists(PIECE | st.text(max_size=3)).map("".join)
NEAR_MISS = st.builds(
    lambda at, drop, piece: WITH_GENRES[:at] + piece + WITH_GENRES[at + drop :],
    st.integers(0, len(WITH_GENRES)),
    st.integers(0, 9),
    PIECE | st.text(max_size=3),
)


def read(folder: Path, content: str | bytes) -> Vocabulary:
    path = folder / "own.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_vocabulary(path, FAMILIES)


def test_a_valid_file_is_read_completely(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, RIGHT)

    assert vocabulary.name == "own"
    assert vocabulary.description == "Our own words."
    assert vocabulary.tags == {
        "calm": Tag({"msd": ("ambient", "Mellow"), "mtt": ("new age",)}),
        "loud": Tag({"msd": ("metal",)}),
        "not yet": Tag(),
    }
    assert vocabulary.genres == {}
    assert vocabulary.label("not yet") == "not yet"


def test_labels_parents_and_genres_are_read_too(tmp_path: Path) -> None:
    vocabulary = read(tmp_path, WITH_GENRES)

    assert vocabulary.tags["softer"] == Tag(
        {"msd": ("Mellow",)},
        parents=("calm", "quiet"),
        labels={"en": "Softer", "fr": "Plus doux", "pt-BR": "Mais suave"},
    )
    assert vocabulary.genres == {"quiet": Tag({"mtt": ("new age",)}, labels={"en": "Quiet music"})}
    assert vocabulary.label("softer") == "Softer"
    assert vocabulary.label("quiet") == "Quiet music"


@pytest.mark.parametrize("written", ["3", "1.10", "2026-01-01", '"3"', "no"])
def test_a_version_needs_no_quotes_and_is_kept_as_written(written: str, tmp_path: Path) -> None:
    vocabulary = read(tmp_path, RIGHT.replace("version: 3", f"version: {written}"))

    assert vocabulary.version == written.strip('"')


def test_a_repeated_entry_can_be_written_once(tmp_path: Path) -> None:
    anchored = RIGHT.replace("calm: {", "calm: &calm {") + "  quiet: *calm\n"

    tags = read(tmp_path, anchored).tags

    assert tags["quiet"] == tags["calm"]


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + RIGHT.encode()).name == "own"


@pytest.mark.parametrize(("text", "line", "words"), WRONG.values(), ids=WRONG)
def test_an_invalid_file_is_refused_with_file_line_and_reason(
    text: str, line: int, words: list[str], tmp_path: Path
) -> None:
    with pytest.raises(VocabularyError) as refusal:
        read(tmp_path, text)

    where, _, reason = str(refusal.value).partition(": ")
    assert where == f"{tmp_path / 'own.yaml'}:{line}"
    assert reason
    assert all(word in reason for word in words), reason


def test_a_file_that_is_not_utf8_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"own\.yaml: .*utf-8"):
        read(tmp_path, RIGHT.replace("Our", "Für uns").encode("latin-1"))


def test_a_missing_file_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(VocabularyError, match=r"absent\.yaml"):
        read_vocabulary(tmp_path / "absent.yaml", FAMILIES)


def test_a_file_whose_yaml_tags_name_code_runs_none_of_it(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    called = f"!!python/object/apply:subprocess.check_call [[touch, {trace}]]"

    with pytest.raises(VocabularyError, match=":3: expected a text"):
        read(tmp_path, RIGHT.replace("Our own words.", called))

    assert not trace.exists()


@given(text=YAML_LIKE | NEAR_MISS | st.text())
def test_any_text_is_read_or_refused(text: str, tmp_path: Path) -> None:
    _read_or_refused(text.encode(errors="ignore"), tmp_path)


@pytest.mark.parametrize("text", UNUSUAL, ids=range(len(UNUSUAL)))
def test_text_that_strains_the_yaml_reader_is_read_or_refused(text: str, tmp_path: Path) -> None:
    _read_or_refused(text.encode(), tmp_path)


@given(data=st.binary())
@example(data=RIGHT.encode("utf-16"))
@example(data=b"\xed\xa0\x80")
def test_any_bytes_are_read_or_refused(data: bytes, tmp_path: Path) -> None:
    _read_or_refused(data, tmp_path)


def test_the_operator_s_file_replaces_a_built_in_one_of_its_name(
    store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(RIGHT.replace("own", "genres", 1))
    families = {**FAMILIES, **_published(store)}

    vocabularies = read_vocabularies([path], families)

    assert set(vocabularies) == {"alltags", "genres", "moodthemes", "subgenres"}
    assert set(vocabularies["genres"].tags) == {"calm", "loud", "not yet"}


def test_the_operator_s_file_of_another_name_is_added_to_the_built_in_ones(
    store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "ours.yaml"
    path.write_text(RIGHT)

    vocabularies = read_vocabularies([path], _published(store))

    assert set(vocabularies) == {"alltags", "genres", "moodthemes", "subgenres", "own"}


def test_of_two_files_with_one_name_the_later_one_counts(store: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "b.yaml", tmp_path / "a.yaml"
    first.write_text(RIGHT)
    second.write_text(RIGHT.replace("version: 3", "version: 4"))

    assert read_vocabularies([first, second], _published(store))["own"].version == "4"


def _published(store: Path) -> dict[str, tuple[str, ...]]:
    return {model.tags.family: model.tags.names for model in read_store(Store(store)).values()}


def _read_or_refused(data: bytes, folder: Path) -> None:
    try:
        outcome: Vocabulary | str = read(folder, data)
    except VocabularyError as refusal:
        outcome = str(refusal)

    if isinstance(outcome, str):
        assert outcome.startswith(str(folder / "own.yaml"))
    else:
        assert outcome.tags


def test_built_in_vocabularies_work_with_a_store_of_other_models() -> None:
    found = read_vocabularies((), {"own": ("hiss",), "mtt": ("ambient", "techno")})

    assert set(found) == {path.stem for path in BUILT_IN.glob("*.yaml")}
    assert found["subgenres"].tags["ambient"].raw_tags == {"mtt": ("ambient",)}
    assert found["subgenres"].tags["blues"].raw_tags == {}

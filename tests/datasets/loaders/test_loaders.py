"""Loading of metadata: the result for each row, and refusals."""

import csv
import os
import shutil
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audio_files import APPLE_DOUBLE, CYCLE, OTHER_EXTENSION
from app.datasets.loaders import fma, folder, mtat, mtg_jamendo
from app.datasets.loaders.dataset import Dataset, Skipped, artist_name
from app.datasets.loaders.official import official_split
from app.datasets.loaders.sheet import Sheet
from app.datasets.tracks import Subset, Track, track_id
from app.errors import SetupError
from tests.datasets.miniature.export import METADATA, export_fma, real_mtat, real_mtg_jamendo

MINIATURE = Path(__file__).parents[1] / "miniature"

real = pytest.mark.skipif(not METADATA.is_dir(), reason="needs the datasets' real metadata")

LOADERS: dict[str, Callable[[Path], Dataset]] = {
    "fma": fma.load,
    "mtat": mtat.load,
    "mtg-jamendo": mtg_jamendo.load,
}

FILES = {
    "fma": "fma_metadata/tracks.csv",
    "mtat": "annotations_final.csv",
    "mtg-jamendo": "data/splits/split-0/autotagging_genre-train.tsv",
}


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: shutil.copytree(MINIATURE / name, tmp_path / name)


def by_path(dataset: Dataset) -> dict[str, Track]:
    return {track.path: track for track in dataset.tracks}


def reasons(dataset: Dataset) -> list[tuple[int, str]]:
    return [(each.row, each.why) for each in dataset.skipped]


# each dataset in its own words


def test_fma_is_loaded() -> None:
    dataset = fma.load(MINIATURE / "fma")

    tracks = by_path(dataset)
    assert list(tracks) == [f"000/{n:06d}.mp3" for n in (2, 3, 5, 10, 140)]
    assert tracks["000/000002.mp3"] == Track(
        track_id("fma", "000/000002.mp3"), "fma", "000/000002.mp3", "the larks",
        ("Rock", "Punk", "hip hop", "loud"), "CC BY", 200.0,
    )  # fmt: skip
    assert dataset.categories == {
        "Rock": {"genre"}, "Hip-Hop": {"genre"}, "Punk": {"subgenre"},
        "Hardcore": {"sub-subgenre"}, "Thrash": {"sub-subgenre"},
        "hip hop": {"tag"}, "loud": {"tag"}, "the larks": {"tag"},
    }  # fmt: skip
    assert reasons(dataset) == [
        (9, "track.duration: 'long' is not a non-negative number"),
        (10, "track.genres_all: 99 is not in genres.csv"),
        (11, "track.genres_all: '12, 25' is not a list"),
    ]
    assert dataset.missing["track.license"] == 1 / 8
    assert dataset.missing["track.tags"] == 5 / 8


def test_fmas_subsets_lie_within_one_another() -> None:
    sizes = [len(fma.load(MINIATURE / "fma", subset).tracks) for subset in fma.SUBSETS]

    assert sizes == [2, 3, 5, 5]


def test_mtat_is_handled() -> None:
    dataset = mtat.load(MINIATURE / "mtat")

    tracks = by_path(dataset)
    path = "f/larks-dawn-01-one-0-29.mp3"
    licence = "Creative Commons Attribution-NonCommercial-ShareAlike"
    assert tracks[path] == Track(
        track_id("mtat", path), "mtat", path, "the larks", ("guitar", "slow"), licence, 29.0, 16_000
    )
    assert tracks["c/owl-dusk-01-two-29-58.mp3"].tags == ()
    assert tracks['0/owl-dusk-02-"three"-0-29.mp3'].tags == ("no vocals",)
    assert reasons(dataset) == [
        (5, "slow: 'x' is neither 0 nor 1"),
        (6, "clip_id: '12' is not in clip_info_final.csv"),
    ]
    assert dataset.missing["mp3_path"] == 1 / 5


def test_mtg_jamendo_is_the_union_of_its_parts() -> None:
    dataset = mtg_jamendo.load(MINIATURE / "mtg-jamendo")

    assert {path: set(track.tags) for path, track in by_path(dataset).items()} == {
        "14/214.mp3": {"rock", "folk", "guitar"},
        "15/215.mp3": {"rock"},
        "00/300.mp3": {"folk", "calm"},
    }
    assert dataset.categories == {
        "rock": {"genre"}, "folk": {"genre", "mood/theme"},
        "guitar": {"instrument"}, "calm": {"mood/theme"},
    }  # fmt: skip
    first = by_path(dataset)["14/214.mp3"]
    assert (first.artist, first.duration_s) == ("artist_000014", 124.6)


def test_mtg_jamendos_whole_file_comes_before_its_parts(copied: Callable[[str], Path]) -> None:
    data = copied("mtg-jamendo") / "data"
    shutil.copy(data / "splits/split-0/autotagging_genre-train.tsv", data / "autotagging_genre.tsv")

    assert list(by_path(mtg_jamendo.load(data, "genre"))) == ["14/214.mp3"]
    assert len(mtg_jamendo.load(data).tracks) == 3


def test_an_artist_has_the_same_id_in_all_datasets() -> None:
    [in_fma] = {track.artist for track in fma.load(MINIATURE / "fma", "medium").tracks[:2]}
    in_mtat = mtat.load(MINIATURE / "mtat").tracks[0].artist
    own = folder.load(MINIATURE / "own.csv").tracks[0].artist

    assert in_fma == in_mtat == own == "the larks"


@given(st.text())
def test_a_lower_case_name_is_unchanged(name: str) -> None:
    assert artist_name(artist_name(name)) == artist_name(f"  {name} ") == artist_name(name)


# folders of songs


def test_folder_names_are_tags_and_artists(tmp_path: Path) -> None:
    root = tmp_path / "my music"
    for path in ("Rock/one.mp3", "Rock/The Larks/two.FLAC", "Rock/The Larks/Dawn/3.ogg"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    for path in ("Rock/cover.jpg", "Rock/.DS_Store", "Rock/._one.mp3", "stray.mp3"):
        (root / path).touch()

    dataset = folder.load(root)

    assert dataset.name == "my music"
    assert {track.path: (track.artist, track.tags) for track in dataset.tracks} == {
        "Rock/one.mp3": ("", ("Rock",)),
        "Rock/The Larks/two.FLAC": ("the larks", ("Rock",)),
        "Rock/The Larks/Dawn/3.ogg": ("the larks", ("Rock",)),
    }
    assert dataset.skipped == (
        Skipped(root / "Rock/.DS_Store", 0, f"{OTHER_EXTENSION}; the same for 2 files in all"),
        Skipped(root / "Rock/._one.mp3", 0, APPLE_DOUBLE),
        Skipped(root / "stray.mp3", 0, "it is not in a folder that is named after a tag"),
    )


def test_linked_tags_artists_and_songs_are_read(tmp_path: Path) -> None:
    library, root = tmp_path / "library", tmp_path / "tags"
    for path in ("dub/King/one.mp3", "dub/King/Queen/two.mp3", "three.mp3"):
        (library / path).parent.mkdir(parents=True, exist_ok=True)
        (library / path).touch()
    (root / "rock").mkdir(parents=True)
    (root / "dub").symlink_to(library / "dub")
    (root / "rock/King").symlink_to(library / "dub/King")
    (root / "rock/three.mp3").symlink_to(library / "three.mp3")
    (library / "dub/King/back").symlink_to(library)

    dataset = folder.load(root)

    assert {track.path: (track.artist, track.tags) for track in dataset.tracks} == {
        "dub/King/one.mp3": ("king", ("dub",)),
        "dub/King/Queen/two.mp3": ("king", ("dub",)),
        "dub/King/back/three.mp3": ("king", ("dub",)),
        "rock/King/one.mp3": ("king", ("rock",)),
        "rock/King/Queen/two.mp3": ("king", ("rock",)),
        "rock/King/back/three.mp3": ("king", ("rock",)),
        "rock/three.mp3": ("", ("rock",)),
    }
    assert {each.why.partition(";")[0] for each in dataset.skipped} == {CYCLE}


def test_decomposed_names_of_macos_are_normalised(tmp_path: Path) -> None:
    names = [unicodedata.normalize(form, "Électro/Zoë/Été.mp3") for form in ("NFC", "NFD")]
    for name in names:
        (tmp_path / "folder" / name).parent.mkdir(parents=True)
        (tmp_path / "folder" / name).touch()
    sheet = tmp_path / "sheet.csv"
    columns = (name.split("/") for name in names)
    rows = (f"{number}.mp3,{tag},{artist}\n" for number, (tag, artist, _) in enumerate(columns))
    sheet.write_text("path,tags,artist\n" + "".join(rows), encoding="utf-8")

    for dataset in (folder.load(tmp_path / "folder"), folder.load(sheet)):
        first, second = dataset.tracks
        assert first.tags == second.tags
        assert first.artist == second.artist
    of_folder = folder.load(tmp_path / "folder").tracks
    assert {track.tags for track in of_folder} == {("Électro",)}
    assert {track.artist for track in of_folder} == {"zoë"}
    assert {track.path for track in of_folder} == set(names)  # as they are on the disk


@pytest.mark.parametrize(("on_disk", "listed"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_a_csv_file_may_encode_accents_differently_from_the_disk(
    tmp_path: Path, on_disk: str, listed: str
) -> None:
    there, named = (unicodedata.normalize(form, "Zoë/Été.mp3") for form in (on_disk, listed))
    (tmp_path / there).parent.mkdir()
    (tmp_path / there).touch()
    sheet = tmp_path / "own.csv"
    sheet.write_text(f"path,tags\n{named},chanson\nZoë/fehlt.mp3,chanson\n", encoding="utf-8")

    found, missing = folder.load(sheet).tracks

    assert found.path == there
    assert missing.path.endswith("/fehlt.mp3")


def test_a_folder_without_tracks_is_refused_with_the_skipped_files(tmp_path: Path) -> None:
    (tmp_path / "Rock").mkdir()
    os.mkfifo(tmp_path / "Rock/pipe.wav")

    with pytest.raises(SetupError, match=r"it has no tracks.*pipe\.wav: it is a pipe"):
        folder.load(tmp_path)


def test_a_file_name_that_is_not_unicode_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "Rock").mkdir()
    (tmp_path / "Rock/good.mp3").touch()
    Path(os.fsdecode(os.fsencode(tmp_path / "Rock") + b"/\xff.mp3")).touch()

    dataset = folder.load(tmp_path)

    assert [track.path for track in dataset.tracks] == ["Rock/good.mp3"]
    assert [each.why for each in dataset.skipped] == ["its name is not valid Unicode; rename it"]


def test_an_unreadable_folder_is_not_taken_for_empty(tmp_path: Path) -> None:
    (tmp_path / "Rock").mkdir()
    (tmp_path / "Rock/good.mp3").touch()
    place = os.open(tmp_path / "Rock", os.O_RDONLY)
    for _ in range(20):  # until the path is longer than the system takes
        os.mkdir("x" * 250, dir_fd=place)
        inner = os.open("x" * 250, os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = inner
    os.close(place)

    with pytest.raises(SetupError, match="can't be read: File name too long"):
        folder.load(tmp_path)
    shutil.rmtree(tmp_path / "Rock")


def test_a_cell_over_the_default_csv_limit_is_read_and_the_limit_is_not_changed(
    tmp_path: Path,
) -> None:
    limit = csv.field_size_limit()
    tag = "x" * (limit + 1)
    (tmp_path / "songs.csv").write_text(f"path,tags\na.mp3,{tag}\nb.mp3,rock\n")

    rows = iter(Sheet(tmp_path / "songs.csv", ("path", "tags")))

    assert next(rows) == (2, {"path": "a.mp3", "tags": tag})
    assert csv.field_size_limit() == limit  # while the table is being read, too
    assert next(rows) == (3, {"path": "b.mp3", "tags": "rock"})


def test_a_csv_file_is_loaded() -> None:
    dataset = folder.load(MINIATURE / "own.csv")

    assert dataset.name == "own"
    assert [(t.path, t.tags, t.licence, t.duration_s) for t in dataset.tracks] == [
        ("rock/one.mp3", ("Rock", "loud"), "mine", 12.5),
        ("two.mp3", (), "", None),
    ]
    assert reasons(dataset) == [
        (4, "path: '../three.mp3' is not a file inside the CSV file's folder"),
        (5, "path: '/four.mp3' is not a file inside the CSV file's folder"),
        (6, "duration_s: 'soon' is not a non-negative number"),
        (7, "the row has 2 columns, the header 5"),
    ]


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0;"), min_size=1).filter(
    str.strip
)


@given(st.dictionaries(st.text(string.ascii_letters, min_size=1), st.lists(CELLS), min_size=1))
def test_any_text_in_a_csv_file_is_read_unchanged(
    tmp_path_factory: pytest.TempPathFactory, wanted: dict[str, list[str]]
) -> None:
    path = tmp_path_factory.mktemp("own") / "own.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = ((name, ";".join(tags)) for name, tags in wanted.items())
        csv.writer(file).writerows([("path", "tags"), *rows])

    tracks = by_path(folder.load(path))

    assert {name: set(track.tags) for name, track in tracks.items()} == {
        name: {unicodedata.normalize("NFC", tag.strip()) for tag in tags}
        for name, tags in wanted.items()
    }


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("path,labels\na.mp3,rock\n", ["column 'tags' is missing"]),
        ("path,tags\na.mp3,rock\n./a.mp3,pop\n", ["lines 2 and 3", "a.mp3"]),
        ("path,tags,license\na.mp3,rock,mine\n", ["'license' is unknown", "licence"]),
        ("path,tags,tags\na.mp3,rock,pop\n", ["'tags' is a duplicate"]),
        ("path,tags\n", ["no tracks"]),
        ("", ["the file is empty"]),
        (b"path,tags\n\xff\n", ["can't be read"]),
    ],
)
def test_an_invalid_csv_file_is_refused(
    tmp_path: Path, text: str | bytes, named: Sequence[str]
) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(SetupError) as refused:
        folder.load(path)

    assert all(words in str(refused.value) for words in [str(path), *named])


def test_a_folder_with_the_name_of_a_dataset_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fma").mkdir()

    with pytest.raises(SetupError, match="fma is the name of a known dataset"):
        folder.load(tmp_path / "fma")


# faults


@pytest.mark.parametrize("name", LOADERS)
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=str(tmp_path)):
        LOADERS[name](tmp_path)


@pytest.mark.parametrize(
    ("name", "column"), [("fma", "genres_all"), ("mtat", "mp3_path"), ("mtg-jamendo", "DURATION")]
)
def test_a_missing_column_is_named(copied: Callable[[str], Path], name: str, column: str) -> None:
    path = copied(name) / FILES[name]
    path.write_text(path.read_text().replace(column, "other", 1))

    with pytest.raises(SetupError, match=rf"{path.name}: the column '.*{column}' is missing"):
        LOADERS[name](path.parents[len(Path(FILES[name]).parts) - 1])


@pytest.mark.parametrize("name", LOADERS)
def test_a_duplicate_track_is_refused(copied: Callable[[str], Path], name: str) -> None:
    path = copied(name) / FILES[name]
    lines = path.read_text().splitlines()
    first = 4 if name == "fma" else 2
    path.write_text("\n".join([*lines, lines[first - 1]]))

    with pytest.raises(SetupError, match=f"lines {first} and {len(lines) + 1} both describe"):
        LOADERS[name](path.parents[len(Path(FILES[name]).parts) - 1])


@pytest.mark.parametrize("name", LOADERS)
def test_a_truncated_file_never_raises_an_unexpected_error(
    copied: Callable[[str], Path], name: str
) -> None:
    root = copied(name)
    path = root / FILES[name]
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with suppress(SetupError):
            LOADERS[name](root)


def test_an_unclosed_quotation_mark_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_text('path,tags\na.mp3,rock\n"b.mp3,rock\nc.mp3,rock\nd.mp3,rock\n')

    [skipped] = folder.load(path).skipped

    assert skipped.row == 3
    assert "the row spans 2 more lines: is a quotation mark missing?" in skipped.why


@pytest.mark.parametrize(
    ("row", "named"), [("7,1,8,Loop,7\n8,1,7,Pool,7", "circle"), ("7,1,999,Orphan,7", "999")]
)
def test_genres_that_are_not_a_tree_are_refused(
    copied: Callable[[str], Path], row: str, named: str
) -> None:
    root = copied("fma")
    with (root / "fma_metadata/genres.csv").open("a") as file:
        file.write(row)

    with pytest.raises(SetupError, match=f"genres.csv: .*{named}"):
        fma.load(root)


def test_unknown_subsets_and_splits_are_refused() -> None:
    with pytest.raises(SetupError, match="no subset 'tiny'; choose one of small, medium"):
        fma.load(MINIATURE / "fma", "tiny")
    with pytest.raises(SetupError, match="no subset 'mood'; choose one of autotagging"):
        mtg_jamendo.load(MINIATURE / "mtg-jamendo", "mood")
    with pytest.raises(
        SetupError, match="the official split 'mtat' does not exist; choose one of fma, mtat-clean"
    ):
        official_split("mtat", MINIATURE / "mtat")


# official splits


def test_official_splits_of_the_miniatures_are_read() -> None:
    in_fma = official_split("fma", MINIATURE / "fma")
    in_mtat = official_split("mtat-full", MINIATURE / "mtat")
    in_jamendo = official_split("mtg-jamendo-0", MINIATURE / "mtg-jamendo")

    assert in_fma[track_id("fma", "000/000005.mp3")] is Subset.VALIDATION
    assert in_mtat[track_id("mtat", "f/larks-dawn-01-one-0-29.mp3")] is Subset.TEST
    assert in_mtat[track_id("mtat", "c/owl-dusk-01-two-29-58.mp3")] is Subset.VALIDATION
    assert track_id("mtat", "c/owl-dusk-01-two-29-58.mp3") not in official_split(
        "mtat-clean", MINIATURE / "mtat"
    )
    assert in_jamendo == {
        track_id("mtg-jamendo", "14/214.mp3"): Subset.TRAIN,
        track_id("mtg-jamendo", "15/215.mp3"): Subset.VALIDATION,
        track_id("mtg-jamendo", "00/300.mp3"): Subset.TEST,
    }


def test_an_official_split_that_contradicts_itself_is_refused(
    copied: Callable[[str], Path],
) -> None:
    split = copied("mtg-jamendo") / "data/splits/split-0"
    shutil.copy(split / "autotagging_genre-train.tsv", split / "autotagging_genre-test.tsv")

    with pytest.raises(SetupError, match=r"14/214.mp3 is in another part too"):
        official_split("mtg-jamendo-0", split.parents[2])
    with pytest.raises(SetupError, match=r"split-1: autotagging-train.tsv is missing"):
        official_split("mtg-jamendo-1", split.parents[2])


# the real metadata


@real
def test_the_real_mtat_is_loaded() -> None:
    dataset = real_mtat()

    assert (len(dataset.tracks), dataset.skipped) == (25_863, ())
    assert len({tag for track in dataset.tracks for tag in track.tags}) == 188
    assert sum(not track.tags for track in dataset.tracks) == 4_221
    assert sum(len(track.tags) > 15 for track in dataset.tracks) == 72
    assert round(dataset.missing["mp3_path"] * 31_382) == 5_519
    assert {track.duration_s for track in dataset.tracks} == {29.0}


@pytest.mark.thorough
@real
@pytest.mark.parametrize(
    ("name", "counts"),
    [("mtat-clean", (15_244, 1_529, 4_332)), ("mtat-full", (18_706, 1_825, 5_329))],
)
def test_the_published_splits_of_the_real_mtat_are_read(
    name: str, counts: tuple[int, int, int]
) -> None:
    parts = Counter(official_split(name, METADATA / "mtat").values())

    assert (parts[Subset.TRAIN], parts[Subset.VALIDATION], parts[Subset.TEST]) == counts


@pytest.mark.thorough
@real
def test_the_real_mtg_jamendo_is_loaded() -> None:
    dataset = real_mtg_jamendo()

    assert (len(dataset.tracks), dataset.skipped) == (55_525, ())
    assert Counter(one for of in dataset.categories.values() for one in of) == {
        "genre": 87, "mood/theme": 56, "instrument": 40,
    }  # fmt: skip
    assert sum(not 60 <= (track.duration_s or 0) <= 600 for track in dataset.tracks) == 2_706
    assert len(official_split("mtg-jamendo-0", METADATA / "mtg-jamendo")) == 55_525


@pytest.mark.thorough
@real
@pytest.mark.parametrize(
    ("subset", "tracks", "tags"),
    [("genre", 55_094, 87), ("instrument", 25_135, 41), ("moodtheme", 18_486, 59)],
)
def test_the_subsets_of_the_real_mtg_jamendo_are_read(subset: str, tracks: int, tags: int) -> None:
    dataset = mtg_jamendo.load(METADATA / "mtg-jamendo", subset)

    assert (len(dataset.tracks), len(dataset.categories)) == (tracks, tags)


@pytest.mark.thorough
@real
def test_the_real_fma_is_loaded(tmp_path: Path) -> None:
    dataset = fma.load(export_fma(tmp_path))

    assert (len(dataset.tracks), dataset.skipped) == (17_734, ())
    levels = Counter(one for of in dataset.categories.values() for one in of)
    assert (levels["genre"], levels["subgenre"], levels["sub-subgenre"]) == (16, 106, 41)
    assert dataset.tracks[0].path == "000/000135.mp3"
    assert set(dataset.tracks[0].tags) == {"Rock", "Psych-Rock", "Loud-Rock"}
    assert dataset.tracks[0].duration_s == 837

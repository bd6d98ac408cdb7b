"""At the end there are exactly the files that a split needs, after any fault."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.datasets.audio import fetching
from app.datasets.audio.fetching import Fetched, fetch
from app.datasets.audio.file_source import FileSource
from app.datasets.audio.library import open_library, read_checksums
from app.errors import SetupError
from tests.datasets.audio.killed import moments, run_killed
from tests.support.commands import files_of_at_most

NAMES = [f"fma/{number // 4:03}/{number:06}.mp3" for number in range(12)]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for name in NAMES:
        path = tmp_path / "source" / name.partition("/")[2]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 100)
    return tmp_path / "source"


def fetch_files(
    to: Path, names: list[str], source: Path, checksums: dict[str, str] | None = None
) -> Fetched:
    with open_library(to) as library:
        return fetch(
            library, names, {"fma": FileSource(str(source))}, checksums or {}, lambda *_: None
        )


def test_each_needed_file_is_fetched_once(source: Path, tmp_path: Path) -> None:
    assert fetch_files(tmp_path / "to", NAMES[:5], source).added == 5
    again = fetch_files(tmp_path / "to", NAMES[:7], source)
    assert (again.added, again.known, again.failed) == (2, 5, {})
    assert (tmp_path / "to" / NAMES[6]).read_bytes() == NAMES[6].encode() * 100


def test_only_files_of_another_split_are_removed(source: Path, tmp_path: Path) -> None:
    fetch_files(tmp_path / "to", NAMES, source)
    own = tmp_path / "to" / "fma" / "my own.mp3"
    own.write_bytes(b"mine")
    with open_library(tmp_path / "to") as library:
        unneeded = library.unneeded(NAMES[:3])
        library.remove(unneeded)
    assert sorted(unneeded) == sorted(NAMES[3:])
    assert own.exists()
    with open_library(tmp_path / "to") as library:
        assert library.ledger.keys() == set(NAMES[:3])
    assert not (tmp_path / "to" / NAMES[5]).exists()


def test_missing_files_are_reported_and_the_others_are_fetched(
    source: Path, tmp_path: Path
) -> None:
    (source / NAMES[3].partition("/")[2]).unlink()
    fetched = fetch_files(tmp_path / "to", NAMES, source)
    assert list(fetched.failed) == [NAMES[3]]
    assert fetched.added == len(NAMES) - 1


def test_a_file_with_a_wrong_checksum_is_not_kept(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "PAUSE_S", 0.0)
    right = {name: hashlib.sha256(name.encode() * 100).hexdigest() for name in NAMES[:2]}
    fetched = fetch_files(tmp_path / "to", NAMES[:2], source, {**right, NAMES[1]: "0" * 64})
    assert "SHA-256" in fetched.failed[NAMES[1]]
    assert not (tmp_path / "to" / NAMES[1]).exists()
    assert not list((tmp_path / "to").rglob("*.part"))


def test_a_truncated_file_is_fetched_again(source: Path, tmp_path: Path) -> None:
    fetch_files(tmp_path / "to", NAMES, source)
    (tmp_path / "to" / NAMES[0]).write_bytes(b"half")
    assert fetch_files(tmp_path / "to", NAMES, source).added == 1


def test_a_dataset_without_a_source_is_named(tmp_path: Path) -> None:
    with open_library(tmp_path / "to") as library, pytest.raises(SetupError, match="fma"):
        fetch(library, NAMES, {}, {}, lambda *_: None)


def test_invalid_checksum_files_are_refused_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "sums"
    path.write_text(f"{'a' * 64}  fma/1.mp3\nwrong\n")
    with pytest.raises(SetupError, match="sums:2"):
        read_checksums(path)


def test_a_full_disk_is_reported_and_leaves_no_partial_file(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "large.mp3").write_bytes(bytes(100_000))
    with files_of_at_most(20_000), pytest.raises(SetupError, match="there is no space for it"):
        fetch_files(tmp_path / "to", ["fma/large.mp3"], tmp_path / "source")
    assert not [path for path in (tmp_path / "to").rglob("*large*") if path.is_file()]


FETCH = """
from pathlib import Path
from app.datasets.audio import fetching, file_source
from app.datasets.audio.library import open_library
fetching.THREADS = 1
with open_library(Path(sys.argv[2])) as library:
    fetching.fetch(library, sys.argv[3:], {"fma": file_source.FileSource(sys.argv[1])}, {}, print)
"""


@moments
def test_repeated_kills_do_not_change_the_fetched_files(
    moments: Sequence[int], source: Path, tmp_path: Path
) -> None:
    for moment in moments:
        run_killed(FETCH, moment, source, tmp_path / "to", *NAMES)
    fetch_files(tmp_path / "to", NAMES, source)
    with open_library(tmp_path / "to") as library:
        assert library.ledger.keys() == set(NAMES)
    for name in NAMES:
        assert (tmp_path / "to" / name).read_bytes() == name.encode() * 100
    left = {path.relative_to(tmp_path / "to").as_posix() for path in tmp_path.glob("to/fma/*/*")}
    assert left == set(NAMES)

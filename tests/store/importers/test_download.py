"""Checkpoints from a server or a folder: resumed, checked, and messages if there is none."""

import fcntl
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from app.errors import SetupError
from app.store.importers import download
from app.store.importers.download import delete_download, download_checkpoint
from app.store.manifest.source import Checkpoint
from tests.support.file_server import FileServer, file_server

DATA = bytes(range(256)) * 1000
PATH = "jamendo/fcn/best_model.pth"
CHECKPOINT = Checkpoint(
    base="https://127.0.0.1:1/models", path=PATH, size=len(DATA), sha256=sha256(DATA).hexdigest()
)
RESUMED = "bytes=100000-"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a download is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    return tmp_path / "caches" / "taggram" / f"{CHECKPOINT.sha256}.pth"


@pytest.fixture
def server() -> Iterator[FileServer]:
    with file_server() as server:
        server.files[f"/models/{PATH}"] = DATA
        yield server


@pytest.fixture
def mirror(server: FileServer) -> str:
    return f"{server.url}/models"


def refused(mirror: str | None) -> str:
    with pytest.raises(SetupError) as error:
        download_checkpoint(CHECKPOINT, mirror, lambda _: None)
    assert "\n" not in str(error.value)
    return str(error.value)


def keep(kept: Path, data: bytes) -> None:
    kept.parent.mkdir(parents=True)
    kept.write_bytes(data)


def test_a_file_is_downloaded_completely_and_kept_until_it_is_not_needed(mirror: str, kept: Path):
    seen: list[int] = []

    path = download_checkpoint(CHECKPOINT, f"{mirror}/", seen.append)

    assert path == kept
    assert path.read_bytes() == DATA
    assert seen == sorted(seen)
    assert seen[-1] == len(DATA)
    delete_download(CHECKPOINT)
    assert list(kept.parent.iterdir()) == []


def test_a_downloaded_file_is_not_requested_again(mirror: str, server: FileServer):
    download_checkpoint(CHECKPOINT, mirror, lambda _: None)
    download_checkpoint(CHECKPOINT, mirror, lambda _: None)

    assert server.requests == [(f"/models/{PATH}", None)]


def test_a_connection_that_is_cut_is_resumed_by_the_next_call(
    mirror: str, server: FileServer, kept: Path
):
    server.cut = 100_000
    assert refused(mirror).endswith("run the command again to resume")
    assert kept.read_bytes() == DATA[:100_000]
    server.cut = None

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA
    assert [wanted for _, wanted in server.requests] == [None, RESUMED]


def test_a_server_that_stops_sending_times_out(
    mirror: str, server: FileServer, monkeypatch: pytest.MonkeyPatch
):
    server.cut, server.stalls = 100_000, True
    with monkeypatch.context() as shorter:
        shorter.setattr(download, "TIMEOUT_S", 0.3)
        assert f"{mirror}/{PATH}" in refused(mirror)
    server.cut, server.stalls = None, False

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA


def test_an_interrupted_download_is_resumed_by_the_next_call(
    mirror: str, server: FileServer, kept: Path
):
    def interrupt(count: int) -> None:
        if count > 100_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download_checkpoint(CHECKPOINT, mirror, interrupt)
    came = len(kept.read_bytes())
    assert 100_000 < came < len(DATA)

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA
    assert server.requests[1][1] == f"bytes={came}-"


@pytest.mark.parametrize("announces", [True, False])
def test_a_server_without_range_support_sends_the_whole_file_again(
    announces: bool, mirror: str, server: FileServer, kept: Path
):
    keep(kept, DATA[:100_000])
    server.ranges, server.announces = False, announces

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA
    assert [wanted for _, wanted in server.requests] == [RESUMED]


@pytest.mark.parametrize("data", [DATA[::-1], DATA + b"more"], ids=["other bytes", "too long"])
def test_a_wrong_cached_file_is_downloaded_again(data: bytes, mirror: str, kept: Path):
    keep(kept, data)

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA


def test_a_partial_file_of_another_file_is_detected_and_dropped(mirror: str, kept: Path):
    keep(kept, bytes(100_000))

    assert "is not the file that was released" in refused(mirror)
    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA


def test_redirects_are_followed(mirror: str, server: FileServer, kept: Path):
    server.moved[f"/models/{PATH}"] = "/elsewhere"
    server.files["/elsewhere"] = DATA
    keep(kept, DATA[:100_000])

    assert download_checkpoint(CHECKPOINT, mirror, lambda _: None).read_bytes() == DATA
    assert server.requests[-1] == ("/elsewhere", RESUMED)


OTHERS = {
    "other bytes": (
        DATA[::-1],
        f"is not the file that was released: its SHA-256 is {sha256(DATA[::-1]).hexdigest()}, "
        f"expected {CHECKPOINT.sha256}",
    ),
    "a page": (b"<!DOCTYPE html>", "is another file, of 15 bytes; expected 256000"),
    "more": (DATA + b"more", "is another file, of 256004 bytes; expected 256000"),
}


@pytest.mark.parametrize(("data", "message"), OTHERS.values(), ids=OTHERS)
def test_a_different_file_is_refused_and_not_kept(
    data: bytes, message: str, mirror: str, server: FileServer, kept: Path
):
    server.files[f"/models/{PATH}"] = data

    assert refused(mirror) == f"{mirror}/{PATH}: {message}"
    assert kept.read_bytes() == b""


def test_an_endless_file_is_not_kept(mirror: str, server: FileServer, kept: Path):
    server.files[f"/models/{PATH}"] = bytes(50_000_000)
    server.announces = False

    assert "is not the file that was released" in refused(mirror)
    assert kept.read_bytes() == b""


def test_a_missing_file_is_named_with_advice(mirror: str, server: FileServer):
    server.files.clear()

    assert refused(mirror) == (
        f"{mirror}/{PATH}: HTTP 404 Not Found; use `--mirror FOLDER_OR_URL` "
        f"to read {PATH} from elsewhere"
    )


def test_without_a_network_the_url_and_advice_are_named():
    message = refused(None)

    assert message.startswith(f"https://127.0.0.1:1/models/{PATH} can't be reached: ")
    assert f"use `--mirror FOLDER_OR_URL` to read {PATH} from elsewhere" in message


def test_two_downloads_of_a_file_do_not_interfere(mirror: str, kept: Path):
    keep(kept, b"")
    with kept.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert refused(mirror) == f"{kept}: another process is downloading {PATH}; try again later"


def test_an_unwritable_cache_is_named(mirror: str, kept: Path):
    kept.parent.parent.write_text("in the way")

    assert refused(mirror).startswith(f"{kept}: can't be written: ")


def test_a_local_folder_is_used_in_place(tmp_path: Path, kept: Path):
    path = tmp_path / "models" / PATH
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA)

    assert download_checkpoint(CHECKPOINT, str(tmp_path / "models"), lambda _: None) == path
    path.write_bytes(DATA[1:])
    assert f"{path}: is not the file that was released" in refused(str(tmp_path / "models"))
    path.unlink()
    assert refused(str(tmp_path / "models")) == f"{path}: can't be read: No such file or directory"
    assert not kept.exists()


@pytest.mark.parametrize("mirror", ["s3://bucket/models", "file:///models", "ftp://host/models"])
def test_a_mirror_behind_another_kind_of_url_is_refused(mirror: str):
    assert refused(mirror) == (
        f"--mirror {mirror}: expected a folder, or a URL of http:// or https://"
    )

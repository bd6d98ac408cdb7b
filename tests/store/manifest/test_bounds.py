"""Stores that came from elsewhere: absurd manifests and files are refused by a line, at once."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.errors import ManifestError, SetupError, WeightsError
from app.models.sizes import MAX_ARGUMENT
from app.store.importers.labels import read_labels
from app.store.manifest.manifest import read_store
from app.store.registry.publishing import publish, publish_folder
from app.store.storage.store import Store
from tests.support import tiny

Edit = Callable[[str, str], Path]

LONG = ",".join(f'"tag {number}"' for number in range(5_000)).replace(",", ",\n")

ABSURD = {
    "golden input of years": ("seconds = 7.5", "seconds = 1e9", "golden.seconds: "),
    "golden input of minutes": ("seconds = 7.5", "seconds = 599", "golden.seconds: "),
    "negative seed": ("seed = ", "seed = -", "golden.seed: "),
    "seed beyond all": ("seed = ", "seed = 9999", "golden.seed: "),
    "window of hours": ("\nframes = 187", "\nframes = 1000000", "window_frames: "),
    "endless transform": ("n_fft = [512]", "n_fft = [1048574]", "front_end"),
    "many transforms": ("n_fft = [512]", "n_fft = [" + "512, " * 999 + "512]", "window_frames"),
    "bands without end": ("n_mels = 96", "n_mels = 1000000", "front_end: bands, n_fft: "),
    "a frame a sample": ("hop = 256", "hop = 1", "golden.seconds: "),
    "tags without end": ('"guitar"', f'"guitar",\n{LONG}', "tags.names: "),
    "a number of thousands of digits": ("hop = 256", "hop = 1" + "0" * 5_000, ""),
    "a large hexadecimal number": ("hop = 256", "hop = 0x" + "f" * 10_000, ""),
    "a line without end": ("hop = 256", "hop = 256 #" + " " * 2**15, "line 15 has more than"),
    "a key of many parts": (
        "[golden]",
        ".".join("a" * 8_000) + " = 1\n[golden]",
        "bytes or 256 points",
    ),
    "nesting without end": ("hop = 256", "hop = " + "[" * 9_000, ""),
    "a file beyond all": ("hop = 256", "hop = 256\n" + "#\n" * 2**19, "it is larger than"),
    "weights elsewhere": ('"weights.safetensors"', '"../../weights.safetensors"', "weights.file: "),
    "weights of no path": ('"weights.safetensors"', r'"w\u0000.safetensors"', "weights.file: "),
    "a checkpoint elsewhere": ('"MTT_vgg"', '"../../MTT_vgg"', "source.wheel_checkpoint: "),
}


@pytest.mark.parametrize("what", ABSURD)
def test_an_absurd_manifest_is_refused_with_one_line(
    what: str, own_store: Path, edit: Edit
) -> None:
    old, new, words = ABSURD[what]
    path = edit(old, new)

    with pytest.raises(SetupError, match=f"^{path}: ") as refused:
        read_store(Store(own_store))

    message = str(refused.value)
    assert words in message
    assert len(message) < 1_500
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("fcn", {"channels": [1_000_000], "pools": [[4, 2]]}),
        ("fcn", {"channels": [2**70], "pools": [[4, 2]]}),
        ("fcn", {"channels": [MAX_ARGUMENT] * 3, "pools": [[1, 1]] * 3}),
        ("fcn", {"channels": [1] * 100_000, "pools": [[1, 1]] * 100_000}),
        ("fcn", {"channels": {"a": "b"}}),
        ("musicnn", {"hidden_units": 1_000_000}),
        ("musicnn", {"hidden_units": -1}),
        ("musicnn", {"mid_channels": 1e300}),
        ("spectnt", {"n_blocks": 60_000}),
        ("harmonic_cnn", {"notes_per_semitone": 60_000}),
        ("embedding_probe", {"encoder": "embedding_probe", "arguments": {"encoder": "fcn"}}),
        ("ensemble", {"members": {"a": {"architecture": "fcn", "front_end": {}}}}),
    ],
)
def test_a_network_of_absurd_size_is_refused_before_it_is_built(
    name: str, arguments: dict[str, object], tmp_path: Path
) -> None:
    spec = tiny.spec(architecture={"name": name, "arguments": arguments})
    with pytest.raises((ManifestError, WeightsError), match=r"tiny(/1)?: ") as refused:
        publish(Store(tmp_path), spec, tiny.weights())
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("file", ["manifest.toml", "weights.safetensors"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_pipe_or_a_device_in_a_store_is_not_waited_for(
    make: Callable[[Path], None], file: str, prepared_folder: Store, tmp_path: Path
) -> None:
    assert prepared_folder.folder
    (prepared_folder.folder / file).unlink()
    make(prepared_folder.folder / file)
    with pytest.raises(SetupError, match=f"{file}: can't be read: it is a pipe"):
        publish_folder(Store(tmp_path / "store"), prepared_folder)


def test_weights_of_absurd_size_are_not_read(prepared_folder: Store, tmp_path: Path) -> None:
    assert prepared_folder.folder
    os.truncate(prepared_folder.folder / "weights.safetensors", 2**40)  # of holes
    with pytest.raises(SetupError, match="it is larger than"):
        publish_folder(Store(tmp_path / "store"), prepared_folder)


@pytest.mark.parametrize("url", ["x" * 5_000, "x\0y", "a/" * 3_000])
def test_a_store_at_an_impossible_location_is_refused(url: str) -> None:
    with pytest.raises(SetupError) as refused:
        read_store(Store(url))
    assert "\n" not in str(refused.value)


def test_a_list_of_many_tags_is_read_quickly(tmp_path: Path) -> None:
    (tmp_path / "tags").write_text("".join(f"{number}\n" for number in range(80_000)))
    assert len(read_labels(tmp_path / "tags")) == 80_000

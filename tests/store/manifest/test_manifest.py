import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.domain import ModelRef
from app.errors import ManifestError
from app.samples import ShortTrack
from app.store.manifest.manifest import read_manifest, read_store
from app.store.registry.loading import load
from app.store.storage.store import Store

Edit = Callable[[str, str], Path]

MISTAKES = {
    "unknown key": ("hop = 256", "hop = 256\nhopp = 256", "front_end.spectrum.hopp: "),
    "missing field": ("hop = 256\n", "", "front_end.spectrum.hop: "),
    "missing table": ('[source]\nwheel_checkpoint = "', '[other]\nx = "', "source: "),
    "unknown table": ('[evaluation]\ndataset = "', '[other]\nx = "', "other: "),
    "text for a number": ("hop = 256", 'hop = "wide"', "front_end.spectrum.hop: "),
    "negative length": ("\nframes = 187", "\nframes = -187", "window.frames: "),
    "window of no whole number of frames": (
        "\nframes = 187",
        "\nframes = 187.5",
        "window.frames: ",
    ),
    "hop beyond the window": ("hop_frames = 187", "hop_frames = 188", "window.hop_frames: "),
    "unknown way to fill a window": (
        "hop_frames = 187",
        'hop_frames = 187\nshort_track = "mirror"',
        "window.short_track: ",
    ),
    "odd Fourier transform": ("n_fft = [512]", "n_fft = [511]", "front_end.spectrum: "),
    "bands beyond half the rate": ("f_max = 8000.0", "f_max = 8001.0", "front_end: "),
    "number beyond all": ("hop = 256", "hop = 1" + "0" * 400, "a number"),
    "tag named twice": ('"guitar"', '"classical"', "named twice: classical"),
    "one golden score too few": ("0.069121, ", "", "golden.mean_scores: "),
    "one tag too many": (
        '"guitar"',
        '"guitar", "lute"',
        "confidence.weights: 50 numbers for 51 tags",
    ),
    "golden score above 1": ("0.069121", "1.069121", "golden.mean_scores.0: "),
    "one base rate too few": ("0.1876, ", "", "base_rates.rates: 49 rates for 50 tags"),
    "base rate of nothing": ("0.1876", "0.0", "base_rates.rates.0: "),
    "base rate of all": ("0.1876", "1.0", "base_rates.rates.0: "),
    "base rates of no source": (
        'source = "Share of the clips in MagnaTagATune\'s annotations_final.csv"',
        'source = ""',
        "base_rates.source: ",
    ),
    "typical scores of too few tags": (
        '[[confidence.not_music]]\nkind = "tones"',
        '[[confidence.not_music]]\nkind = "hum"\nradius = 0.4\ntypical = [[0.5]]\n'
        '[[confidence.not_music]]\nkind = "tones"',
        "confidence.not_music.hum: 1 numbers for 50 tags",
    ),
    "a classifier of too many tags": (
        "weights = [",
        "weights = [0.5, ",
        "confidence.weights: 51 numbers for 50 tags",
    ),
    "no typical scores": (
        '[[confidence.not_music]]\nkind = "tones"',
        '[[confidence.not_music]]\nkind = "hum"\nradius = 0.4\ntypical = []\n'
        '[[confidence.not_music]]\nkind = "tones"',
        "confidence.not_music.1.typical: ",
    ),
    "radius below nothing": (
        'kind = "noise"\nradius = ',
        'kind = "noise"\nradius = -',
        "confidence.not_music.0.radius: ",
    ),
    "hash cut short": ('sha256 = "2033', 'sha256 = "', "weights.sha256: "),
    "weights outside of the folder": (
        'file = "weights.safetensors"',
        'file = "../weights.safetensors"',
        "weights.file: ",
    ),
    "weights that could run code": (
        'file = "weights.safetensors"',
        'file = "weights.pickle"',
        "weights.file: ",
    ),
    "version that is not a number": ('version = "1"', 'version = "one"', "version: "),
    "name of another folder": ('name = "mtt-vgg"', 'name = "mtt-gvg"', "mtt-gvg/1"),
    "version of another folder": ('version = "1"', 'version = "2"', "mtt-vgg/2"),
    "broken TOML": ("[front_end]", "[front_end", "line 11"),
    "key given twice": ("hop = 256", "hop = 256\nhop = 256", "line 16"),
}


@pytest.mark.parametrize(("old", "new", "where"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_in_a_manifest_is_refused_with_its_file_and_location(
    old: str, new: str, where: str, own_store: Path, edit: Edit
):
    path = edit(old, new)

    with pytest.raises(ManifestError) as refused:
        read_store(Store(own_store))

    assert str(refused.value).startswith(f"{path}: ")
    assert where in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_manifest_may_say_that_short_tracks_are_padded(own_store: Path, edit: Edit):
    before = read_store(Store(own_store))["mtt-vgg"].window_spec
    edit("hop_frames = 187", 'hop_frames = 187\nshort_track = "pad"')

    after = read_store(Store(own_store))["mtt-vgg"].window_spec

    assert (before.short_track, after.short_track) == (ShortTrack.REPEAT, ShortTrack.PAD)


def test_a_manifest_in_another_encoding_is_refused_with_its_file(own_store: Path):
    path = own_store / "mtt-vgg" / "1" / "manifest.toml"
    path.write_bytes(path.read_text().replace("VGG", "Véçë", 1).encode("latin-1"))

    with pytest.raises(ManifestError, match=str(path)):
        read_store(Store(own_store))


def test_a_missing_manifest_is_refused_with_its_path(tmp_path: Path):
    with pytest.raises(ManifestError, match=f"{tmp_path}/a/1/manifest.toml: there is no such"):
        read_manifest(Store(tmp_path), ModelRef("a", "1"))


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path / "nowhere"])
def test_a_store_without_models_is_refused_with_the_setting_to_change(
    make: Callable[[Path], Path], tmp_path: Path
):
    with pytest.raises(ManifestError, match="TAGGRAM_MODEL_STORE"):
        read_store(Store(make(tmp_path)))


def test_an_unknown_architecture_is_refused_with_the_known_ones(own_store: Path, edit: Edit):
    edit('name = "vgg"', 'name = "resnet"')

    with pytest.raises(ManifestError, match=r"mtt-vgg/1: .*'resnet'.* musicnn, .*vgg"):
        load(Store(own_store), read_store(Store(own_store))["mtt-vgg"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pools = ", "chanels = [128, 128, 128, 128, 128]\npools = "),
        ("pools = ", "channels = [128, 128, 128, 128]\npools = "),
        ("pools = ", "channels = [0, 128, 128, 128, 128]\npools = "),
        ("pools = ", "channels = 128\npools = "),
        ("pools = ", 'channels = "many"\npools = '),
        ("pools = ", "n_tags = 3\npools = "),
        (", [4, 4, 4, 4]]", "]"),
        ("[4, 4, 4, 4]", "[400, 4, 4, 4]"),
    ],
)
def test_an_unknown_argument_of_the_architecture_is_refused(
    old: str, new: str, own_store: Path, edit: Edit
):
    edit(old, new)

    with pytest.raises(ManifestError, match=r"mtt-vgg/1: architecture\.arguments: "):
        load(Store(own_store), read_store(Store(own_store))["mtt-vgg"])


def test_the_newest_version_is_the_highest_number_not_the_last_in_the_alphabet(own_store: Path):
    for version in ("2", "9", "10"):
        folder = shutil.copytree(own_store / "mtt-vgg" / "1", own_store / "mtt-vgg" / version)
        manifest = folder / "manifest.toml"
        manifest.write_text(
            manifest.read_text().replace('version = "1"', f'version = "{version}"', 1)
        )

    assert read_store(Store(own_store))["mtt-vgg"].version == "10"

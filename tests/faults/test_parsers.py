"""All input of strangers and operators is read, or refused with the parser's own error.

The parsers of vocabularies and of cached values have such tests in their own files.
"""

import io
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.audio.containers.sections import sections
from app.audio.containers.start import Start, find_start
from app.audio.decoders.av_source import DEMUXERS
from app.domain import ModelRef
from app.errors import Kind, ManifestError, RequestError
from app.store.manifest.manifest import Manifest, read_manifest, read_store
from app.store.storage.store import Store

MAGICS = (
    b"RIFF",
    b"RF64",
    b"FORM",
    b"fLaC",
    b"OggS",
    b"ID3\4\0\0",
    b"\xff\xfb",
    b"\x1a\x45\xdf\xa3",
)
BEGINNINGS = st.lists(
    st.sampled_from((*MAGICS, b"WAVE", b"AIFF", b"ftyp", b"M4A ", b"\0\0\0\0", b"\x7f\x7f\x7f\x7f"))
    | st.binary(max_size=6)
).map(b"".join)

VALUES = st.sampled_from(
    [
        *("-1", "0", "1e400", "nan", "inf", "1" + "0" * 400, "1" * 5_000, "0.0", "1979-05-27"),
        *("true", "''", "[]", "{}", "[[]]", '"\\ud800"', '"\\u0000"', "[" * 5_000, "{a=" * 2_000),
    ]
)
PIECES = VALUES | st.sampled_from([*"[]{}=.,#\"'\n\\\0", "\n[x]\n", "'''"]) | st.text(max_size=4)


@pytest.fixture
def manifest(store: Path, tmp_path: Path) -> Path:
    """A valid manifest in its place."""
    model = read_store(Store(store))["mtt-vgg"]
    path = tmp_path / model.name / model.version / "manifest.toml"
    path.parent.mkdir(parents=True)
    path.write_text((store / model.name / model.version / path.name).read_text())
    return path


@given(data=st.binary(max_size=64) | BEGINNINGS)
@example(data=b"ID3\4\0\0\x7f\x7f\x7f\x7f")
@example(data=b"ID3\4\0\0\0\0\0\0" * 10_000)
def test_any_first_bytes_name_a_demuxer_leave_it_open_or_are_unsupported(data: bytes) -> None:
    try:
        outcome: str | Kind | None = find_start(io.BytesIO(data)).demuxer
    except RequestError as error:
        outcome = error.kind

    assert outcome in {*DEMUXERS, None, Kind.UNSUPPORTED_AUDIO}


@given(data=st.lists(st.binary(max_size=40) | st.just(b"OggS\0\2")).map(b"".join))
def test_the_links_of_any_ogg_cover_all_of_it(data: bytes) -> None:
    parts = [part.read() for part in sections(io.BytesIO(data), Start("ogg", 0))]

    assert data.endswith(b"".join(parts))
    assert all(part.startswith(b"OggS") for part in parts[1:])


@pytest.mark.parametrize(
    "line",
    [
        "hop = 1" + "0" * 400,  # no float is as large
        "hop = " + "1" * 5_000,  # Python reads no number with as many digits
        "hop = " + "{a=" * 2_000,
        "hop = " + "[" * 5_000,
        "log = { gain = inf }",
        "log = { gain = 1e400 }",
    ],
    ids=lambda line: line[:16],
)
def test_an_invalid_value_in_a_manifest_is_refused(line: str, manifest: Path) -> None:
    key = line.partition(" = ")[0]
    lines = [
        line if old.startswith(f"{key} = ") else old for old in manifest.read_text().splitlines()
    ]
    manifest.write_text("\n".join(lines))

    with pytest.raises(ManifestError, match=str(manifest)):
        read(manifest)


@given(data=st.data())
def test_a_manifest_with_any_value_is_read_or_refused(data: st.DataObject, manifest: Path) -> None:
    lines = manifest.read_text().splitlines()
    try:
        at = data.draw(st.sampled_from([n for n, line in enumerate(lines) if " = " in line]))
        changed = [*lines]
        changed[at] = f"{lines[at].partition(' = ')[0]} = {data.draw(VALUES)}"
        _read_or_refused(manifest, "\n".join(changed).encode())
    finally:
        manifest.write_text("\n".join(lines))


@given(at=st.integers(0, 3_000), drop=st.integers(0, 9), piece=PIECES)
def test_a_manifest_with_any_mistake_is_read_or_refused(
    at: int, drop: int, piece: str, manifest: Path
) -> None:
    right = manifest.read_text()
    try:
        _read_or_refused(
            manifest, (right[:at] + piece + right[at + drop :]).encode(errors="replace")
        )
    finally:
        manifest.write_text(right)


@given(data=st.binary())
@example(data=b"a = " + b"[" * 100_000)
@example(data=b"a = " + b"1" * 100_000)
def test_random_bytes_are_refused_as_a_manifest(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "manifest.toml"
    path.write_bytes(data)

    with pytest.raises(ManifestError, match=path.name):
        read(path)


def read(path: Path) -> Manifest:
    """Read it as a part of its store."""
    *_, name, version, _ = path.parts
    return read_manifest(Store(path.parents[2]), ModelRef(name, version))


def _read_or_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    try:
        outcome: Manifest | str = read(path)
    except ManifestError as refused:
        outcome = str(refused)

    if isinstance(outcome, str):
        assert outcome.startswith(f"{path}: ")
    else:
        assert 0 < outcome.window_spec.hop_frames <= outcome.window_spec.window_frames

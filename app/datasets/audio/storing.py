"""Fill an audio store: each track is decoded once, in the service's own sandbox.

A shard is written before its index. So a run that was killed resumes with its last shard, and the
result has the same bytes.
"""

import asyncio
import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.audio.duration_estimate import estimate_duration_s
from app.datasets.audio.audio_store import (
    ABOUT,
    SAMPLE,
    About,
    AudioStore,
    Entry,
    Refused,
    Shard,
    read_about,
    shards_folder,
)
from app.datasets.audio.decoded import (
    DecodedTrack,
    Outcomes,
    Unreadable,
    decode_files,
    make_decoder,
    sha256,
)
from app.datasets.tracks import Track
from app.errors import SetupError
from app.files import atomic_file, locked_folder, write_atomically, write_error
from app.paths import join_inside, open_file

TRACKS_A_SHARD = 64

MIN_SHARE = 0.5
"""The share of the estimated size that is certainly needed: the estimate uses the files' sizes,
and MP3s of 320 kbit/s have little more than half of the estimated duration."""


@dataclass(frozen=True)
class Stored:
    """The result of filling a store.

    Attributes:
        added: Number of tracks decoded now.
        known: Number of tracks stored before.
        refused: By id of each track that can't be decoded, the reason.
        unread: By id of each track with a missing or unreadable file, the reason.
    """

    added: int
    known: int
    refused: dict[str, str]
    unread: dict[str, str]


def store_tracks(
    tracks: Iterable[Track],
    audio: Path,
    folder: Path,
    *,
    sample_rate: int,
    jobs: int,
    on_progress: Callable[[int, int], None],
    channels: int = 1,
) -> Stored:
    """Decode the tracks that a store lacks.

    Args:
        tracks: The tracks to store; their files are `<audio>/<dataset>/<path>`.
        audio: The folder that `taggram data fetch` filled.
        folder: The folder of the store; it is created if needed.
        sample_rate: The sample rate of the store, in Hz.
        jobs: Number of files decoded at a time.
        on_progress: Called after each track with the numbers of tracks done and in all.
        channels: 1 for a mono store, 2 for stereo.

    Returns:
        The numbers of decoded and known tracks, and the failed ones.

    Raises:
        SetupError: The store has another sample rate or number of channels, another run fills it,
            there is not enough disk space, or a track's path leads out of `audio`; written shards
            are kept.
    """
    files = {track.id: join_inside(audio, f"{track.dataset}/{track.path}") for track in tracks}
    with locked_folder(folder):
        about = About.model_validate({"sample_rate": sample_rate, "channels": channels})
        store = _open_locked(folder, about)
        new = _undecoded(store, files)
        present = {key: files[key] for key in new if files[key].is_file()}
        _check_room(folder, present.values(), about)
        unread = asyncio.run(_fill(shards_folder(folder), present, about, jobs, on_progress))
        after = AudioStore.open(folder)
    refused = {each.id: each.why for each in after.refused if each.id not in after}
    return Stored(
        added=len(after) - len(store),
        known=sum(key in store for key in files),
        refused={key: why for key, why in refused.items() if key in files},
        unread={key: "the file does not exist" for key in new if key not in present} | unread,
    )


def _open_locked(folder: Path, about: About) -> AudioStore:
    """Open a store that is locked by this run, and delete what a killed run left."""
    known = read_about(folder)
    if known is None:
        write_atomically(folder / ABOUT, about.model_dump_json().encode())
    elif known != about:
        raise SetupError(
            f"{folder}: the audio store has a sample rate of {known.words}, not {about.words}; "
            "choose another folder"
        )
    for left in shards_folder(folder).glob("*.pcm"):
        if not left.with_suffix(".json").exists():
            left.unlink()
    return AudioStore.open(folder)


def _undecoded(store: AudioStore, files: Mapping[str, Path]) -> list[str]:
    """Return the tracks to decode, in order: not those refused before with unchanged files."""
    refused = {(each.id, each.source) for each in store.refused}
    refused_ids = {key for key, _ in refused}
    return sorted(
        key
        for key, file in files.items()
        if key not in store and not (key in refused_ids and (key, _source(file)) in refused)
    )


def _source(path: Path) -> str | None:
    """Return the SHA-256 of a file, or None if it can't be read, which decoding reports later."""
    try:
        return sha256(path)
    except OSError:
        return None


def _check_room(folder: Path, files: Iterable[Path], about: About) -> None:
    second = about.sample_rate * about.channels * SAMPLE.itemsize
    needed = MIN_SHARE * sum(map(_expected_s, files)) * second
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise SetupError(
            f"{folder}: at least {needed / 1e9:.1f} GB are needed, and {free / 1e9:.1f} GB are "
            "free; make room, or choose another folder"
        )


def _expected_s(path: Path) -> float:
    try:
        with open_file(path) as file:
            return estimate_duration_s(file)
    except OSError:  # as above
        return 0


async def _fill(
    folder: Path,
    files: Mapping[str, Path],
    about: About,
    jobs: int,
    on_progress: Callable[[int, int], None],
) -> dict[str, str]:
    """Write all shards; return the files that can't be read, with the reasons."""
    decoder = make_decoder(about.sample_rate, jobs, about.channels)
    coming = decode_files(decoder, files, 2 * jobs, on_progress)
    ids, unread = list(files), dict[str, str]()
    for first in range(0, len(ids), TRACKS_A_SHARD):
        unread |= await _write_shard(folder, ids[first : first + TRACKS_A_SHARD], coming)
    return unread


async def _write_shard(folder: Path, ids: Sequence[str], coming: Outcomes) -> dict[str, str]:
    """Write a shard of the given tracks, and then its index."""
    path = folder / f"{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:16]}.pcm"
    entries, refused, unread = list[Entry](), list[Refused](), dict[str, str]()
    digest, offset = hashlib.sha256(), 0
    try:
        with atomic_file(path) as file:
            for key in ids:
                match await anext(coming):
                    case DecodedTrack(samples, source):
                        file.write(samples.data)
                        digest.update(samples.data)
                        count = len(samples)
                        entries.append(Entry(id=key, offset=offset, samples=count, source=source))
                        offset += count
                    case Refused() as each:
                        refused.append(each)
                    case Unreadable(why):
                        unread[key] = why
    except OSError as error:
        raise write_error(path, error) from error
    shard = Shard(sha256=digest.hexdigest(), tracks=tuple(entries), refused=tuple(refused))
    write_atomically(path.with_suffix(".json"), shard.model_dump_json().encode())
    return unread

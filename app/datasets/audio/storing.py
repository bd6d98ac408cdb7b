"""Fills an audio store: each track decoded once, in the service's own sandbox.

A shard is written, and only then what is in it; so a run that was killed goes on with the shard
that it was at, and ends with the very same bytes.
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
from app.datasets.audio.decoded import Embedded, Outcomes, Unread, decoder, outcomes, sha256
from app.datasets.tracks import Track
from app.errors import SetupError
from app.files import atomic_file, locked_folder, write_atomically, write_error
from app.paths import join_inside, open_file

TRACKS_A_SHARD = 64

SURE = 0.5
"""So much of the room that is guessed from the files' sizes is needed at least: MP3s of 320 kbit/s
hold little more than half of the seconds that are expected."""


@dataclass(frozen=True)
class Stored:
    """What became of the tracks.

    Attributes:
        added: How many were decoded now.
        known: How many were there.
        refused: Ids of those that can't be decoded, with the reason.
        unread: Ids of those whose file is not there or can't be read, with the reason.
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
) -> Stored:
    """Decode what a store does not have yet.

    Args:
        tracks: What is wanted; their files are `<audio>/<dataset>/<path>`.
        audio: As `taggram data fetch` filled it.
        folder: The store's; made where it is not there.
        sample_rate: In Hz.
        jobs: Files decoded at a time.
        on_progress: Told after each track how many are done, of how many.

    Raises:
        SetupError: The store is of another rate, another run fills it, there is no room for it, or
            a track's path leads out of `audio`; what was written stays.
    """
    files = {track.id: join_inside(audio, f"{track.dataset}/{track.path}") for track in tracks}
    with locked_folder(folder):
        store = _claimed(folder, sample_rate)
        new = _new(store, files)
        there = {key: files[key] for key in new if files[key].is_file()}
        _check_room(folder, there.values(), sample_rate)
        unread = asyncio.run(_fill(shards_folder(folder), there, sample_rate, jobs, on_progress))
        after = AudioStore.open(folder)
    refused = {each.id: each.why for each in after.refused if each.id not in after}
    return Stored(
        added=len(after) - len(store),
        known=sum(key in store for key in files),
        refused={key: why for key, why in refused.items() if key in files},
        unread={key: "there is no such file" for key in new if key not in there} | unread,
    )


def _claimed(folder: Path, sample_rate: int) -> AudioStore:
    """Open a store to which nobody else writes, and clear what a killed run left."""
    about = read_about(folder)
    if about is None:
        write_atomically(folder / ABOUT, About(sample_rate=sample_rate).model_dump_json().encode())
    elif about.sample_rate != sample_rate:
        raise SetupError(
            f"{folder}: this audio store holds {about.sample_rate} Hz, not {sample_rate}; choose "
            "another folder"
        )
    for left in shards_folder(folder).glob("*.pcm"):
        if not left.with_suffix(".json").exists():
            left.unlink()
    return AudioStore.open(folder)


def _new(store: AudioStore, files: Mapping[str, Path]) -> list[str]:
    """The tracks to decode, in order: not those that were refused and whose files are the same."""
    refused = {(each.id, each.source) for each in store.refused}
    ever = {key for key, _ in refused}
    return sorted(
        key
        for key, file in files.items()
        if key not in store and not (key in ever and (key, _source(file)) in refused)
    )


def _source(path: Path) -> str | None:
    """SHA-256 of a file; none where it can't be read, which is told of when its turn comes."""
    try:
        return sha256(path)
    except OSError:
        return None


def _check_room(folder: Path, files: Iterable[Path], sample_rate: int) -> None:
    needed = SURE * sum(map(_expected_s, files)) * sample_rate * SAMPLE.itemsize
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
    sample_rate: int,
    jobs: int,
    on_progress: Callable[[int, int], None],
) -> dict[str, str]:
    """Write shard after shard; returns which files can't be read, with the reason."""
    coming = outcomes(decoder(sample_rate, jobs), files, 2 * jobs, on_progress)
    ids, unread = list(files), dict[str, str]()
    for first in range(0, len(ids), TRACKS_A_SHARD):
        unread |= await _write_shard(folder, ids[first : first + TRACKS_A_SHARD], coming)
    return unread


async def _write_shard(folder: Path, ids: Sequence[str], coming: Outcomes) -> dict[str, str]:
    """Write the next tracks one behind the other, and then what came of them."""
    path = folder / f"{hashlib.sha256(' '.join(ids).encode()).hexdigest()[:16]}.pcm"
    entries, refused, unread = list[Entry](), list[Refused](), dict[str, str]()
    digest, offset = hashlib.sha256(), 0
    try:
        with atomic_file(path) as file:
            for key in ids:
                match await anext(coming):
                    case Embedded(samples, source):
                        file.write(samples.data)
                        digest.update(samples.data)
                        count = len(samples)
                        entries.append(Entry(id=key, offset=offset, samples=count, source=source))
                        offset += count
                    case Refused() as each:
                        refused.append(each)
                    case Unread(why):
                        unread[key] = why
    except OSError as error:
        raise write_error(path, error) from error
    shard = Shard(sha256=digest.hexdigest(), tracks=tuple(entries), refused=tuple(refused))
    write_atomically(path.with_suffix(".json"), shard.model_dump_json().encode())
    return unread

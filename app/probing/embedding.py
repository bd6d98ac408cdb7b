"""Embed songs: files of a folder, or tracks of an audio store.

    files --(SHA-256)--> distinct songs --(decode, infer)--> embeddings, cached on disk

A song in several folders is inferred once, and a stopped run can be resumed.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from app.cpus import usable_cpus
from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.decoded import sha256
from app.datasets.audio.storing import store_tracks
from app.datasets.loaders import folder
from app.datasets.loaders.dataset import Skipped
from app.datasets.tracks import Track
from app.domain import Times
from app.evaluation.scoring import NOT_STORED
from app.files import locked_folder
from app.paths import join_inside
from app.probing.encoder import Embeddings, Encoder

SONGS_AT_ONCE = 32
"""The number of songs decoded on disk at a time: about 300 MB."""

OnProgress = Callable[[int, int], object]
"""Called with the numbers of songs done and in all."""


@dataclass(frozen=True, eq=False)
class Song:
    """A song and its embeddings.

    Attributes:
        track: The first of the identical files, with the tags of all of them.
        windows: Its embeddings, (windows, dimensions).
        starts_s: The start of each window, (windows,), in seconds.
    """

    track: Track
    windows: Embeddings
    starts_s: Times


@dataclass(frozen=True, eq=False)
class EmbeddedSongs:
    """The result of embedding files.

    Attributes:
        songs: Each distinct song once.
        skipped: By path of each skipped file, the reason.
        repeats: Number of files that are identical to another one.
    """

    songs: tuple[Song, ...]
    skipped: dict[str, str]
    repeats: int = 0


def read_own_tracks(source: Path) -> tuple[Path, tuple[Track, ...], dict[str, str]]:
    """Read a folder or a CSV file of a user's own tracks.

    Args:
        source: As `app.datasets.loaders.folder` describes it.

    Returns:
        The folder to which `<dataset>/<path>` are relative; the tracks with tags; by file of each
        skipped row or track, the reason.

    Raises:
        SetupError: It is invalid or empty.
    """
    dataset = folder.load(source)
    root = source.absolute() if source.is_dir() else source.absolute().parent
    tracks = tuple(replace(each, dataset=root.name) for each in dataset.tracks if each.tags)
    skipped = {_location(each): each.why for each in dataset.skipped}
    skipped |= {each.path: "it has no tags" for each in dataset.tracks if not each.tags}
    return root.parent, tracks, skipped


def embed_files(
    encoder: Encoder, audio: Path, tracks: Iterable[Track], cache: Path, on_progress: OnProgress
) -> EmbeddedSongs:
    """Embed files; of files that were embedded before only the SHA-256 is computed.

    Args:
        encoder: The model.
        audio: The folder to which `<dataset>/<path>` of each track are relative.
        tracks: Which tracks.
        cache: A folder for decoded audio; it is locked against other runs.
        on_progress: See `OnProgress`.

    Returns:
        The songs, and the files that were skipped.

    Raises:
        SetupError: The cache can't be written.
    """
    files, skipped = _digests(audio, tracks)
    songs = {digest: _merged(repeats) for digest, repeats in files.items()}
    new = [digest for digest in songs if not encoder.has(digest)]
    with locked_folder(cache):
        for first in range(0, len(new), SONGS_AT_ONCE):
            on_progress(first, len(new))
            group = [replace(songs[each], id=each) for each in new[first : first + SONGS_AT_ONCE]]
            refused = _embed_group(encoder, audio, group, cache / "decoded")
            skipped |= {songs[digest].path: why for digest, why in refused.items()}
    on_progress(len(new), len(new))
    cached = ((track, encoder.cached(digest)) for digest, track in songs.items())
    embedded = tuple(Song(track, each.windows, each.starts_s) for track, each in cached if each)
    return EmbeddedSongs(embedded, skipped, sum(map(len, files.values())) - len(files))


def embed_stored(
    encoder: Encoder, audio: AudioStore, tracks: Sequence[Track], on_progress: OnProgress
) -> EmbeddedSongs:
    """Embed tracks of an audio store.

    Args:
        encoder: The model.
        audio: The store; tracks that it lacks are skipped.
        tracks: Which tracks.
        on_progress: See `OnProgress`.

    Returns:
        The songs, and the tracks that were skipped.

    Raises:
        SetupError: The store does not fit the model, or embeddings can't be written.
    """
    audio.check_fits(encoder.manifest.front_end, str(encoder.manifest.ref))
    songs = []
    for done, track in enumerate(stored := [each for each in tracks if each.id in audio]):
        on_progress(done, len(stored))
        digest = audio.digests[track.id]
        embedded = encoder.cached(digest) or encoder.embed(audio.samples(track.id), digest)
        songs.append(Song(track, embedded.windows, embedded.starts_s))
    skipped = {each.path: NOT_STORED for each in tracks if each.id not in audio}
    return EmbeddedSongs(tuple(songs), skipped)


def _location(skipped: Skipped) -> str:
    return f"{skipped.file}, line {skipped.row}" if skipped.row else str(skipped.file)


def _digests(
    audio: Path, tracks: Iterable[Track]
) -> tuple[Mapping[str, list[Track]], dict[str, str]]:
    """Group tracks by the SHA-256 of their file; also return the files that can't be read."""
    pairs, unread = list[tuple[str, Track]](), dict[str, str]()
    for track in tracks:
        try:
            pairs.append((sha256(join_inside(audio, f"{track.dataset}/{track.path}")), track))
        except OSError as error:
            unread[track.path] = f"can't be read: {error.strerror}"
    pairs.sort(key=lambda pair: (pair[0], pair[1].path))
    by_digest = groupby(pairs, key=lambda pair: pair[0])
    return {digest: [track for _, track in repeats] for digest, repeats in by_digest}, unread


def _merged(repeats: Sequence[Track]) -> Track:
    """Return one track for identical files: a song in two folders has two tags."""
    tags = dict.fromkeys(tag for each in repeats for tag in each.tags)
    artist = next((each.artist for each in repeats if each.artist), "")
    return replace(repeats[0], tags=tuple(tags), artist=artist)


def _embed_group(encoder: Encoder, audio: Path, songs: Sequence[Track], to: Path) -> dict[str, str]:
    """Decode and embed songs whose ids are their digests; return failures with the reasons."""
    front = encoder.manifest.front_end
    with _emptied(to):
        stored = store_tracks(
            songs,
            audio,
            to,
            sample_rate=front.sample_rate,
            jobs=usable_cpus(),
            on_progress=lambda *_: None,
            channels=front.channels,
        )
        decoded = AudioStore.open(to)
        for digest in decoded:
            encoder.embed(decoded.samples(digest), digest)
    return stored.refused | stored.unread


@contextmanager
def _emptied(path: Path) -> Iterator[None]:
    """Delete a folder before use, in case a run was killed, and after."""
    shutil.rmtree(path, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)

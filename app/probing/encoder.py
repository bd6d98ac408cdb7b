"""What a published network makes of the windows of songs before it names tags: embeddings.

    files --(SHA-256)--> songs, each once --(decoded, heard, forgotten)--> embeddings, kept on disk

They are kept by the SHA-256 of the file and all that the model hears by, so that whoever was
stopped goes on where that was, and hears a song once in whichever folders it lies.
"""

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from app.cpus import usable_cpus
from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import FULL_SCALE
from app.datasets.audio.decoded import sha256
from app.datasets.audio.storing import store_tracks
from app.datasets.loaders import folder
from app.datasets.loaders.dataset import Skipped
from app.datasets.tracks import Track
from app.domain import Precision, Waveform
from app.errors import SetupError
from app.evaluation.scoring import HEARS_BY, NOT_STORED
from app.files import atomic_file, locked_folder, write_error
from app.inference.tensorflow_engine import TensorFlowEngine
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.paths import check_is_file, join_inside
from app.store.manifest.manifest import manifests
from app.store.registry.aliases import resolve
from app.store.registry.loading import TrackModel, load_folded
from app.store.registry.weights import read_weights
from app.store.storage.store import Store

SONGS_AT_ONCE = 32
"""So many lie decoded on disk at a time: some 300 MB."""

Embeddings = npt.NDArray[np.float32]
"""(windows, dimensions)."""

OnProgress = Callable[[int, int], object]
"""Is told how many songs are heard, of how many."""


@dataclass(frozen=True, eq=False)
class Song:
    """A song as a network heard it.

    Attributes:
        track: Where it lies first, with the tags of all its copies.
        windows: What the network made of each window.
    """

    track: Track
    windows: Embeddings


@dataclass(frozen=True, eq=False)
class Embedded:
    """What became of files.

    Attributes:
        songs: Each once.
        skipped: By path, why a file was not heard.
        repeats: How many files are the same as another one.
    """

    songs: tuple[Song, ...]
    skipped: dict[str, str]
    repeats: int = 0


class Encoder:
    """A published network without its last layer.

    Attributes:
        manifest: The model's.
        weights: All of its weights, by path.
    """

    def __init__(self, models: Store, wanted: str, cache: Path) -> None:
        """Load it, which takes seconds.

        Args:
            models: Where it is published.
            wanted: `name`, `name/version` or `name/alias`.
            cache: Embeddings are kept in it.

        Raises:
            SetupError: There is no such model, it is not what its manifest says, or its last layer
                can't be taken off.
        """
        self.manifest = resolve(models, manifests(models), wanted)
        self.weights = read_weights(models, self.manifest)
        headless = _headless(load_folded(self.manifest, self.weights))
        extractor = TensorFlowFeatureExtractor(self.manifest.front_end)
        self._engine = TensorFlowEngine(headless, Precision.FLOAT32, extractor)
        hears_by = self.manifest.model_dump_json(include=HEARS_BY).encode()
        self._kept = cache / "embeddings" / hashlib.sha256(hears_by).hexdigest()[:16]
        self._dimensions = headless.network.output_shape[-1]

    def kept(self, digest: str) -> Embeddings | None:
        """What was kept of a file; none where nothing was, or a disk has spoilt it."""
        windows = self._mapped(digest)
        return None if windows is None else np.array(windows)

    def knows(self, digest: str) -> bool:
        """Whether something whole was kept of a file; reads its header and length alone."""
        return self._mapped(digest) is not None

    def hear(self, samples: npt.NDArray[np.int16], digest: str) -> Embeddings:
        """Hear a track of an audio store, and keep what came of it.

        Raises:
            SetupError: Something in it is no number, or it can't be kept.
        """
        waveform = Waveform(
            samples.astype(np.float32) / np.float32(FULL_SCALE), self.manifest.front_end.sample_rate
        )
        windows = self._engine.scores(waveform)
        if not np.isfinite(windows).all():
            raise SetupError(f"{self.manifest.ref}: it makes of {digest} what is no number")
        path = self._path(digest)
        try:
            with atomic_file(path) as file:
                np.save(file, windows)
        except OSError as error:
            raise write_error(path, error) from error
        return windows

    def _mapped(self, digest: str) -> Embeddings | None:
        try:
            check_is_file(self._path(digest))
            windows: Embeddings = np.load(self._path(digest), mmap_mode="r")
        except (OSError, EOFError, ValueError):
            return None
        return windows if windows.shape[1:] == (self._dimensions,) else None

    def _path(self, digest: str) -> Path:
        return self._kept / f"{digest}.npy"


def own_tracks(source: Path) -> tuple[Path, tuple[Track, ...], dict[str, str]]:
    """Read a folder or a CSV file of one's own.

    Args:
        source: As `app.datasets.loaders.folder` describes it.

    Returns:
        The folder to which `<dataset>/<path>` are relative; tracks with tags; what is no such
        track, with the reason.

    Raises:
        SetupError: It is none, or holds nothing.
    """
    dataset = folder.load(source)
    root = source.absolute() if source.is_dir() else source.absolute().parent
    tracks = tuple(replace(each, dataset=root.name) for each in dataset.tracks if each.tags)
    skipped = {_place(each): each.why for each in dataset.skipped}
    skipped |= {each.path: "it has no tag" for each in dataset.tracks if not each.tags}
    return root.parent, tracks, skipped


def embed_files(
    encoder: Encoder, audio: Path, tracks: Iterable[Track], cache: Path, on_progress: OnProgress
) -> Embedded:
    """Hear files; of what was heard before only the SHA-256 is made.

    Args:
        encoder: Hears them.
        audio: `<dataset>/<path>` of each track are relative to it.
        tracks: Which files.
        cache: Has room for decoded audio; one run at a time works in it.
        on_progress: See `OnProgress`.

    Raises:
        SetupError: The cache can't be written.
    """
    files, skipped = _digests(audio, tracks)
    songs = {digest: _one(repeats) for digest, repeats in files.items()}
    new = [digest for digest in songs if not encoder.knows(digest)]
    with locked_folder(cache):
        for first in range(0, len(new), SONGS_AT_ONCE):
            on_progress(first, len(new))
            some = [replace(songs[each], id=each) for each in new[first : first + SONGS_AT_ONCE]]
            refused = _hear(encoder, audio, some, cache / "decoded")
            skipped |= {songs[digest].path: why for digest, why in refused.items()}
    on_progress(len(new), len(new))
    kept = ((track, encoder.kept(digest)) for digest, track in songs.items())
    heard = tuple(Song(track, windows) for track, windows in kept if windows is not None)
    return Embedded(heard, skipped, sum(map(len, files.values())) - len(files))


def embed_stored(
    encoder: Encoder, audio: AudioStore, tracks: Sequence[Track], on_progress: OnProgress
) -> Embedded:
    """Hear tracks of an audio store.

    Args:
        encoder: Hears them.
        audio: Those that are not in it are skipped.
        tracks: Which tracks.
        on_progress: See `OnProgress`.

    Raises:
        SetupError: The store is of another rate, or what was heard can't be kept.
    """
    wanted = encoder.manifest.front_end.sample_rate
    if audio.sample_rate != wanted:
        raise SetupError(
            f"{encoder.manifest.ref} hears {wanted} Hz, the audio store holds {audio.sample_rate} "
            f"Hz; make one with `taggram data store --sample-rate {wanted}`"
        )
    songs = []
    for done, track in enumerate(stored := [each for each in tracks if each.id in audio]):
        on_progress(done, len(stored))
        digest = audio.digests[track.id]
        windows = encoder.kept(digest)
        if windows is None:
            windows = encoder.hear(audio.samples(track.id), digest)
        songs.append(Song(track, windows))
    skipped = {each.path: NOT_STORED for each in tracks if each.id not in audio}
    return Embedded(tuple(songs), skipped)


def _headless(model: TrackModel) -> TrackModel:
    try:
        embedding = model.network.get_layer("tags").input
    except ValueError:
        raise SetupError(
            f"{model.manifest.ref}: nothing can be taught on its architecture, "
            f"{model.manifest.architecture.name}; choose a model with one network and its tags"
        ) from None
    return TrackModel(model.manifest, keras.Model(model.network.input, embedding, name="encoder"))


def _place(skipped: Skipped) -> str:
    return f"{skipped.file}, line {skipped.row}" if skipped.row else str(skipped.file)


def _digests(
    audio: Path, tracks: Iterable[Track]
) -> tuple[Mapping[str, list[Track]], dict[str, str]]:
    """Tracks by the SHA-256 of their file, and what can't be read."""
    pairs, unread = list[tuple[str, Track]](), dict[str, str]()
    for track in tracks:
        try:
            pairs.append((sha256(join_inside(audio, f"{track.dataset}/{track.path}")), track))
        except OSError as error:
            unread[track.path] = f"it can't be read: {error.strerror}"
    pairs.sort(key=lambda pair: (pair[0], pair[1].path))
    by_digest = groupby(pairs, key=lambda pair: pair[0])
    return {digest: [track for _, track in repeats] for digest, repeats in by_digest}, unread


def _one(repeats: Sequence[Track]) -> Track:
    """One track for all files that are the same: a song in two folders has two tags."""
    tags = dict.fromkeys(tag for each in repeats for tag in each.tags)
    artist = next((each.artist for each in repeats if each.artist), "")
    return replace(repeats[0], tags=tuple(tags), artist=artist)


def _hear(encoder: Encoder, audio: Path, songs: Sequence[Track], to: Path) -> dict[str, str]:
    """Decode songs whose ids are their digests, hear them; which can't be heard, and why."""
    rate = encoder.manifest.front_end.sample_rate
    with _emptied(to):
        stored = store_tracks(
            songs, audio, to, sample_rate=rate, jobs=usable_cpus(), on_progress=lambda *_: None
        )
        decoded = AudioStore.open(to)
        for digest in decoded:
            encoder.hear(decoded.samples(digest), digest)
    return stored.refused | stored.unread


@contextmanager
def _emptied(path: Path) -> Iterator[None]:
    """Clear a folder before, for a run that was killed, and after."""
    shutil.rmtree(path, ignore_errors=True)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)

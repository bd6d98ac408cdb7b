"""Score the tracks of a split with a published model, as the service does.

    split --(tracks in the audio store)--> whole songs --(engine)--> raw scores, cached by track
      raw scores --(projection to the task's tags)--> (windows, tags) of each track

Raw scores are cached on disk at once, so that a stopped run can be resumed.
"""

import copy
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.datasets.audio.audio_store import AudioStore
from app.datasets.audio.cropping import FULL_SCALE
from app.datasets.tracks import Split, Subset, Track
from app.domain import Scores, Taggram, TaggramKey, Times, Waveform
from app.errors import SetupError
from app.evaluation.metrics import Labels
from app.evaluation.task_tags import project_on_task
from app.evaluation.window_files import read_windows, write_windows
from app.inference.engine import Engine
from app.inference.selection import EnginePreference
from app.inference.stacked_engine import choose_whole
from app.store.manifest.manifest import Manifest, manifests
from app.store.registry.aliases import resolve
from app.store.storage.store import Store
from app.tagging.projection import VocabularyScores

NOT_STORED = "it is not in the audio store"

PREFERENCE = EnginePreference("auto", "float32", exact=True)
"""The fastest engine, with the arithmetic that gives the same figures on all machines."""

SCORE_FIELDS = {"name", "architecture", "network", "front_end", "window", "tags", "weights"}
"""The fields of a manifest that its scores depend on; it has the weights' hash."""

OnProgress = Callable[[int, int], object]
"""Called with the numbers of tracks done and in all."""


@dataclass(frozen=True, eq=False)
class Scored:
    """A model's scores of the tracks of a part.

    Attributes:
        tags: The task's tags that the model can predict, in the task's order.
        ids: Ids of the scored tracks.
        y_true: Labels, (tracks, tags).
        windows: The scores of each track, (windows, tags).
        left_out: By tag that the model can't predict, the reason.
        skipped: By track of the part that was not scored, the reason.
        times_s: The start of each window of each track, (windows,), in seconds; empty if unknown.
    """

    tags: tuple[str, ...]
    ids: tuple[str, ...]
    y_true: Labels
    windows: tuple[Scores, ...]
    left_out: dict[str, str]
    skipped: dict[str, str]
    times_s: tuple[Times, ...] = ()


class Scorer:
    """Scores the tracks of a split with a model.

    Attributes:
        manifest: The model's manifest.
    """

    def __init__(
        self, models: Store, wanted: str, split: Split, audio: AudioStore, folder: Path
    ) -> None:
        """Load the model, which takes seconds.

        Args:
            models: The store.
            wanted: `name`, `name/version` or `name/alias`.
            split: The tracks and the task's tags.
            audio: The tracks' audio.
            folder: Raw scores are cached in its `<name>/<version>/scores`.

        Raises:
            SetupError: The model does not exist, does not match its manifest, does not fit the
                audio store, or can't predict any of the tags.
        """
        self.manifest = resolve(models, manifests(models), wanted)
        self._split, self._audio = split, audio
        self._folder = folder / str(self.manifest.ref) / "scores" / hash_manifest(self.manifest)
        audio.check_fits(self.manifest.front_end, str(self.manifest.ref))
        self._projection = project_on_task(split, self.manifest)
        self._engine = choose_whole(models, self.manifest, PREFERENCE)

    def score(self, part: Subset, overlap: float, on_progress: OnProgress) -> Scored:
        """Score all tracks of a part.

        Args:
            part: The part.
            overlap: The share of a window that overlaps with the next one, from 0 to below 1.
            on_progress: See `OnProgress`.

        Returns:
            The scores and labels of the part's tracks.

        Raises:
            SetupError: No track of the part is in the audio store, a score is not finite, or scores
                can't be written.
        """
        tracks = [each.track for each in self._split.part(part)]
        stored = [track for track in tracks if track.id in self._audio]
        if not stored:
            raise SetupError(
                f"{self._split.name}: none of the {len(tracks)} tracks of the part {part} is in "
                "the audio store; `taggram data store` adds them"
            )
        ids, tags = tuple(track.id for track in stored), self._projection.tags
        scored = self._score(ids, overlap, on_progress)
        return Scored(
            tags,
            ids,
            y_true=np.array([[tag in track.tags for tag in tags] for track in stored]),
            windows=tuple(each.scores for each in scored),
            left_out=self._left_out(),
            skipped=self._skipped(tracks),
            times_s=tuple(each.grid.starts_s for each in scored),
        )

    def _score(
        self, ids: tuple[str, ...], overlap: float, on_progress: OnProgress
    ) -> list[VocabularyScores]:
        engine, scored = _overlapping(self._engine, overlap), []
        for track_id in ids:
            scored.append(self._projection.score([self._taggram(engine, track_id)]))
            on_progress(len(scored), len(ids))
        return scored

    def _taggram(self, engine: Engine, track_id: str) -> Taggram:
        samples = self._audio.samples(track_id).astype(np.float32) / np.float32(FULL_SCALE)
        waveform = Waveform(samples, self._audio.sample_rate)
        digest = self._audio.digests[track_id]
        return Taggram(
            TaggramKey(digest, engine.ref, engine.precision),
            waveform.duration_s,
            engine.window_spec.window_s,
            engine.window_spec.hop_s,
            self._raw_scores(engine, waveform, digest),
            peaks=np.zeros((0, 2), np.int8),  # unused
            last_s=engine.window_spec.last_s(len(samples)),
        )

    def _raw_scores(self, engine: Engine, waveform: Waveform, digest: str) -> Scores:
        path = self._folder / f"hop-{engine.window_spec.hop_frames}" / f"{digest}.npy"
        scores = read_windows(path, len(self.manifest.tags.names))
        if scores is None:
            scores = engine.scores(waveform)[:, : len(self.manifest.tags.names)]
            if not np.isfinite(scores).all():
                raise SetupError(f"{engine.ref}: a score of {digest} is not finite")
            write_windows(path, scores)
        return scores

    def _skipped(self, tracks: Iterable[Track]) -> dict[str, str]:
        refused = {each.id: each.why for each in self._audio.refused}
        lacking = (track.id for track in tracks if track.id not in self._audio)
        return {track_id: refused.get(track_id, NOT_STORED) for track_id in lacking}

    def _left_out(self) -> dict[str, str]:
        reason = f"no raw tag of {self.manifest.ref} maps to it"
        return {tag: reason for tag in self._split.tags if tag not in self._projection.tags}


def hash_manifest(manifest: Manifest) -> str:
    """Return 16 hex digits of the SHA-256 of everything that a model's scores depend on."""
    return hashlib.sha256(manifest.model_dump_json(include=SCORE_FIELDS).encode()).hexdigest()[:16]


def _overlapping(engine: Engine, overlap: float) -> Engine:
    """Return a copy of the engine with another overlap of windows."""
    length = engine.window_spec.window_frames
    other = copy.copy(engine)
    other.window_spec = replace(
        engine.window_spec, hop_frames=max(1, round(length * (1 - overlap)))
    )
    return other

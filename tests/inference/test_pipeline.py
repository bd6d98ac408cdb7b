"""A file is decoded, cut and scored at the same time, with the scores of doing so in sequence."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.audio.limits import AudioLimits
from app.audio.peaks import peaks_of
from app.audio.worker.processes import Decoder
from app.domain import Backend, Frames, ModelRef, Precision, Samples, Scores, Waveform, Windows
from app.errors import Kind, RequestError
from app.front_ends import FrontEnd, WindowSpec
from app.inference.batcher import Batcher, BatchLimits
from app.inference.engine import Engine
from app.inference.features import FeatureExtractor
from app.inference.pipeline import InferencePipeline, InferenceResult
from app.inference.tensorflow_features import TensorFlowFeatureExtractor
from app.metrics import Metrics
from app.stages import Stage, StageClock
from app.store.manifest.manifest import Manifest
from testing.stub_engine import StubEngine
from tests.inference.conftest import LIMITS, RATE
from tests.support.scripted_engine import PATIENCE_S, patiently, settled, until

BATCHING = BatchLimits(
    max_batch_windows=4, max_wait_s=0.0, max_queued_windows=12, batch_timeout_s=PATIENCE_S
)


@pytest.fixture(scope="module")
def engines(manifests: dict[str, Manifest]) -> list[Engine]:
    """Two models of the same windows."""
    return [StubEngine(manifests[name]) for name in ("msd-vgg", "mtt-vgg")]


class HeldEngine(StubEngine):
    """Is done with no batch before it is released."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.begun, self.released = threading.Event(), threading.Event()

    def score(self, windows: Windows) -> Scores:
        self.begun.set()
        assert self.released.wait(PATIENCE_S)
        return super().score(windows)


@asynccontextmanager
async def listening(limits: AudioLimits = LIMITS) -> AsyncIterator[InferencePipeline]:
    """A listener that decodes two files at a time."""
    decoder = Decoder(limits, workers=2, timeout_s=PATIENCE_S)
    pipeline = InferencePipeline(decoder, Batcher(BATCHING, Metrics()))
    yield pipeline
    await pipeline.close()


async def scored(
    pipeline: InferencePipeline, path: Path, engines: list[Engine], clock: StageClock | None = None
) -> InferenceResult:
    with path.open("rb") as file:
        return await pipeline.run(file, engines, clock or StageClock())


@patiently
async def test_two_models_score_a_streamed_song_like_a_whole_one(
    engines: list[Engine], song: Path, music: Waveform
) -> None:
    clock = StageClock()
    async with listening() as pipeline:
        answer = await scored(pipeline, song, engines, clock)

    assert answer.duration_s == music.duration_s
    np.testing.assert_array_equal(answer.peaks, peaks_of(music.samples))
    for scores, engine in zip(answer.scores, engines, strict=True):
        np.testing.assert_allclose(scores, engine.scores(music), rtol=0, atol=1e-5)
    assert clock.seconds.keys() == {Stage.QUEUE, Stage.DECODE, Stage.INFER}


@patiently
async def test_concurrent_tracks_are_not_mixed_up(
    engines: list[Engine], song: Path, clip: Path
) -> None:
    paths = [song, clip, clip]
    async with listening() as pipeline:
        alone = [await scored(pipeline, path, engines) for path in paths]
        together = await asyncio.gather(*(scored(pipeline, path, engines) for path in paths))

    for one, other in zip(alone, together, strict=True):
        assert one.duration_s == other.duration_s
        np.testing.assert_array_equal(one.peaks, other.peaks)
        for scores, others in zip(one.scores, other.scores, strict=True):
            np.testing.assert_allclose(scores, others, rtol=0, atol=1e-5)


@patiently
async def test_a_client_that_leaves_and_one_that_is_refused_affect_no_other(
    manifests: dict[str, Manifest], song: Path, clip: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text"
    text.write_text("not a song")
    engine = HeldEngine(manifests["mtt-vgg"])
    async with listening() as pipeline:
        leaving = asyncio.create_task(scored(pipeline, song, [engine]))
        await until(engine.begun.is_set)
        with pytest.raises(RequestError) as error:
            await scored(pipeline, text, [engine])
        staying = asyncio.create_task(scored(pipeline, clip, [engine]))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        engine.released.set()
        answer = await staying

    assert error.value.kind is Kind.UNSUPPORTED_AUDIO
    assert [scores.shape for scores in answer.scores] == [(4, 50)]


@patiently
async def test_a_track_found_too_long_during_inference_is_refused(
    engines: list[Engine], song: Path, clip: Path
) -> None:
    limits = AudioLimits(RATE, min_duration_s=0.5, max_duration_s=60)
    async with listening(limits) as pipeline:
        with pytest.raises(RequestError) as error:
            await scored(pipeline, song, engines)
        answer = await scored(pipeline, clip, engines)

    assert error.value.kind is Kind.AUDIO_TOO_LONG
    assert [scores.shape for scores in answer.scores] == [(4, 50), (4, 50)]


@patiently
async def test_a_track_in_progress_at_shutdown_fails_as_not_ready(
    manifests: dict[str, Manifest], song: Path
) -> None:
    engine = HeldEngine(manifests["mtt-vgg"])
    async with listening() as pipeline:
        half_done = asyncio.create_task(scored(pipeline, song, [engine]))
        await until(engine.begun.is_set)
        closing = asyncio.create_task(pipeline.close())
        await settled()
        engine.released.set()
        await closing
        with pytest.raises(RequestError) as error:
            await half_done
    assert error.value.kind is Kind.NOT_READY


class Loudness(Engine):
    """Scores a window by how loud it is, and counts the frames that are made for it."""

    backend = Backend.TENSORFLOW

    def __init__(self, window_spec: WindowSpec, extractor: FeatureExtractor) -> None:
        ref = ModelRef(f"loudness-{window_spec.front.sample_rate}-{window_spec.window_frames}", "1")
        super().__init__(ref, Precision.FLOAT32, 4, window_spec, extractor)

    def score(self, windows: Windows) -> Scores:
        return np.sqrt(np.mean(np.square(windows), axis=1))[:, np.newaxis]


class Channels(Engine):
    """Scores a window by how loud each of its channels is."""

    backend = Backend.TENSORFLOW

    def __init__(self, window_spec: WindowSpec, extractor: FeatureExtractor) -> None:
        ref = ModelRef(f"channels-{window_spec.front.channels}", "1")
        super().__init__(ref, Precision.FLOAT32, 4, window_spec, extractor)

    def score(self, windows: Windows) -> Scores:
        levels = np.sqrt(np.mean(np.square(windows), axis=1))
        return levels.reshape(len(windows), -1)


class CountingFeatureExtractor(TensorFlowFeatureExtractor):
    """Counts the frames that it makes."""

    def __init__(self, front: FrontEnd) -> None:
        self.made = 0
        super().__init__(front)
        self.made = 0

    def frames(self, track: Samples, first: int, last: int) -> Frames:
        self.made += last - first
        return super().frames(track, first, last)


@patiently
async def test_models_of_one_front_end_share_its_frames_and_others_have_their_own_rate(
    clip: Path,
) -> None:
    seconds = {8_000: [1.0, 3.0], 16_000: [2.0], 22_050: [1.0]}
    extractors = {rate: CountingFeatureExtractor(FrontEnd(rate)) for rate in seconds}
    engines: list[Engine] = [
        Loudness(
            WindowSpec(extractors[rate].front, round(s * rate), round(s * rate)), extractors[rate]
        )
        for rate, lengths in seconds.items()
        for s in lengths
    ]
    async with listening() as pipeline:
        answer = await scored(pipeline, clip, engines)

    assert answer.duration_s == pytest.approx(12, abs=1e-3)
    assert [len(scores) for scores in answer.scores] == [12, 4, 6, 12]
    assert {rate: extractors[rate].made for rate in seconds} == {
        rate: pytest.approx(12 * rate, abs=2) for rate in seconds
    }
    low, by_threes, by_twos, high = (scores[:, 0] for scores in answer.scores)
    together = np.sqrt(np.mean(np.square(low).reshape(4, 3), axis=1))
    np.testing.assert_allclose(by_threes, together, rtol=1e-4)
    halves = np.sqrt(np.mean(np.square(high).reshape(6, 2), axis=1))
    np.testing.assert_allclose(by_twos, halves, rtol=0.03)  # content above 8 kHz is in one only


@patiently
async def test_the_window_that_ends_with_the_track_has_a_time_for_each_model(clip: Path) -> None:
    fronts = [FrontEnd(rate) for rate in (8_000, 22_050)]
    engines: list[Engine] = [
        Loudness(
            WindowSpec(front, s * front.sample_rate, s * front.sample_rate),
            TensorFlowFeatureExtractor(front),
        )
        for front in fronts
        for s in (5, 3, 20)
    ]
    async with listening() as pipeline:
        answer = await scored(pipeline, clip, engines)

    assert [len(scores) for scores in answer.scores] == [3, 4, 1] * 2
    five, three, twenty = answer.last_s[:3]
    assert five == pytest.approx(7, abs=1e-3)
    assert answer.last_s[3] == pytest.approx(7, abs=1e-3)
    assert three is twenty is None


@patiently
async def test_models_of_mono_and_stereo_samples_score_a_track_together(tmp_path: Path) -> None:
    sound = np.random.RandomState(1).uniform(-0.5, 0.5, (5 * RATE, 2)).astype(np.float32)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, sound, RATE, "FLOAT")
    fronts = [FrontEnd(RATE), FrontEnd(RATE, channels=2)]
    engines: list[Engine] = [
        Channels(WindowSpec(front, RATE, RATE), TensorFlowFeatureExtractor(front))
        for front in fronts
    ]
    async with listening() as pipeline:
        answer = await scored(pipeline, path, engines)

    mono, stereo = answer.scores
    levels = np.sqrt(np.mean(np.square(sound.reshape(5, RATE, 2)), axis=1))
    mixed = np.sqrt(np.mean(np.square(sound.mean(axis=1).reshape(5, RATE)), axis=1))
    np.testing.assert_allclose(stereo, levels, rtol=1e-4)
    np.testing.assert_allclose(mono[:, 0], mixed, rtol=1e-4)


@patiently
async def test_peaks_do_not_depend_on_the_sample_rates_of_the_models(tmp_path: Path) -> None:
    time = np.arange(6 * 44_100) / 44_100
    sound = np.sin(np.pi * time / 6) * np.sin(2 * np.pi * 300 * time)
    path = tmp_path / "swelling.flac"
    soundfile.write(path, sound, 44_100)
    fronts = [FrontEnd(rate) for rate in (8_000, 22_050)]
    engines: list[Engine] = [
        Loudness(
            WindowSpec(front, front.sample_rate, front.sample_rate),
            TensorFlowFeatureExtractor(front),
        )
        for front in fronts
    ]
    expected = peaks_of(sound.astype(np.float32)).astype(int)
    async with listening() as pipeline:
        for models in (engines, engines[::-1], engines[:1], engines[1:]):
            answer = await scored(pipeline, path, models)
            np.testing.assert_allclose(answer.peaks, expected, atol=3)

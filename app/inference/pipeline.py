"""The inference pipeline: decodes a file, cuts it into windows and scores them, concurrently."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from app.audio.peaks import peaks_of
from app.audio.worker.processes import Decoder
from app.audio.worker.work import Work
from app.domain import ModelRef, Outputs, Peaks, Samples, Scores, Windows
from app.front_ends import FrontEnd, WindowSpec
from app.inference.batcher import Batcher
from app.inference.engine import Engine
from app.inference.features import WaveformStream, WindowStream, make_stream
from app.inference.request_queue import RequestQueue
from app.stages import StageClock


class TrackForm(NamedTuple):
    """What a track is decoded to: its sample rate in Hz, and 1 channel or 2."""

    sample_rate: int
    channels: int


NO_BACKBONES: Mapping[ModelRef, Engine] = {}


@dataclass(frozen=True)
class InferenceResult:
    """The scores of one track.

    Attributes:
        duration_s: Length of the track, in seconds.
        peaks: The peaks of its waveform.
        announced_s: The length that a damaged file announces, in seconds; None if it is whole.
        scores: For each model, (windows, tags) float32.
        last_s: For each model, the start of a window that ends with the track; see `Taggram`.
        embeddings: For each model, its mean embedding, (dimensions,) float32, if its engine or its
            backbone's has one.
    """

    duration_s: float
    peaks: Peaks
    announced_s: float | None
    scores: tuple[Scores, ...]
    last_s: tuple[float | None, ...]
    embeddings: tuple[Samples | None, ...]


class InferencePipeline:
    """Scores the first windows of a track while the rest of it is being decoded."""

    def __init__(self, decoder: Decoder, batcher: Batcher) -> None:
        self._decoder = decoder
        self._batcher = batcher
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="frames")

    async def run(
        self,
        file: BinaryIO,
        engines: Sequence[Engine],
        clock: StageClock,
        work: Work | None = None,
        backbones: Mapping[ModelRef, Engine] = NO_BACKBONES,
    ) -> InferenceResult:
        """Score a file with models. It is decoded once for each of their `TrackForm`s.

        Heads score the embeddings of their backbones, each of which runs once for all its heads.

        Args:
            file: The audio file; its position is moved.
            engines: The models.
            clock: Records the time of each stage.
            work: The client; records the expected cost and the progress.
            backbones: The models with the embeddings that heads among `engines` score.

        Returns:
            The scores of each model, in the order of `engines`, and the track's length and peaks.

        Raises:
            RequestError: The file can't be decoded, an inference fails, or the service is
                stopping.
            OSError: The machine has not enough memory for the samples.
        """
        work = work or Work()
        on_audio = dict(backbones) | {each.ref: each for each in engines if not each.backbone}
        heads = [(engine, engine.backbone) for engine in engines if engine.backbone]
        with self._batcher.request_queue(clock) as request_queue:
            work.inferred_share = request_queue.scored_share
            decoded = {
                form: await self._decode(file, form, of_form, request_queue, clock, work)
                for form, of_form in _by_form(list(on_audio.values())).items()
            }
            outputs = {ref: await request_queue.scores(engine) for ref, engine in on_audio.items()}
            for head, ref in heads:
                embeddings = outputs[ref][:, -on_audio[ref].embedding :]
                await self._batcher.put(request_queue, embeddings, [head])
            outputs |= {head.ref: await request_queue.scores(head) for head, _ in heads}
        durations_s = {form: duration_s for form, (duration_s, *_) in decoded.items()}
        return InferenceResult(
            *next(iter(decoded.values())),
            tuple(_scores(outputs[e.ref], e) for e in engines),
            tuple(_last_s(e.window_spec, durations_s) for e in engines),
            tuple(_mean_embedding(outputs, on_audio[e.backbone or e.ref]) for e in engines),
        )

    async def close(self) -> None:
        """Fail all waiting requests, and end the threads."""
        await self._batcher.close()
        await asyncio.to_thread(self._thread.shutdown)

    async def _decode(
        self,
        file: BinaryIO,
        form: TrackForm,
        engines: Sequence[Engine],
        request_queue: RequestQueue,
        clock: StageClock,
        work: Work,
    ) -> tuple[float, Peaks, float | None]:
        """Queue all windows of a file; return `InferenceResult` without the scores."""
        streams = _streams(engines)
        os.lseek(file.fileno(), 0, os.SEEK_SET)  # decoders move the position
        rate = form.sample_rate
        async with self._decoder.at(*form).decoding(file, clock, work) as decoding:
            async for track in decoding.progress():
                for stream, fed in streams:
                    pieces = stream.pieces(track, complete=decoding.complete)
                    await self._queue(pieces, request_queue, fed)
                work.decoded_s = len(track) / rate
        peaks = await asyncio.to_thread(peaks_of, track)
        return len(track) / rate, peaks, decoding.announced_s

    async def _queue(
        self,
        pieces: Iterator[tuple[WindowSpec, Windows]],
        request_queue: RequestQueue,
        engines: Sequence[Engine],
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            request_queue.check()  # a stopping service has failed it and ended the thread
            piece = await loop.run_in_executor(self._thread, next, pieces, None)
            if piece is None:
                return
            window_spec, windows = piece
            fed = [engine for engine in engines if engine.window_spec == window_spec]
            await self._batcher.put(request_queue, windows, fed)


def _scores(outputs: Outputs, engine: Engine) -> Scores:
    """Return the scores without the embedding, (windows, tags)."""
    return outputs[:, : outputs.shape[1] - engine.embedding]


def _mean_embedding(outputs: Mapping[ModelRef, Outputs], engine: Engine) -> Samples | None:
    """Return the mean embedding of an engine on audio, (dimensions,); None if it has none."""
    if not engine.embedding:
        return None
    mean: Samples = outputs[engine.ref][:, -engine.embedding :].mean(axis=0)
    return mean


def _last_s(window_spec: WindowSpec, durations_s: Mapping[TrackForm, float]) -> float | None:
    """Return `WindowSpec.last_s` of a track whose length is given by its form."""
    form = _form(window_spec.front)
    return window_spec.last_s(round(durations_s[form] * form.sample_rate))


def _form(front: FrontEnd) -> TrackForm:
    return TrackForm(front.sample_rate, front.channels)


def _by_form(engines: Sequence[Engine]) -> dict[TrackForm, list[Engine]]:
    forms: dict[TrackForm, list[Engine]] = {}
    for engine in engines:
        forms.setdefault(_form(engine.window_spec.front), []).append(engine)
    return forms


def _streams(
    engines: Sequence[Engine],
) -> list[tuple[WindowStream | WaveformStream, list[Engine]]]:
    """Return one stream for each front end and kind of windows, with the models that it feeds."""
    fed: dict[tuple[FrontEnd, bool], list[Engine]] = {}
    for engine in engines:
        key = (engine.window_spec.front, engine.extractor is None)
        fed.setdefault(key, []).append(engine)
    return [
        (make_stream(same[0].extractor, dict.fromkeys(each.window_spec for each in same)), same)
        for same in fed.values()
    ]

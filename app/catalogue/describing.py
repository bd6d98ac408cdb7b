"""Measures the descriptors of a catalogue's tracks, in the waveform of the decoding sandbox."""

import asyncio
import logging
from datetime import UTC, datetime
from typing import IO

from app.audio.worker.processes import Decoder
from app.catalogue.descriptor_table import (
    DescriptorRow,
    DescriptorTable,
    Values,
    descriptor_values,
)
from app.catalogue.entries import Entry
from app.catalogue.rows import File
from app.catalogue.summary import Summary
from app.descriptors.track import measure_descriptors
from app.domain import Samples
from app.errors import Kind, RequestError, describe
from app.stages import StageClock

log = logging.getLogger(__name__)


class TrackDescriber:
    """Adds a row of descriptors for each track that has none for its file.

    A file is decoded once more than for the models, whose samples are not kept. Failures leave no
    row, so the next run tries again.

    Attributes:
        summary: The counts so far: `inferred` are the tracks that were measured.
    """

    def __init__(self, decoder: Decoder, table: DescriptorTable, jobs: int) -> None:
        """Begin with no counts.

        Args:
            decoder: Decodes to mono; its sample rate is that of the descriptors.
            table: The rows so far, in a catalogue that the command has locked.
            jobs: The most tracks that are in memory at a time.
        """
        self._decoder = decoder
        self._table = table
        self._slots = asyncio.Semaphore(jobs)
        self.summary = Summary(0)

    def lacks(self, key: bytes) -> bool:
        """Return whether a track with this file, from its `entry_key`, has no descriptors.

        Raises:
            SetupError: A file of the catalogue can't be read.
        """
        return not self._table.has(key)

    async def describe(self, entry: Entry, file: File, source: IO[bytes]) -> None:
        """Measure a track, unless an identical file has been measured, and add its row.

        Args:
            entry: The track.
            file: Its file.
            source: The same file, open.

        Raises:
            SetupError: A file of the catalogue can't be read or written.
        """
        self.summary.total += 1
        values = await asyncio.to_thread(self._table.find, file.track_id)
        if values:
            self.summary.shared += 1
        else:
            values = await self._measure(entry, source)
        if values:
            row = DescriptorRow(entry, file, values, datetime.now(UTC))
            await asyncio.to_thread(self._table.add, row)

    def close(self) -> None:
        """Write the rows that are not in a file yet.

        Raises:
            SetupError: They can't be written.
        """
        self._table.flush()

    async def _measure(self, entry: Entry, source: IO[bytes]) -> Values | None:
        """Return the values of a track; None if that failed, which is counted."""
        rate = self._decoder.limits.sample_rate
        try:
            async with self._slots:
                samples = await self._decode(source)
                described = await asyncio.to_thread(measure_descriptors, samples, rate)
        except RequestError as error:
            self.summary.fail(error.kind, entry.uri, error.detail)
        except Exception as error:  # of one track, which must not end the run
            log.exception("%s: descriptors failed", entry.uri)
            self.summary.fail(Kind.INTERNAL_ERROR, entry.uri, describe(error))
        else:
            self.summary.inferred += 1
            self.summary.audio_s += described.duration_s
            return descriptor_values(described)
        return None

    async def _decode(self, source: IO[bytes]) -> Samples:
        async with self._decoder.decoding(source, StageClock()) as decoding:  # type: ignore[arg-type]
            *_, track = [so_far async for so_far in decoding.progress()]
        return track

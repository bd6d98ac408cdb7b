"""Tags batches of tracks in one process of a Ray cluster."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from socket import gethostname
from typing import Any

import numpy as np

from app.catalogue.entries import PASSING, Entry, Listing
from app.catalogue.registry import Registry
from app.catalogue.results import FileInHandError, known_files
from app.catalogue.rows import Outcome, ScoredTags, TrackRow
from app.catalogue.run import Analyser, TaggingRun
from app.catalogue.storage import Storage, open_storage
from app.catalogue.summary import Summary
from app.catalogue.tables import write_batch
from app.cpus import usable_cpus
from app.domain import ModelRef
from app.errors import SetupError
from app.installation import installed_version
from app.store.manifest.manifest import Manifest

ENTRIES = "entries"
"""The column of a batch: its entries as JSON, in one row."""

REPORT = "report"
"""The column of a result: what became of a batch, as JSON."""

Columns = dict[str, Any]
"""Arrays of one row, by column; Ray Data calls it a batch."""


@dataclass(frozen=True)
class LoadedModels:
    """The models, in one process.

    Attributes:
        analyser: Decodes and infers.
        embeddings: By model, the width of the embedding that rows get.
    """

    analyser: Analyser
    embeddings: Mapping[ModelRef, int]


@dataclass(frozen=True)
class ClusterJob:
    """What each process of a run needs.

    Attributes:
        load: Loads the models; called once in each process.
        models: The models.
        out: The catalogue: an absolute path or a URL that all machines can write to.
        workers: The most tracks that a process decodes and scores at a time; None for one more
            than it has CPUs.
        version: The version of Taggram of the command.
    """

    load: Callable[[], LoadedModels]
    models: tuple[Manifest, ...]
    out: str
    workers: int | None
    version: str


class BatchTagger:
    """Tags one batch at a time; the rows of a batch are in files before its result is returned."""

    def __init__(self, job: ClusterJob, registry: Registry) -> None:
        """Load nothing yet: an error of a batch reaches the command, one of an actor does not.

        Args:
            job: The models, and where results go.
            registry: The registry of the run.
        """
        self._job = job
        self._registry = registry
        self._loaded: LoadedModels | None = None
        self._runner = asyncio.Runner()  # one event loop for all batches, as the models need it

    def close(self) -> None:
        """Close the event loop; the processes of Ray just end."""
        self._runner.close()

    def __call__(self, columns: Columns) -> Columns:
        """Tag the tracks of a batch, and return what became of them."""
        batch = str(columns[ENTRIES][0])
        try:
            report = write_summary(self._runner.run(self._tag(batch)))
        except SetupError as error:
            report = json.dumps({"fault": f"{gethostname()}: {error}"})
        return {REPORT: np.array([report])}

    async def _tag(self, batch: str) -> Summary:
        """Tag a batch; one with which a process has died goes track by track.

        Raises:
            SetupError: The models can't be loaded, or a file can't be read or written.
        """
        if (version := installed_version()) != self._job.version:
            raise SetupError(
                f"Taggram {version} is installed; expected {self._job.version}, as on the machine "
                "of the command"
            )
        if self._loaded is None:
            self._loaded = await asyncio.to_thread(self._job.load)
        name = hashlib.sha256(batch.encode()).hexdigest()
        has_died = self._registry.begin_batch(name)
        workers = 1 if has_died else self._job.workers or usable_cpus() + 1
        out = open_storage(self._job.out)
        widths = self._loaded.embeddings
        tags = [ScoredTags.of(model, widths.get(model.ref, 0)) for model in self._job.models]
        results = {each.ref: BatchResults(out, each, name, self._registry) for each in tags}
        run = TaggingRun(
            self._loaded.analyser,
            self._job.models,
            out,
            workers=workers,
            max_failed_share=1.0,  # the command decides, with the counts of all batches
            on_progress=lambda _: None,
            results=results,
        )
        return await run.run(Listing(read_entries(batch)))


class BatchResults:
    """The rows of one model and one batch; the registry knows the others. Threads may use it."""

    def __init__(self, out: Storage, tags: ScoredTags, batch: str, registry: Registry) -> None:
        """Begin without rows."""
        self._out = out
        self._tags = tags
        self._batch = batch
        self._registry = registry
        self._rows: list[TrackRow] = []

    def status(self, key: bytes) -> str | None:
        """Return the status of a track with this file; see `ModelResults.status`."""
        return self._registry.status(self._tags, key)

    def find(self, track_id: str) -> Outcome | None:
        """Return the outcome of an identical file, or claim the file; see `Registry.find`.

        Raises:
            FileInHandError: Another process infers an identical file.
        """
        for row in self._rows:
            if row.file and row.file.track_id == track_id and row.outcome.status not in PASSING:
                return row.outcome
        found = self._registry.find(self._tags, track_id, self._batch)
        if isinstance(found, str):
            raise FileInHandError
        return found

    def add(self, row: TrackRow) -> None:
        """Add a row; a track whose file can't be read keeps the scores that it has."""
        if row.file is None and self._registry.has_scores(self._tags, row.entry.external_id):
            return
        self._rows.append(row)
        if row.file:
            self._registry.finish(self._tags.ref, row.file.track_id)

    def close(self) -> None:
        """Write the rows to a new file.

        Raises:
            SetupError: It can't be written.
        """
        if self._rows:
            path = write_batch(self._out, self._tags, self._rows)
            self._registry.end_batch(self._tags, self._batch, path, known_files(self._rows))


def write_entries(entries: Sequence[Entry]) -> str:
    """Return entries as JSON, which also holds names of files that are not valid UTF-8."""
    return json.dumps([[each.external_id, each.uri, each.artist_id] for each in entries])


def read_entries(text: str) -> list[Entry]:
    """Return the entries of `write_entries`."""
    return [Entry(*each) for each in json.loads(text)]


def write_summary(summary: Summary) -> str:
    """Return the counts of a batch as JSON."""
    return json.dumps(vars(summary) | {"deferred": write_entries(summary.deferred)})


def read_summary(text: str) -> Summary:
    """Return the counts of `write_summary`.

    Raises:
        SetupError: The batch was not tagged, for this reason.
    """
    values = json.loads(text)
    if "fault" in values:
        raise SetupError(values["fault"])
    values["failures"] = Counter(values["failures"])
    values["examples"] = {status: tuple(each) for status, each in values["examples"].items()}
    values["deferred"] = read_entries(values["deferred"])
    return Summary(**values)

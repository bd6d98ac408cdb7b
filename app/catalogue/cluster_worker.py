"""Tags batches of tracks in one process of a Ray cluster."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from socket import gethostname
from typing import TYPE_CHECKING, Any

import numpy as np

from app.audio.worker.processes import Decoder
from app.catalogue.batch_results import BatchResults, BatchView
from app.catalogue.entries import Entry, Listing
from app.catalogue.registry import Registry
from app.catalogue.rows import ScoredTags
from app.catalogue.run import Analyser, TaggingRun
from app.catalogue.storage import Storage, open_storage
from app.catalogue.summary import Summary
from app.cpus import usable_cpus
from app.domain import ModelRef
from app.errors import SetupError
from app.installation import installed_version
from app.store.manifest.manifest import Manifest

if TYPE_CHECKING:
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.descriptor_table import DescriptorIndex

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
        descriptor_decoder: Decodes for descriptors; None if none are measured.
    """

    analyser: Analyser
    embeddings: Mapping[ModelRef, int]
    descriptor_decoder: Decoder | None = None


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
        descriptors: Whether descriptors are measured.
    """

    load: Callable[[], LoadedModels]
    models: tuple[Manifest, ...]
    out: str
    workers: int | None
    version: str
    descriptors: bool = False


class BatchTagger:
    """Tags one batch at a time; the rows of a batch are in files before its result is returned."""

    def __init__(
        self, job: ClusterJob, registry: Registry, descriptors: "DescriptorIndex | None" = None
    ) -> None:
        """Load nothing yet: an error of a batch reaches the command, one of an actor does not.

        Args:
            job: The models, and where results go.
            registry: The registry of the run.
            descriptors: The index of descriptors; None if none are measured.
        """
        self._job = job
        self._registry = registry
        self._descriptors = descriptors
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
        widths = self._loaded.embeddings
        tags = [ScoredTags.of(model, widths.get(model.ref, 0)) for model in self._job.models]
        view = BatchView(self._registry, tags, hashlib.sha256(batch.encode()).hexdigest())
        workers = 1 if view.start.has_died else self._job.workers or usable_cpus() + 1
        out = open_storage(self._job.out)
        run = TaggingRun(
            self._loaded.analyser,
            self._job.models,
            out,
            workers=workers,
            max_failed_share=1.0,  # the command decides, with the counts of all batches
            on_progress=lambda _: None,
            describer=self._describer(self._loaded.descriptor_decoder, out, workers),
            results={each.ref: BatchResults(out, each, view) for each in view.start.tags},
        )
        return await run.run(Listing(read_entries(batch)))

    def _describer(
        self, decoder: Decoder | None, out: Storage, workers: int
    ) -> "TrackDescriber | None":
        if decoder is None or self._descriptors is None:
            return None
        from app.catalogue.describing import TrackDescriber  # noqa: PLC0415 - an extra
        from app.catalogue.descriptor_table import DescriptorTable  # noqa: PLC0415

        return TrackDescriber(decoder, DescriptorTable(out, self._descriptors), workers)


def write_entries(entries: Sequence[Entry]) -> str:
    """Return entries as JSON, which also holds names of files that are not valid UTF-8."""
    return json.dumps([[each.external_id, each.uri, each.artist_id] for each in entries])


def read_entries(text: str) -> list[Entry]:
    """Return the entries of `write_entries`."""
    return [Entry(*each) for each in json.loads(text)]


def write_summary(summary: Summary) -> str:
    """Return the counts of a batch as JSON."""
    return json.dumps(_as_values(summary))


def read_summary(text: str) -> Summary:
    """Return the counts of `write_summary`.

    Raises:
        SetupError: The batch was not tagged, for this reason.
    """
    values = json.loads(text)
    if "fault" in values:
        raise SetupError(values["fault"])
    return _from_values(values)


def _as_values(summary: Summary) -> dict[str, Any]:
    described = summary.described and _as_values(summary.described)
    deferred = write_entries(summary.deferred)
    return vars(summary) | {"deferred": deferred, "described": described}


def _from_values(values: dict[str, Any]) -> Summary:
    values["failures"] = Counter(values["failures"])
    values["examples"] = {status: tuple(each) for status, each in values["examples"].items()}
    values["deferred"] = read_entries(values["deferred"])
    values["described"] = values["described"] and _from_values(values["described"])
    return Summary(**values)

"""`taggram catalogue tag`: tag all tracks of a source, continuing what earlier runs have left."""

import asyncio
import logging
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.audio_files import by_reason
from app.catalogue.run_metrics import report_run
from app.cli.catalogue.descriptors import make_describer, report_descriptors
from app.cli.catalogue.on_ray import RayOptions, run_on_ray
from app.cli.catalogue.shared import (
    DEFAULT_VOCABULARIES,
    Models,
    Out,
    Vocabularies,
    choose_models,
    derive_all,
    embedding_widths,
    show_failures,
)
from app.cli.catalogue.tagging_progress import tagging_progress
from app.cli.console import err, log_to_stderr, out, plain_errors, read_settings, say
from app.cpus import usable_cpus
from app.domain import ModelRef
from app.errors import SetupError
from app.model_catalog import read_catalog
from app.services import Services
from app.settings import Settings

if TYPE_CHECKING:
    from app.catalogue.describing import TrackDescriber
    from app.catalogue.entries import Listing
    from app.catalogue.storage import Storage
    from app.catalogue.summary import Summary


def tag(
    source: Annotated[
        str,
        typer.Argument(
            help="A folder, a URL prefix, or a table (CSV, JSONL, Parquet) with the columns "
            "external_id, uri and maybe artist_id."
        ),
    ],
    to: Out,
    models: Models = None,
    vocabularies: Vocabularies = DEFAULT_VOCABULARIES,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Also store the mean embedding of each model.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Tracks at a time; by default one more than there are CPUs."),
    ] = None,
    max_failed_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="More failures make the run fail.")
    ] = 0.05,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tracks.")] = None,
    descriptors: Annotated[
        bool, typer.Option("--descriptors", help="Measure tempo, key, loudness and spectrum too.")
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="auto|ADDRESS",
            help="Use the machines of this Ray cluster; `auto` is the one of this machine.",
        ),
    ] = None,
    max_machines: Annotated[
        int | None,
        typer.Option(min=1, help="With --ray, the most machines; by default all."),
    ] = None,
    metrics: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.prom",
            help="Write the result to this file, for node exporter's textfile collector.",
        ),
    ] = None,
) -> None:
    """Tag all tracks of a source; what earlier runs have tagged is skipped."""
    log_to_stderr(logging.ERROR)
    with plain_errors(), report_run(metrics, max_failed_share) as report:
        from app.catalogue.manifest import write_manifest
        from app.catalogue.storage import open_storage

        if descriptors:
            import app.catalogue.describing  # noqa: F401 - a missing extra is reported first

        catalogue = open_storage(to)
        _check_apart(source, to)
        settings = _settings(models, workers or usable_cpus() + 1)
        services = None if ray else Services(settings, with_embeddings=embeddings)
        catalog = services.catalog if services else read_catalog(settings)
        projections = [catalog.projection(name, None) for name in vocabularies]
        listing = _listing(source, limit, catalogue.where())
        with catalogue.locked():
            if services:
                summary = _tag_here(
                    *(services, listing, to, max_failed_share),
                    embeddings=embeddings,
                    descriptors=descriptors,
                )
            else:
                options = RayOptions(ray or "auto", max_machines, workers, embeddings, descriptors)
                summary = run_on_ray(
                    options, settings, catalog.models, listing, to, max_failed_share
                )
            report.summary = summary
            if summary.scored:
                write_manifest(catalogue, catalog.models)
                derive_all(catalogue, projections)
    if summary.described:
        report_descriptors(summary.described)
    _report(summary, catalogue.where(), max_failed_share)


def _check_apart(source: str, to: str) -> None:
    """Refuse a source that is inside the catalogue; the other way round is allowed."""
    from app.catalogue.files import local_path

    paths = [local_path(place) for place in (source, to)]
    inner, outer = (
        f"{path.resolve()}/" if path else place.rstrip("/") + "/"
        for place, path in zip((source, to), paths, strict=True)
    )
    if inner.startswith(outer):
        raise SetupError(f"{source}: it is inside {to}; write the catalogue to another place")


def _settings(models: list[str] | None, workers: int) -> Settings:
    """Return the settings of a run.

    All models and their backbones are in memory, and each track in progress has a decoder. What the
    service shares with others is left out: each file is inferred once, so that a cache is of no
    use, and would lack embeddings; the one in memory holds nothing.
    """
    settings = choose_models(read_settings(), models)
    changes = {
        "decode_workers": workers,
        "max_loaded_models": max(2 * len(settings.models), settings.max_loaded_models),
        "redis_url": None,
        "cache_bytes": 1,
        "feedback_file": None,
    }
    return settings.model_copy(update=changes)


def _listing(source: str, limit: int | None, where: str) -> "Listing":
    """List the tracks, and report what is left out, without the catalogue's own files."""
    from dataclasses import replace

    from app.catalogue.sources import list_entries

    with err.status("listing the tracks"):
        listing = list_entries(source)
    skipped = listing.skipped.items()
    others = {path: why for path, why in skipped if not path.startswith(f"{where}/")}
    for path, why, count in by_reason(others):
        say(err, f"{count} skipped, such as {path}: {why}")
    return replace(listing, entries=listing.entries[:limit])


def _tag_here(
    services: Services,
    listing: "Listing",
    to: str,
    max_failed_share: float,
    *,
    embeddings: bool,
    descriptors: bool,
) -> "Summary":
    """Tag the tracks on this machine; return the counts."""
    from app.catalogue.storage import open_storage

    with err.status("loading the models"):
        services.load()
    describer = make_describer(services.settings, to) if descriptors else None
    widths = embedding_widths(services) if embeddings else {}
    return asyncio.run(
        _run(services, listing, open_storage(to), max_failed_share, widths, describer)
    )


async def _run(
    services: Services,
    listing: "Listing",
    catalogue: "Storage",
    max_failed_share: float,
    embeddings: Mapping[ModelRef, int],
    describer: "TrackDescriber | None",
) -> "Summary":
    from app.catalogue.run import TaggingRun

    with _interrupted_by_sigterm(), tagging_progress() as on_progress:
        run = TaggingRun(
            services.runtime.tagger,
            services.catalog.models,
            catalogue,
            workers=services.settings.decode_workers,
            max_failed_share=max_failed_share,
            on_progress=on_progress,
            embeddings=embeddings,
            describer=describer,
        )
        try:
            return await run.run(listing)
        finally:
            await services.close()


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    """End a run at SIGTERM, which schedulers send, as at Ctrl-C: what is in hand is written."""
    before = signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _report(summary: "Summary", where: str, max_failed_share: float) -> None:
    """Print the summary; exit with status 1 if the run is no success."""
    say(
        out,
        f"{where}: {summary.inferred:,} tracks tagged, {summary.shared:,} identical to others, "
        f"{summary.known:,} tagged before, {summary.failed:,} failed",
    )
    if summary.inferred and summary.seconds:
        say(
            out,
            f"{summary.audio_s / 3600:.1f} hours of audio in {summary.seconds / 60:.1f} minutes, "
            f"{summary.audio_s / summary.seconds:.0f} times real time",
        )
    show_failures(summary)
    if left := summary.total - summary.done:
        say(err, f"{left:,} tracks were not tried, as too many had failed", style="red")
    if fault := summary.find_fault(max_failed_share):
        say(err, f"taggram: {fault}", style="bold red")
        raise typer.Exit(1)

"""`taggram catalogue tag`: tag all tracks of a source, continuing what earlier runs have left."""

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.audio_files import by_reason
from app.cli.catalogue.on_ray import RayOptions, run_on_ray
from app.cli.catalogue.shared import (
    DEFAULT_VOCABULARIES,
    Out,
    Vocabularies,
    derive_all,
    show_failures,
)
from app.cli.catalogue.tagging_progress import tagging_progress
from app.cli.console import err, log_to_stderr, out, plain_errors, read_settings, say
from app.cpus import usable_cpus
from app.errors import SetupError
from app.model_catalog import read_catalog
from app.services import Services
from app.settings import Settings

if TYPE_CHECKING:
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
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--models", help="`name` or `name/version`; repeatable; by default TAGGRAM_MODELS."
        ),
    ] = None,
    vocabularies: Vocabularies = DEFAULT_VOCABULARIES,
    workers: Annotated[
        int | None,
        typer.Option(min=1, help="Tracks at a time; by default one more than there are CPUs."),
    ] = None,
    max_failed_share: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="More failures make the run fail.")
    ] = 0.05,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tracks.")] = None,
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
) -> None:
    """Tag all tracks of a source; what earlier runs have tagged is skipped."""
    log_to_stderr(logging.ERROR)
    with plain_errors():
        from app.catalogue.manifest import write_manifest
        from app.catalogue.storage import open_storage

        catalogue = open_storage(to)
        _check_apart(source, to)
        settings = _settings(models, workers or usable_cpus() + 1)
        services = None if ray else Services(settings)
        catalog = services.catalog if services else read_catalog(settings)
        projections = [catalog.projection(name, None) for name in vocabularies]
        listing = _listing(source, limit)
        with catalogue.locked():
            if services:
                with err.status("loading the models"):
                    services.load()
                summary = asyncio.run(_run(services, listing, catalogue, max_failed_share))
            else:
                options = RayOptions(ray or "auto", max_machines, workers)
                summary = run_on_ray(
                    options, settings, catalog.models, listing, to, max_failed_share
                )
            if summary.scored:
                write_manifest(catalogue, catalog.models)
                derive_all(catalogue, projections)
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
    """Return the settings, with all models in memory and a decoder for each track in progress."""
    settings = read_settings()
    chosen = tuple(models or settings.models)
    vocabulary_models = () if models else settings.vocabulary_models
    at_most = max(len(chosen), settings.max_loaded_models)
    changes = {"models": chosen, "vocabulary_models": vocabulary_models}
    return settings.model_copy(
        update=changes | {"decode_workers": workers, "max_loaded_models": at_most}
    )


def _listing(source: str, limit: int | None) -> "Listing":
    """List the tracks, and report what is left out."""
    from dataclasses import replace

    from app.catalogue.sources import list_entries

    with err.status("listing the tracks"):
        listing = list_entries(source)
    for path, why, count in by_reason({Path(path): why for path, why in listing.skipped.items()}):
        say(err, f"{count} skipped, such as {path}: {why}")
    return replace(listing, entries=listing.entries[:limit])


async def _run(
    services: Services, listing: "Listing", catalogue: "Storage", max_failed_share: float
) -> "Summary":
    from app.catalogue.run import TaggingRun

    with tagging_progress() as on_progress:
        run = TaggingRun(
            services.runtime.tagger,
            services.catalog.models,
            catalogue,
            workers=services.settings.decode_workers,
            max_failed_share=max_failed_share,
            on_progress=on_progress,
        )
        try:
            return await run.run(listing)
        finally:
            await services.close()


def _report(summary: "Summary", where: str, max_failed_share: float) -> None:
    """Print the summary; exit with status 1 if the run is no success."""
    say(
        out,
        f"{where}: {summary.inferred:,} tracks tagged, {summary.shared:,} identical to others, "
        f"{summary.known:,} tagged before, {summary.failed:,} failed",
    )
    show_failures(summary)
    if left := summary.total - summary.done:
        say(err, f"{left:,} tracks were not tried, as too many had failed", style="red")
    if fault := summary.find_fault(max_failed_share):
        say(err, f"taggram: {fault}", style="bold red")
        raise typer.Exit(1)

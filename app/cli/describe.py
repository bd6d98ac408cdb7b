"""`taggram describe`: measure a track, and draw how its waveform becomes features."""

import asyncio
import hashlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.audio.worker.processes import Decoder
from app.cli.console import err, log_to_stderr, out, plain_errors, read_settings, say
from app.cli.descriptor_decoder import SAMPLE_RATE, make_descriptor_decoder
from app.domain import Samples
from app.errors import RequestError, SetupError
from app.files import write_atomically
from app.paths import check_is_file, open_file
from app.services import Services
from app.stages import StageClock
from app.tagging.pooling import Pooling
from app.tagging.tagger import Track
from app.tagging.timeline import Timeline, select_timeline

if TYPE_CHECKING:
    from app.descriptors.figures.canvas import NamedPicture

TOP_TAGS = 20
"""The tags in the picture of the taggram."""
PAGE = "index.html"


def describe(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An audio file.")],
    folder: Annotated[Path, typer.Option("--out", help="The folder for the page and PNGs.")],
    vocabulary: Annotated[str, typer.Option(help="The vocabulary of the taggram.")] = "subgenres",
) -> None:
    """Measure tempo, key, loudness and spectrum of a track, and draw its figures."""
    log_to_stderr(logging.ERROR)
    with plain_errors():
        from app.descriptors.page import draw_track, make_page
        from app.descriptors.track import measure_descriptors
        from app.plot_style import as_png
        from app.report.html import render

        check_is_file(file)
        if folder.exists() and not folder.is_dir():
            raise SetupError(f"{folder}: it is not a folder; give a folder, or a new path")
        settings = read_settings()
        services = Services(settings)
        services.catalog.projection(vocabulary, None)
        samples = _decode(file, make_descriptor_decoder(settings, 1))
        with err.status("measuring and drawing"):
            try:
                descriptors = measure_descriptors(samples, SAMPLE_RATE)
                pictures = draw_track(samples, descriptors)
            except ValueError as error:
                raise SetupError(f"{file}: {error}") from error
        with err.status("loading the models"):
            services.load()
        shown = asyncio.run(_tag(services, file, vocabulary))
        pictures = {**pictures, "Taggram": (_draw_taggram(shown, vocabulary),)}
        page = render(make_page(file.name, descriptors, pictures))
        for named in (each for several in pictures.values() for each in several):
            write_atomically(folder / f"{named.name}.png", as_png(named.picture.figure))
        write_atomically(folder / PAGE, page.encode())
    say(out, f"{folder / PAGE}: the descriptors and figures of {file}.")


def _decode(file: Path, decoder: Decoder) -> Samples:
    """Decode a file in a process of its own, as float32, so that no peak is clipped.

    Raises:
        SetupError: It can't be decoded.
    """

    async def decode() -> Samples:
        with file.open("rb", buffering=0) as source:
            async with decoder.decoding(source, StageClock()) as decoding:
                *_, track = [so_far async for so_far in decoding.progress()]
        return track

    try:
        return asyncio.run(decode())
    except RequestError as error:
        raise SetupError(f"{file}: {error.detail}") from error


async def _tag(services: Services, file: Path, vocabulary: str) -> Timeline:
    """Return the scores of the likeliest tags over time.

    Raises:
        SetupError: The file can't be tagged.
    """
    projection = services.catalog.projection(vocabulary, None)
    try:
        with open_file(file) as source:
            track = Track(source, hashlib.file_digest(source, "sha256").hexdigest())
            taggrams, _ = await services.runtime.tagger.infer(
                track, projection.models, StageClock()
            )
    except RequestError as error:
        raise SetupError(f"{file}: {error.detail}") from error
    finally:
        await services.close()
    return select_timeline(
        projection.score(taggrams), pooling=Pooling.MEAN, top=TOP_TAGS, start_s=0.0, end_s=None
    )


def _draw_taggram(shown: Timeline, vocabulary: str) -> "NamedPicture":
    from app.descriptors.figures.canvas import TIME, WIDTH, name_picture
    from app.plot_style import blank, plain
    from app.tagging.picture import MARGIN_INCHES, ROW_INCHES, draw_heat_map

    labels = [row.name for row in shown.rows]
    figure = blank(WIDTH, MARGIN_INCHES + ROW_INCHES * len(labels))
    axes = figure.subplots()
    draw_heat_map(axes, shown.times_s, shown.window_s, labels, shown.scores)
    plain(axes, TIME)
    axes.grid(visible=False)
    what = f"the likeliest tags of the vocabulary {vocabulary} in each window; brighter fits better"
    return name_picture("taggram", "Taggram", what, figure)

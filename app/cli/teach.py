"""`taggram teach`: train your own tags, from a few dozen songs each."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.data.reasons import show_reasons
from app.cli.store_option import StoreUrl, open_store
from app.evaluation.figures import Evaluation, Interval
from app.installation import cache_folder

if TYPE_CHECKING:
    from app.datasets.tracks import Track
    from app.probing.embedding import EmbeddedSongs
    from app.probing.encoder import Encoder
    from app.probing.separation import Pair
    from app.probing.teaching import TeachResult

COLUMNS = ("songs", "ROC-AUC (95 %)", "PR-AUC (95 %)", "threshold", "recall")

CACHE = cache_folder()

CacheFolder = Annotated[
    Path, typer.Option("--cache", metavar="DIR", help="The cache of embeddings.")
]

OnProgress = Callable[[int, int], None]


def teach(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="tag/artist/song.mp3, or a CSV file.")
    ],
    name: Annotated[str, typer.Option(help="The name of the new model and its vocabulary.")],
    model: Annotated[str, typer.Option(help="NAME/VERSION of the model for embeddings.")] = (
        "msd-musicnn"
    ),
    url: StoreUrl = None,
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Target precision of each tag's threshold.")
    ] = 0.8,
    cache: CacheFolder = CACHE,
) -> None:
    """Train your own tags from songs, report how well they are separated, and publish them."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.probing.embedding import read_own_tracks
        from app.probing.encoder import Encoder
        from app.probing.examples import check_examples, tags_of
        from app.probing.teaching import check_name
        from app.probing.teaching import teach as learn

        models = open_store(url)
        audio, tracks, skipped = read_own_tracks(folder)
        check_name(models, name, tags_of(tracks))
        check_examples(tracks)
        with err.status(cell(f"loading {model}")):
            encoder = Encoder(models, model, cache)
        embedded = embed(encoder, audio, tracks, cache)
        show_reasons("skipped", skipped | embedded.skipped)
        with progress("training the folds") as on_progress:
            taught = learn(
                models,
                encoder,
                embedded.songs,
                name=name,
                precision=precision,
                on_progress=on_progress,
            )
    _report_small_tags(embedded)
    out.print(_table(taught.evaluation))
    _report_confused(taught.pairs)
    _report_published(taught, models.url)


def embed(
    encoder: "Encoder", audio: Path, tracks: "Sequence[Track]", cache: Path
) -> "EmbeddedSongs":
    """Embed files, with embeddings of earlier runs from the cache.

    Args:
        encoder: The model.
        audio: The folder to which the tracks' paths are relative.
        tracks: The tracks.
        cache: The cache's folder.

    Returns:
        The songs with their embeddings.

    Raises:
        SetupError: Another run uses the cache, it can't be written, or no song could be embedded.
    """
    from app.probing.embedding import embed_files

    with progress("embedding new songs") as on_progress:
        return embed_files(encoder, audio, tracks, cache, on_progress)


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """Show a progress bar with the remaining time, and yield the function that updates it."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)


def report_embedded(embedded: "EmbeddedSongs") -> None:
    """Report duplicates and unknown artists."""
    if embedded.repeats:
        say(
            err,
            f"{embedded.repeats} files are identical to others: each song counts once, with all "
            "of its tags.",
        )
    if unknown := sum(not song.track.artist for song in embedded.songs):
        say(
            err,
            f"{unknown} songs have unknown artists; each counts as its own artist. If that is "
            "wrong, the figures are too good: use tag/artist/song.mp3.",
        )


def _report_small_tags(embedded: "EmbeddedSongs") -> None:
    from app.probing.examples import FEW_ARTISTS, FEW_SONGS, lacking

    report_embedded(embedded)
    tracks = [song.track for song in embedded.songs]
    for tag, count in lacking(tracks, FEW_SONGS, FEW_ARTISTS).items():
        say(
            err,
            f"{tag}: {count} are few, so its figures are uncertain; use at least {FEW_SONGS} songs "
            f"of {FEW_ARTISTS} artists.",
        )


def _table(evaluation: Evaluation) -> Table:
    numbers = [Column(header, justify="right") for header in COLUMNS]
    title = f"{evaluation.task}: {evaluation.tracks} songs, {evaluation.split}"
    table = Table("tag", *numbers, title=cell(title))
    for each in evaluation.tags:
        figures = (_figure(each.roc_auc), _figure(each.pr_auc))
        chosen = (_number(each.threshold), _number(each.recall))
        table.add_row(cell(each.tag), str(each.positives), *figures, *chosen)
    song = evaluation.song
    figures = (_figure(song.roc_auc_macro), _figure(song.pr_auc_macro))
    table.add_row("all", str(evaluation.tracks), *figures, "", "")
    off = evaluation.calibration.expected_error
    table.caption = (
        f"Of the scores at or above a tag's threshold, {evaluation.preferred_precision:.0%} are "
        f"correct. The expected calibration error is {off:.3f}."
    )
    return table


def _figure(interval: Interval) -> str:
    """Format a figure with its interval."""
    if interval.low is None or interval.high is None:
        return _number(interval.value)
    return f"{_number(interval.value)} ({interval.low:.2f} to {interval.high:.2f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _report_confused(pairs: "Sequence[Pair]") -> None:
    confused = [pair for pair in pairs if not pair.is_separated]
    for pair in confused:
        say(out, _confused(pair))
    if not confused:
        say(out, "Each two tags are separated better than by chance.")


def _confused(pair: "Pair") -> str:
    figure = pair.separation
    if figure.value is None or figure.low is None or figure.high is None:
        both = f"{pair.first} and {pair.second}"
        return f"{both} are always on the same songs, so they can't be separated."
    return (
        f"{pair.first} and {pair.second} can't be separated: ROC-AUC {figure.value:.2f} "
        f"({figure.low:.2f} to {figure.high:.2f}), where 0.50 is chance. Add songs of other "
        "artists, or use one tag for both."
    )


def _report_published(taught: "TeachResult", url: str) -> None:
    manifest = taught.manifest
    say(out, f"Published {manifest.ref} in {url}, with the vocabulary {manifest.name}.")
    say(
        out,
        f"To serve it: TAGGRAM_MODEL_STORE={url} "
        f"TAGGRAM_MODELS='[\"{manifest.name}\"]' taggram serve",
    )

"""`taggram teach`: a platform's own tags, from a few dozen songs each."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.data.reasons import show_reasons
from app.cli.store_option import StoreUrl, opened
from app.evaluation.figures import Evaluation, Interval

if TYPE_CHECKING:
    from app.datasets.tracks import Track
    from app.probing.encoder import EmbeddedSongs, Encoder
    from app.probing.teaching import Pair, Taught

COLUMNS = ("songs", "ROC-AUC (95 %)", "PR-AUC (95 %)", "threshold", "recall")

CACHE = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "taggram"

CacheFolder = Annotated[
    Path, typer.Option("--cache", metavar="DIR", help="Keeps what was heard for the next run.")
]

OnProgress = Callable[[int, int], None]


def teach(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="tag/artist/song.mp3, or a CSV file.")
    ],
    name: Annotated[str, typer.Option(help="Of the new model, and of its vocabulary.")],
    model: Annotated[str, typer.Option(help="NAME/VERSION, on which it is taught.")] = (
        "msd-musicnn"
    ),
    url: StoreUrl = None,
    precision: Annotated[
        float, typer.Option(min=0.01, max=1, help="Wished of each tag's threshold.")
    ] = 0.8,
    cache: CacheFolder = CACHE,
) -> None:
    """Learn tags of your own from songs, say how well they can be told apart, and publish them."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        from app.probing.encoder import Encoder, own_tracks
        from app.probing.teaching import check_examples, check_name, tags_of
        from app.probing.teaching import teach as learn

        models = opened(url)
        audio, tracks, odd = own_tracks(folder)
        check_name(models, name, tags_of(tracks))
        check_examples(tracks)
        with err.status(cell(f"loading {model}")):
            encoder = Encoder(models, model, cache)
        heard = listen(encoder, audio, tracks, cache)
        show_reasons("skipped", odd | heard.skipped)
        with progress("learning, fold by fold") as on_progress:
            taught = learn(
                models,
                encoder,
                heard.songs,
                name=name,
                precision=precision,
                on_progress=on_progress,
            )
    _say_what_lacks(heard)
    out.print(_table(taught.evaluation))
    _say_what_is_confused(taught.pairs)
    _say_how_to_serve(taught, models.url)


def listen(
    encoder: "Encoder", audio: Path, tracks: "Sequence[Track]", cache: Path
) -> "EmbeddedSongs":
    """Hear files, with what is known in the cache."""
    from app.probing.encoder import embed_files

    with progress("hearing new songs") as on_progress:
        return embed_files(encoder, audio, tracks, cache, on_progress)


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """Show how far something is, and the time that is left."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as shown:
        bar = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(bar, completed=done, total=total)


def report_embedded(heard: "EmbeddedSongs") -> None:
    """Say what of the songs is odd but no fault."""
    if heard.repeats:
        say(
            err,
            f"{heard.repeats} files are the same as others: each song counts once, with all "
            "of its tags.",
        )
    if unknown := sum(not song.track.artist for song in heard.songs):
        say(
            err,
            f"{unknown} songs are of unknown artists, each taken for one of its own; where "
            "that is wrong, figures are too good: use tag/artist/song.mp3.",
        )


def _say_what_lacks(heard: "EmbeddedSongs") -> None:
    from app.probing.teaching import FEW_ARTISTS, FEW_SONGS, lacking

    report_embedded(heard)
    tracks = [song.track for song in heard.songs]
    for tag, count in lacking(tracks, FEW_SONGS, FEW_ARTISTS).items():
        say(
            err,
            f"{tag}: {count} are few, its figures are a hint; {FEW_SONGS} songs of "
            f"{FEW_ARTISTS} artists would tell more.",
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
        f"From a tag's threshold on, {evaluation.preferred_precision:.0%} are right. Scores are "
        f"off from what comes true by {off:.3f} on average."
    )
    return table


def _figure(interval: Interval) -> str:
    """With its interval."""
    if interval.low is None or interval.high is None:
        return _number(interval.value)
    return f"{_number(interval.value)} ({interval.low:.2f} to {interval.high:.2f})"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _say_what_is_confused(pairs: "Sequence[Pair]") -> None:
    alike = [pair for pair in pairs if not pair.is_separated]
    for pair in alike:
        say(out, _confused(pair))
    if not alike:
        say(out, "Each two tags are told apart better than by chance.")


def _confused(pair: "Pair") -> str:
    figure = pair.separation
    if figure.value is None or figure.low is None or figure.high is None:
        return f"{pair.first} and {pair.second} are always on the same songs: nothing tells them."
    return (
        f"{pair.first} and {pair.second} can't be told apart: {figure.value:.2f}, between "
        f"{figure.low:.2f} and {figure.high:.2f}, where 0.50 is a coin. More songs of other "
        "artists may help, or one tag for both."
    )


def _say_how_to_serve(taught: "Taught", url: str) -> None:
    manifest = taught.manifest
    say(out, f"Published {manifest.ref} in {url}, with the vocabulary {manifest.name}.")
    say(
        out,
        f"To serve it: TAGGRAM_MODEL_STORE={url} "
        f"TAGGRAM_MODELS='[\"{manifest.name}\"]' taggram serve",
    )

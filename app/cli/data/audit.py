"""`taggram data audit`: find likely label errors."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.data.reasons import show_reasons
from app.cli.store_option import StoreUrl, open_store
from app.cli.teach import CACHE, CacheFolder, embed, progress, report_embedded
from app.errors import SetupError

if TYPE_CHECKING:
    from app.probing.embedding import EmbeddedSongs
    from app.probing.encoder import Encoder
    from app.probing.label_issues import LabelIssue

SHOWN = 30
"""The number of issues printed; the CSV file has all."""


def audit(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="tag/artist/song.mp3, a CSV file, or a split."),
    ],
    audio_store: Annotated[
        Path | None, typer.Option(help="For a split: an audio store of `taggram data store`.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="NAME/VERSION of the model for embeddings.")
    ] = "msd-musicnn",
    url: StoreUrl = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write all issues to this CSV file.")
    ] = None,
    cache: CacheFolder = CACHE,
) -> None:
    """List tags that are probably wrong or missing, with scores and times."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        _check_source(source, audio_store)
        from app.probing.auditing import audit as compare
        from app.probing.encoder import Encoder
        from app.probing.label_issues import write_label_issues

        with err.status(cell(f"loading {model}")):
            encoder = Encoder(open_store(url), model, cache)
        embedded = _embedded(encoder, source, audio_store, cache)
        with progress("training the folds") as on_progress:
            audited = compare(embedded.songs, encoder.manifest.window_spec, on_progress)
        if to:
            write_label_issues(to, audited.label_issues)
    report_embedded(embedded)
    show_reasons("left out", audited.left_out)
    if audited.label_issues:
        out.print(_table(audited.label_issues[:SHOWN]))
    say(out, _summary(len(audited.label_issues), audited.songs, to))


def _check_source(source: Path, audio_store: Path | None) -> None:
    if (source.suffix == ".parquet") != (audio_store is not None):
        raise SetupError(
            "--audio-store is required with a split, and not allowed with a folder or CSV file"
        )


def _embedded(
    encoder: "Encoder", source: Path, audio_store: Path | None, cache: Path
) -> "EmbeddedSongs":
    from app.probing.embedding import read_own_tracks

    if audio_store:
        return _embedded_split(encoder, source, audio_store)
    audio, tracks, skipped = read_own_tracks(source)
    embedded = embed(encoder, audio, tracks, cache)
    show_reasons("skipped", skipped | embedded.skipped)
    return embedded


def _embedded_split(encoder: "Encoder", source: Path, audio_store: Path) -> "EmbeddedSongs":
    from app.datasets.audio.audio_store import AudioStore
    from app.datasets.tables import read_split
    from app.probing.embedding import embed_stored

    tracks = [each.track for each in read_split(source).placed if each.track.tags]
    with progress("embedding songs") as on_progress:
        embedded = embed_stored(encoder, AudioStore.open(audio_store), tracks, on_progress)
    if embedded.skipped:
        say(err, f"{len(embedded.skipped)} tracks of the split are not in the audio store.")
    return embedded


def _table(label_issues: "Sequence[LabelIssue]") -> Table:
    song = Column("song", overflow="fold")
    numbers = [Column(header, justify="right") for header in ("score", "usual")]
    table = Table(song, "tag", "issue", *numbers, "best tag", "at")
    for each in label_issues:
        words = (f"{each.track.dataset}/{each.track.path}", each.tag, each.kind)
        best = f"{each.instead} {each.instead_score:.2f}"
        scores = (f"{each.score:.2f}", f"{each.usual:.2f}")
        table.add_row(*map(cell, words), *scores, cell(best), each.at)
    return table


def _summary(label_issues: int, songs: int, to: Path | None) -> str:
    if not label_issues:
        return f"{songs} songs: no label issues."
    listed = (
        f"; all are in {to}" if to else "; --to FILE.csv writes them all" * (label_issues > SHOWN)
    )
    return f"{songs} songs: {label_issues} label issues{listed}. Check each by ear before a change."

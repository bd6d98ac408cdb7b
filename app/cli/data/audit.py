"""`taggram data audit`: tags that people chose beside tags that are heard."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Column, Table

from app.cli.console import cell, err, log_to_stderr, out, plain_errors, say
from app.cli.data.reasons import show_reasons
from app.cli.store_option import StoreUrl, opened
from app.cli.teach import CACHE, CacheFolder, listen, progress, report_embedded
from app.errors import SetupError

if TYPE_CHECKING:
    from app.probing.encoder import EmbeddedSongs, Encoder
    from app.probing.label_issues import LabelIssue

SHOWN = 30
"""So many doubts are printed; all are in the CSV file."""


def audit(
    source: Annotated[
        Path,
        typer.Argument(metavar="SOURCE", help="tag/artist/song.mp3, a CSV file, or a split."),
    ],
    audio_store: Annotated[
        Path | None, typer.Option(help="Of a split: what `taggram data store` wrote.")
    ] = None,
    model: Annotated[str, typer.Option(help="NAME/VERSION, which hears.")] = "msd-musicnn",
    url: StoreUrl = None,
    to: Annotated[Path | None, typer.Option("--to", help="All doubts, as CSV.")] = None,
    cache: CacheFolder = CACHE,
) -> None:
    """List tags that are probably wrong, and tags that probably lack, with what speaks for it."""
    log_to_stderr(logging.WARNING)
    with plain_errors():
        _check_source(source, audio_store)
        from app.probing.encoder import Encoder
        from app.probing.label_issues import audit as compare
        from app.probing.label_issues import write_label_issues

        with err.status(cell(f"loading {model}")):
            encoder = Encoder(opened(url), model, cache)
        heard = _heard(encoder, source, audio_store, cache)
        with progress("learning, fold by fold") as on_progress:
            audited = compare(heard.songs, encoder.manifest.window_spec, on_progress)
        if to:
            write_label_issues(to, audited.label_issues)
    report_embedded(heard)
    show_reasons("left out", audited.left_out)
    if audited.label_issues:
        out.print(_table(audited.label_issues[:SHOWN]))
    say(out, _summary(len(audited.label_issues), audited.songs, to))


def _check_source(source: Path, audio_store: Path | None) -> None:
    if (source.suffix == ".parquet") != (audio_store is not None):
        raise SetupError("a split and --audio-store go together; a folder or a CSV file needs none")


def _heard(
    encoder: "Encoder", source: Path, audio_store: Path | None, cache: Path
) -> "EmbeddedSongs":
    from app.probing.encoder import own_tracks

    if audio_store:
        return _heard_split(encoder, source, audio_store)
    audio, tracks, odd = own_tracks(source)
    heard = listen(encoder, audio, tracks, cache)
    show_reasons("skipped", odd | heard.skipped)
    return heard


def _heard_split(encoder: "Encoder", source: Path, audio_store: Path) -> "EmbeddedSongs":
    from app.datasets.audio.audio_store import AudioStore
    from app.datasets.tables import read_split
    from app.probing.encoder import embed_stored

    tracks = [each.track for each in read_split(source).placed if each.track.tags]
    with progress("hearing songs") as on_progress:
        heard = embed_stored(encoder, AudioStore.open(audio_store), tracks, on_progress)
    if heard.skipped:
        say(err, f"{len(heard.skipped)} tracks of the split are not in the audio store.")
    return heard


def _table(label_issues: "Sequence[LabelIssue]") -> Table:
    song = Column("song", overflow="fold")
    numbers = [Column(header, justify="right") for header in ("score", "usual")]
    table = Table(song, "tag", "in doubt", *numbers, "heard", "at")
    for each in label_issues:
        words = (f"{each.track.dataset}/{each.track.path}", each.tag, each.kind)
        heard = f"{each.instead} {each.instead_score:.2f}"
        scores = (f"{each.score:.2f}", f"{each.usual:.2f}")
        table.add_row(*map(cell, words), *scores, cell(heard), each.at)
    return table


def _summary(label_issues: int, songs: int, to: Path | None) -> str:
    if not label_issues:
        return f"{songs} songs: no tag is in doubt."
    where = (
        f"; all are in {to}" if to else "; --to FILE.csv writes them all" * (label_issues > SHOWN)
    )
    return f"{songs} songs: {label_issues} tags are in doubt{where}. Listen before you change one."

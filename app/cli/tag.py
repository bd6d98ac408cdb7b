"""`taggram tag`: suggest tags for files and folders, without a server."""

import asyncio
import csv
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.api.schemas.tags import SuggestionOut
from app.audio_files import AudioFiles, by_reason, find_audio
from app.cli.console import (
    err,
    log_to_stderr,
    out,
    plain_errors,
    read_settings,
    say,
)
from app.domain import Confidence, Suggestion
from app.errors import RequestError
from app.paths import open_file
from app.services import Services
from app.stages import StageClock
from app.tagging.pooling import Pooling
from app.tagging.suggest import suggest
from app.tagging.tagger import Track
from app.tagging.timeline import format_time
from app.text import csv_cell

NO_AUDIO = "the folder has no audio files"
CSV_COLUMNS = (
    *("file", "track_id", "confidence", "vocabulary", "rank", "tag", "level", "score", "damaged"),
)


@dataclass(frozen=True)
class TaggedFile:
    """The suggestions for one file."""

    path: Path
    track_id: str
    duration_s: float
    models: tuple[str, ...]
    vocabulary: str
    confidence: Confidence
    suggestions: tuple[Suggestion, ...]
    announced_s: float | None = None


def tag(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files or folders.")],
    vocabulary: Annotated[str, typer.Option(help="See GET /vocabularies.")] = "subgenres",
    top_k: Annotated[int, typer.Option(min=1, max=20, help="The largest number of tags.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object per line.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a row per tag.")] = False,
) -> None:
    """Suggest tags for audio files; files that can't be tagged are reported at the end."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv can't be combined; choose one")
    log_to_stderr(logging.ERROR)
    show = _json_line if as_json else _csv_rows() if as_csv else _readable
    with plain_errors():
        services = Services(read_settings())
        services.catalog.projection(vocabulary, None)
        found = _expand(files)
        if found.files:
            with err.status("loading the models"):
                services.load()
    failed = asyncio.run(_tag_all(services, found.files, vocabulary, top_k, show))
    for path, why, count in by_reason(found.skipped):
        say(err, f"{count} skipped, such as {path}: {why}")
    for path, problem in [*found.unread.items(), *failed]:
        say(err, f"{path}: {problem}", style="red")
    if failed or found.unread:
        err.print(f"{len(failed) + len(found.unread)} failed", style="bold red")
        raise typer.Exit(1)


async def _tag_all(
    services: Services,
    files: list[Path],
    vocabulary: str,
    top_k: int,
    show: Callable[[TaggedFile], None],
) -> list[tuple[Path, str]]:
    """Tag files one after the other; return the failed ones with the reasons."""
    failed = []
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=err, transient=True) as progress:
        bar = progress.add_task("tagging", total=len(files))
        for path in files:
            try:
                show(await _tag(services, path, vocabulary, top_k))
            except RequestError as error:
                failed.append((path, error.detail))
            except OSError as error:
                failed.append((path, error.strerror or str(error)))
            progress.advance(bar)
    await services.close()
    return failed


async def _tag(services: Services, path: Path, vocabulary: str, top_k: int) -> TaggedFile:
    projection = services.catalog.projection(vocabulary, None)
    with open_file(path) as file:
        track = Track(file, hashlib.file_digest(file, "sha256").hexdigest())
        taggrams, _ = await services.runtime.tagger.infer(track, projection.models, StageClock())
    return TaggedFile(
        path,
        track.track_id,
        round(taggrams[0].duration_s, 3),
        tuple(str(manifest.ref) for manifest in projection.models),
        vocabulary,
        projection.confidence(taggrams),
        suggest(projection, taggrams, pooling=Pooling.MEAN, top_k=top_k, threshold=0.0),
        taggrams[0].announced_s,
    )


def _expand(paths: Iterable[Path]) -> AudioFiles:
    """Replace folders by their audio files; given files are tried regardless of their names."""
    expanded = AudioFiles()
    for path in paths:
        try:
            is_folder = path.is_dir()
        except OSError as error:  # such as a name that is too long
            expanded.unread[path] = error.strerror or str(error)
            continue
        found = find_audio(path) if is_folder else AudioFiles([path])
        expanded.files.extend(found.files)
        expanded.skipped.update(found.skipped)
        expanded.unread.update(found.unread if found.files or found.unread else {path: NO_AUDIO})
    return expanded


def _readable(tagged: TaggedFile) -> None:
    unsure = "  (not sure)" if tagged.confidence is Confidence.LOW else ""
    say(out, f"{tagged.path}{unsure}{_damage(tagged)}", style="bold")
    for suggestion in tagged.suggestions:
        moments = ", ".join(
            f"{format_time(stretch.start_s)}-{format_time(stretch.end_s)}"
            for stretch in suggestion.heard_at
        )
        say(out, f"  {suggestion.score:.3f}  {suggestion.label:<24} {moments}")


def _damage(tagged: TaggedFile) -> str:
    if tagged.announced_s is None:
        return ""
    return f"  (damaged: {tagged.duration_s:.1f} s of {tagged.announced_s:.1f} s decoded)"


def _json_line(tagged: TaggedFile) -> None:
    suggestions = [SuggestionOut.of(suggestion).model_dump() for suggestion in tagged.suggestions]
    answer = {
        **vars(tagged),
        "path": str(tagged.path),
        "damaged": tagged.announced_s is not None,
        "suggestions": suggestions,
    }
    print(json.dumps(answer), flush=True)  # noqa: T201 - rich would wrap it


def _csv_rows() -> Callable[[TaggedFile], None]:
    writer = csv.writer(sys.stdout)
    writer.writerow(CSV_COLUMNS)

    def rows(tagged: TaggedFile) -> None:
        for rank, suggestion in enumerate(tagged.suggestions, start=1):
            writer.writerow(
                [
                    csv_cell(str(tagged.path)),
                    *(tagged.track_id, tagged.confidence, csv_cell(tagged.vocabulary)),
                    *(rank, csv_cell(suggestion.tag), suggestion.level, f"{suggestion.score:.6f}"),
                    str(tagged.announced_s is not None).lower(),
                ]
            )
        sys.stdout.flush()

    return rows

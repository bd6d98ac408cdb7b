"""`taggram feedback export`: write feedback on tags, or on recommendations, as a table."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from app.cli.console import err, out, plain_errors, say
from app.cli.feedback.shared import FeedbackFile, find_feedback_file
from app.errors import SetupError


def export(
    target: Annotated[
        Path, typer.Argument(help="The table, such as `feedback.parquet` or `feedback.csv`.")
    ],
    file: FeedbackFile = None,
    interactions: Annotated[
        bool,
        typer.Option(
            "--interactions",
            help="The answers of recommended curators, as the table `interactions` of `taggram "
            "recommend`, instead of tags.",
        ),
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write all feedback on tags as a table, a row for each tag."""
    from app.feedback.export import ANSWERED, TAGS
    from app.feedback.export import export as write
    from app.feedback.outcomes import count_unanswered

    with plain_errors(), Progress(console=err, transient=True) as progress:
        if target.exists() and not force:
            raise SetupError(f"{target} exists; choose another file, or overwrite it with --force")
        task = progress.add_task("rows", total=None)
        source = find_feedback_file(file)
        unanswered = count_unanswered(source) if interactions else 0
        rows = write(
            source,
            target,
            lambda done, total: progress.update(task, completed=done, total=total),
            ANSWERED if interactions else TAGS,
        )
    say(out, f"{target}: {rows} rows")
    if unanswered:
        say(out, f"left out: {unanswered} recommended curators who have not answered yet")

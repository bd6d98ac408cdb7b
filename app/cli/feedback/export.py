"""`taggram feedback export`: write the feedback as a table."""

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
    force: Annotated[bool, typer.Option("--force", help="Overwrite an existing file.")] = False,
) -> None:
    """Write all feedback as a table, a row for each tag."""
    from app.feedback.export import export as write

    with plain_errors(), Progress(console=err, transient=True) as progress:
        if target.exists() and not force:
            raise SetupError(f"{target} exists; choose another file, or overwrite it with --force")
        task = progress.add_task("rows", total=None)
        rows = write(
            find_feedback_file(file),
            target,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    say(out, f"{target}: {rows} rows")

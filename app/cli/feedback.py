"""`taggram feedback export | acceptance`: evaluate the feedback."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress
from rich.table import Table

from app.cli.console import cell, err, out, plain_errors, read_settings, say
from app.errors import SetupError

feedback_app = typer.Typer(
    no_args_is_help=True, help="Export and summarise the feedback of artists."
)

FeedbackFile = Annotated[
    Path | None,
    typer.Option("--file", help="The service's feedback file; by default TAGGRAM_FEEDBACK_FILE."),
]


@feedback_app.command()
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
            _file(file),
            target,
            lambda done, total: progress.update(task, completed=done, total=total),
        )
    say(out, f"{target}: {rows} rows")


@feedback_app.command()
def acceptance(file: FeedbackFile = None) -> None:
    """Show the share of the first k suggestions that was accepted."""
    from app.feedback.export import acceptance as accepted_at

    table = Table("vocabulary", "models", "k", "shown", "accepted", "share")
    with plain_errors():
        for row in accepted_at(_file(file)):
            counts = (str(row.k), str(row.shown), str(row.accepted))
            # Clients sent these names, so they are escaped.
            names = (cell(row.vocabulary), cell(row.models))
            table.add_row(*names, *counts, f"{row.accepted / row.shown:.3f}")
    out.print(table)


def _file(option: Path | None) -> Path:
    path = option or read_settings().feedback_file
    if path is None:
        raise SetupError("no feedback file was given; use --file, or set TAGGRAM_FEEDBACK_FILE")
    return path

"""`taggram feedback acceptance`: count which suggestions were accepted."""

from rich.table import Table

from app.cli.console import cell, out, plain_errors
from app.cli.feedback.shared import FeedbackFile, find_feedback_file


def acceptance(file: FeedbackFile = None) -> None:
    """Show the share of the first k suggestions that was accepted."""
    from app.feedback.export import acceptance as accepted_at

    table = Table("vocabulary", "models", "k", "shown", "accepted", "share")
    with plain_errors():
        for row in accepted_at(find_feedback_file(file)):
            counts = (str(row.k), str(row.shown), str(row.accepted))
            # Clients sent these names, so they are escaped.
            names = (cell(row.vocabulary), cell(row.models))
            table.add_row(*names, *counts, f"{row.accepted / row.shown:.3f}")
    out.print(table)

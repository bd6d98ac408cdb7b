"""`taggram catalogue status`: count the tracks of a catalogue by model and status."""

from rich.table import Column, Table

from app.cli.catalogue.shared import Catalogue
from app.cli.console import cell, out, plain_errors


def status(place: Catalogue) -> None:
    """Count the tracks by model, version and status; a run may write at the same time."""
    with plain_errors():
        from app.catalogue.manifest import count_statuses
        from app.catalogue.storage import open_storage

        counts = count_statuses(open_storage(place))
    table = Table("model", "version", "status", Column("tracks", justify="right"))
    for ref, by_status in counts.items():
        for name, count in by_status.most_common():
            table.add_row(cell(ref.name), cell(ref.version), cell(name), f"{count:,}")
    out.print(table)

"""`taggram catalogue compact`: join small files, and remove rows that do not count."""

from rich.table import Column, Table

from app.cli.catalogue.shared import Catalogue
from app.cli.console import cell, err, out, plain_errors


def compact(place: Catalogue) -> None:
    """Join small files, and remove rows that later ones replace; a service may append meanwhile."""
    with plain_errors():
        from app.catalogue.compact import compact as compact_all
        from app.catalogue.storage import open_storage
        from app.catalogue.tables import models_in

        catalogue = open_storage(place)
        models_in(catalogue)  # refuses a folder that is not a catalogue, before it is locked
        with catalogue.locked(), err.status("compacting"):
            models = compact_all(catalogue)
    names = ("files replaced", "files written", "rows removed")
    table = Table("model", *(Column(name, justify="right") for name in names))
    for model in models:
        counts = (model.joined, model.written, model.removed)
        table.add_row(cell(str(model.ref)), *(f"{number:,}" for number in counts))
    out.print(table)

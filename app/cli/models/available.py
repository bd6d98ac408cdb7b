"""`taggram models available`: list the models that can be pulled."""

from rich.table import Column, Table

from app.cli.console import cell, out, plain_errors, say
from app.cli.models.shared import format_size
from app.cli.store_option import StoreUrl, open_store
from app.store.importers.available_models import available


def list_available(url: StoreUrl = None) -> None:
    """List the models that can be pulled by name, their licences, and which are in the store."""
    titles = ("model", "network", "trained on", "tags", "size", "licence", "in the store")
    table = Table(*(Column(title, overflow="fold") for title in titles))
    terms = {}
    with plain_errors():
        store = open_store(url)
        for name, model in available().items():
            manifest, stored = model.manifest, model.ready(store)
            terms[manifest.source.trained_on] = manifest.source.data_terms
            table.add_row(
                name,
                manifest.architecture.name,
                cell(manifest.source.trained_on or ""),
                str(len(manifest.tags.names)),
                format_size(model),
                cell(manifest.source.licence),
                f"version {stored.version}" if stored else "",
            )
    out.print(table)
    for dataset, terms_of_use in terms.items():
        say(out, f"{dataset}: {terms_of_use}.")

"""`taggram recommend demo`: publish made-up curators, for the second step of the demo page."""

from app.cli.console import err, out, plain_errors, read_settings, say
from app.cli.store_option import StoreUrl, open_store
from app.model_catalog import read_catalog


def demo(url: StoreUrl = None) -> None:
    """Publish a small recommender of made-up curators, to try recommendations with."""
    with plain_errors():
        from app.recommender.simulation.demo import publish_demo

        store = open_store(url)
        with err.status("making curators up"):
            manifest = publish_demo(store, read_catalog(read_settings()))
    say(
        out,
        f"{manifest.ref} is published in {store.url}: {manifest.curators} made-up curators. "
        f"TAGGRAM_RECOMMENDER={manifest.name} serves it.",
    )

"""`taggram catalogue derive`: derive suggestions from the stored scores, without audio."""

from app.cli.catalogue.shared import (
    DEFAULT_VOCABULARIES,
    Catalogue,
    Models,
    Vocabularies,
    choose_models,
    derive_all,
)
from app.cli.console import plain_errors, read_settings
from app.model_catalog import read_catalog


def derive(
    place: Catalogue, vocabularies: Vocabularies = DEFAULT_VOCABULARIES, models: Models = None
) -> None:
    """Derive the suggestions of vocabularies again, after a vocabulary has changed."""
    with plain_errors():
        from app.catalogue.storage import open_storage
        from app.catalogue.tables import models_in

        catalogue = open_storage(place)
        models_in(catalogue)  # refuses a folder that is not a catalogue
        catalog = read_catalog(choose_models(read_settings(), models))
        projections = [catalog.projection(name, None) for name in vocabularies]
        with catalogue.locked():
            derive_all(catalogue, projections)

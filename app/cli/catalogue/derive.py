"""`taggram catalogue derive`: derive suggestions from the stored scores, without audio."""

from app.cli.catalogue.shared import DEFAULT_VOCABULARIES, Catalogue, Vocabularies, derive_all
from app.cli.console import plain_errors, read_settings
from app.files import locked_folder
from app.model_catalog import read_catalog


def derive(folder: Catalogue, vocabularies: Vocabularies = DEFAULT_VOCABULARIES) -> None:
    """Derive the suggestions of vocabularies again, after a vocabulary has changed."""
    with plain_errors():
        from app.catalogue.tables import models_in

        models_in(folder)  # refuses a folder that is not a catalogue
        catalog = read_catalog(read_settings())
        projections = [catalog.projection(name, None) for name in vocabularies]
        with locked_folder(folder):
            derive_all(folder, projections)

"""`taggram models rollback`: put the previous version in production again."""

from app.cli.console import plain_errors
from app.cli.models.shared import AliasName, Name, report_alias
from app.cli.store_option import StoreUrl, open_store
from app.store.registry.alias_changes import rollback as roll_back
from app.store.registry.aliases import PRODUCTION


def rollback(name: Name, alias: AliasName = PRODUCTION, url: StoreUrl = None) -> None:
    """Serve the previously promoted version again."""
    with plain_errors():
        ref = roll_back(open_store(url), name, alias)
    report_alias(alias, ref)

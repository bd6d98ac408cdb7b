"""`taggram models rollback`: put the previous version in production again."""

from app.cli.console import plain_errors
from app.cli.models.shared import AliasName, Name, report_alias
from app.cli.store_option import StoreUrl, open_store
from app.store.registry import aliases


def rollback(name: Name, alias: AliasName = aliases.PRODUCTION, url: StoreUrl = None) -> None:
    """Serve the previously promoted version again."""
    with plain_errors():
        ref = aliases.rollback(open_store(url), name, alias)
    report_alias(alias, ref)

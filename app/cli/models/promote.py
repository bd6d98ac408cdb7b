"""`taggram models promote`: put a version in production."""

import logging

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import (
    AliasName,
    Name,
    Version,
    find_published,
    report_alias,
    verify_published,
)
from app.cli.store_option import StoreUrl, open_store
from app.store.registry.alias_changes import set_alias
from app.store.registry.aliases import PRODUCTION


def promote(
    name: Name, version: Version, alias: AliasName = PRODUCTION, url: StoreUrl = None
) -> None:
    """Make this version the one that is served by the model's name, after verifying it."""
    log_to_stderr(logging.WARNING)
    with plain_errors(), err.status("checking"):
        store = open_store(url)
        manifest = find_published(store, f"{name}/{version}")
        verify_published(store, manifest)
        set_alias(store, manifest.ref, alias)
    report_alias(alias, manifest.ref)

"""`taggram models promote`: put a version in production."""

import logging

from app.cli.console import err, log_to_stderr, plain_errors
from app.cli.models.shared import AliasName, Name, Version, report_alias
from app.cli.store_option import StoreUrl, open_store
from app.store.registry.aliases import PRODUCTION


def promote(
    name: Name, version: Version, alias: AliasName = PRODUCTION, url: StoreUrl = None
) -> None:
    """Make this version the one that is served by the model's name, after verifying it."""
    log_to_stderr(logging.WARNING)
    from app.store.registry.publishing import promote as promote_version

    with plain_errors(), err.status("checking"):
        manifest = promote_version(open_store(url), f"{name}/{version}", alias)
    report_alias(alias, manifest.ref)

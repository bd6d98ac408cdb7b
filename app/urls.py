"""Limits the URLs of files to a part of those that fsspec opens."""

from app.errors import SetupError

SCHEMES = frozenset(
    {"file", "local", "memory", "http", "https", "ftp", "sftp"}
    | {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hdfs", "webdav", "webdavs"}
)
"""Each opens the place that it names. fsspec has others that run programs or follow references."""


def check_scheme(url: str) -> None:
    """Refuse a URL that does not name one place by one of `SCHEMES`.

    Args:
        url: A path, or a URL for fsspec.

    Raises:
        SetupError: It chains several file systems, or has another scheme.
    """
    if "::" in url:
        raise SetupError("a URL that chains file systems with `::` is not supported")
    scheme, separator, _ = url.partition("://")
    if separator and scheme.lower() not in SCHEMES:
        raise SetupError(
            f"URLs with {scheme}:// are not supported; use one of {', '.join(sorted(SCHEMES))}"
        )

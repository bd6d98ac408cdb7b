"""URLs of files: those that name one place are opened, and no others."""

import pytest

from app.datasets.audio.file_source import FileSource
from app.errors import SetupError
from app.store.storage.store import Store
from app.urls import check_scheme


@pytest.mark.parametrize(
    "url", ["models", "/srv/models", "file:///srv", "s3://bucket/models", "HTTPS://host/models"]
)
def test_a_path_or_a_url_of_one_place_is_allowed(url: str) -> None:
    check_scheme(url)


REFUSED = {
    "a chain": ("simplecache::https://10.0.0.1/models", "chains file systems"),
    "a reference": ("reference://refs.json", "URLs with reference:// are not supported"),
    "a shell": ("jupyter://host/models", "URLs with jupyter:// are not supported"),
    "an archive": ("zip://models.zip", "URLs with zip:// are not supported"),
}


@pytest.mark.parametrize(("url", "reason"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("opened", [Store, FileSource], ids=["a store", "a dataset"])
def test_other_urls_are_refused_in_one_line(
    opened: type[Store] | type[FileSource], url: str, reason: str
) -> None:
    with pytest.raises(SetupError, match=reason) as refused:
        opened(url)

    assert "\n" not in str(refused.value)

"""`taggram keys` as an operator runs it."""

from functools import partial

import pytest

from app.access.keys import KEY
from tests.cli.conftest import Refused, Taggram

FILE = {"TAGGRAM_KEYS_FILE": "keys.json"}


def test_a_key_is_printed_once_then_listed_by_name_and_revoked(
    taggram: Taggram, refused: Refused
) -> None:
    keys = partial(taggram, "keys", **FILE)

    key = keys("create", "shop", "--admin").stdout.removesuffix("\n")
    assert KEY.fullmatch(key)

    listed = keys("list").stdout
    assert [word in listed for word in ("shop", "yes", "UTC")] == [True] * 3
    assert key.rpartition("_")[2] not in listed

    assert keys("revoke", "shop").exit_code == 0
    assert keys("list").stdout.count("UTC") == 2
    assert "is revoked already" in refused("keys", "revoke", "shop", **FILE)


@pytest.mark.parametrize("settings", [{}, {"TAGGRAM_KEYS_FILE": ""}])
def test_keys_need_a_key_file(settings: dict[str, str], refused: Refused) -> None:
    assert "TAGGRAM_KEYS_FILE" in refused("keys", "create", "shop", **settings)
